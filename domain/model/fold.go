package model

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns text in the form that searches match and compare. It applies
// Unicode NFKC and full case folding, and drops default ignorable code points
// (as NFKC_Casefold does, Unicode Standard Annex #44). It removes marks from
// Latin and Greek base letters, turns Ё into Е, collapses white space to single
// spaces and trims it. Punctuation stays, and so do marks that distinguish
// letters of other scripts: か and が, и and й are different. Folding folded text
// changes nothing.
func Fold(s string) string {
	if isFoldedASCII(s) {
		return s
	}
	s = norm.NFKC.String(s)
	s = strings.Map(dropIgnorable, s)
	s = cases.Fold().String(s)
	var out strings.Builder
	out.Grow(len(s))
	var base rune
	space := true // drops leading white space
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.IsSpace(r):
			base = 0
			if !space {
				out.WriteByte(' ')
			}
			space = true
			continue
		case isIgnorable(r):
			continue
		case unicode.Is(unicode.Mn, r):
			if unicode.In(base, unicode.Latin, unicode.Greek) || base == 'е' && r == '\u0308' {
				continue
			}
		case unicode.Is(unicode.Cherokee, r):
			r = unicode.ToUpper(r) // Unicode folds Cherokee to upper case; cases.Fold swaps its cases
			base = r
		default:
			base = r
		}
		space = false
		out.WriteRune(r)
	}
	return norm.NFC.String(strings.TrimSuffix(out.String(), " "))
}

// isFoldedASCII reports whether s is ASCII text that is already folded.
func isFoldedASCII(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 || c >= 'A' && c <= 'Z' || c >= '\t' && c <= '\r' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return s == "" || !space
}

func dropIgnorable(r rune) rune {
	if isIgnorable(r) {
		return -1
	}
	return r
}

// isIgnorable reports whether r is one of Unicode's invisible characters
// (Default_Ignorable_Code_Point): joiners, direction marks, soft hyphens,
// variation selectors.
func isIgnorable(r rune) bool {
	if r < 0xAD {
		return false
	}
	return unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
			(r < 0xFFF9 || r > 0xFFFB)
}
