// Package notation reads values in the notations that programs and shops write
// into their files: numbers, prices, dates, languages, names and HTML. Its
// functions know neither files nor columns.
package notation

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plain brings text to the form that the readers of numbers expect: ASCII digits,
// one kind of hyphen, ordinary spaces, no invisible characters.
func plain(text string) string {
	if isPlain(text) {
		return text
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\u00AD' || unicode.Is(unicode.Pd, r) || r == '\u2212':
			return '-'
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.Is(unicode.Nd, r):
			return '0' + digitValue(r)
		}
		return r
	}, norm.NFKC.String(strings.ReplaceAll(text, "\u00AD", "-"))))
}

var zeroFraction = regexp.MustCompile(`^(-?\d+)\.0+$`)

// WithoutFraction turns 2008.0 into 2008. Spreadsheets and data frames write whole
// numbers as decimals if some cells of the column are empty.
func WithoutFraction(number string) string {
	if !strings.HasSuffix(number, "0") {
		return number
	}
	return zeroFraction.ReplaceAllString(number, "$1")
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 || text[i] < ' ' {
			return false
		}
	}
	return strings.TrimSpace(text) == text
}

// digitValue is the value of a decimal digit of any script. Unicode encodes the
// ten digits of a script one after the other, and begins each range of digits
// with a zero.
func digitValue(r rune) rune {
	for _, digits := range unicode.Nd.R16 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return (r - rune(digits.Lo)) % 10
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return (r - rune(digits.Lo)) % 10
		}
	}
	return 0
}
