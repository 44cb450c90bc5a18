package catalog

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	fullerForm = regexp.MustCompile(`^(.*\S)\s+(\([^()]*\))$`)
	suffix     = regexp.MustCompile(`^(Jr|Sr|II|III|IV|Esq|M\.D|Ph\.D)\.?$`)
)

// turnName brings a name as libraries sort it into the order in which it is
// spoken: "Kennedy, John F. (John Fitzgerald)" becomes "John F. Kennedy
// (John Fitzgerald)", "Bates, Lindon, Jr." becomes "Lindon Bates Jr.". A name
// whose parts are not just a last and a first name stays as it is.
func turnName(name string) string {
	plain, fuller := name, ""
	if m := fullerForm.FindStringSubmatch(name); m != nil {
		plain, fuller = m[1], " "+m[2]
	}
	parts := strings.Split(plain, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
		if parts[i] == "" {
			return name
		}
	}
	if last := len(parts) - 1; last > 0 && suffix.MatchString(parts[last]) {
		fuller = " " + parts[last] + fuller
		parts = parts[:last]
	}
	switch {
	case len(parts) == 1:
		return parts[0] + fuller
	case len(parts) > 2 || strings.ContainsFunc(parts[1], unicode.IsDigit):
		return name // titles, dates of life, the many parts of a corporation
	case unicode.IsLower(firstRune(parts[1])):
		return parts[0] + " " + parts[1] + fuller // "Hero, of Alexandria"
	}
	return parts[1] + " " + parts[0] + fuller
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}
