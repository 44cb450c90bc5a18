package keyword

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

func isColon(r rune) bool { return r == ':' || r == '：' }

// cutField returns the field that a word names, and the offset behind its colon.
func cutField(t token) (field Field, colon int) {
	at := strings.IndexFunc(t.text(), isColon)
	if t.quoted || at < 0 {
		return Any, 0
	}
	switch name := Field(strings.ToLower(t.text()[:at])); name {
	case Author, Title, ISBN, Year, Subject:
		_, size := utf8.DecodeRuneInString(t.text()[at:])
		return name, t.start + at + size
	}
	return Any, 0
}

// parseYears reads 1990, 1990-1999 or 1990s.
func parseYears(text string) (from, to int, ok bool) {
	text = asciiNumber(strings.TrimRight(text, ".,;"))
	if decade, found := strings.CutSuffix(text, "s"); found {
		from, ok = parseYear(decade)
		return from, from + 9, ok && from%10 == 0
	}
	first, last, isRange := strings.Cut(text, "-")
	if from, ok = parseYear(first); !ok || !isRange {
		return from, from, ok
	}
	to, ok = parseYear(last)
	return min(from, to), max(from, to), ok
}

func parseYear(text string) (int, bool) {
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	year, err := strconv.Atoi(text)
	return year, err == nil && year > 0
}

// asciiNumber replaces the digits of other scripts and the shapes of the hyphen.
func asciiNumber(text string) string {
	return strings.Map(func(r rune) rune {
		if digit, ok := digitOf(r); ok {
			return rune(digit)
		}
		if isHyphen(r) {
			return '-'
		}
		return r
	}, text)
}
