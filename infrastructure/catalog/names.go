package catalog

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	fullerForm = regexp.MustCompile(`^(.*\S)\s+(\([^()]*\))$`)
	suffix     = regexp.MustCompile(`^(Jr|Sr|II|III|IV|Esq|M\.D|Ph\.D)\.?$`)
)

// authorSample is the number of authors that decide how a file writes names.
const authorSample = 100

// between matches the separators of authors. The comma isn't one: it may also
// stand between last and first name.
var (
	between   = regexp.MustCompile(`\s*[;；|、]\s*`)
	ampersand = regexp.MustCompile(`\s+&\s+`)
	conjoined = regexp.MustCompile(`^(.+\S)\s+(?:and|und|et)\s+(\S.+)$`)
)

// splitAuthors splits a text into authors and writes their names in spoken order.
// inverted means that the file as a whole writes the last name first.
func splitAuthors(text string, inverted bool) (names []string) {
	groups := between.Split(text, -1)
	for _, group := range groups {
		parts := ampersand.Split(group, -1)
		if m := conjoined.FindStringSubmatch(group); m != nil && len(parts) == 1 && isPerson(m[1]) && isPerson(m[2]) {
			parts = m[1:]
		}
		turn := inverted || len(groups) > 1 || len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return strings.Count(p, ",") != 1 })
		for _, part := range parts {
			if turn {
				part = turnName(strings.TrimSpace(part))
			}
			names = append(names, part)
		}
	}
	return names
}

// isPerson reports whether a name looks like a person's: at least two words, each
// capitalised or a nobiliary particle. "Department of Health" is no person.
func isPerson(name string) bool {
	words := strings.Fields(name)
	return len(words) >= 2 && !slices.ContainsFunc(words, func(word string) bool {
		return !unicode.IsUpper(firstRune(word)) && !nobiliary[word]
	})
}

// nobiliary has the words in names of people that aren't capitalised.
var nobiliary = map[string]bool{"von": true, "van": true, "der": true, "den": true, "de": true, "la": true, "le": true, "du": true, "da": true, "di": true, "del": true, "al": true, "zu": true, "af": true, "bin": true, "ibn": true}

// areInverted reports whether nearly all authors are written as "Last, First".
func areInverted(authors []string) bool {
	all, commas, surnames := 0, 0, 0
	for _, text := range authors {
		for _, name := range between.Split(text, -1) {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			all++
			if last, _, _ := strings.Cut(name, ","); strings.Count(name, ",") == 1 {
				commas++
				if !strings.Contains(strings.TrimSpace(last), " ") {
					surnames++
				}
			}
		}
	}
	return all >= 3 && commas*5 >= all*4 && surnames*5 >= commas*3
}

// turnName turns a name in library order into spoken order: "Kennedy, John F.
// (John Fitzgerald)" becomes "John F. Kennedy (John Fitzgerald)", and "Bates,
// Lindon, Jr." becomes "Lindon Bates Jr.". A name with other parts than a last and
// a first name stays as it is.
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
		return name // a title, a year of birth, or a corporation with many parts
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
