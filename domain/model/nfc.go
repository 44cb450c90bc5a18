package model

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxDecomposition is how many code points one code point has in NFD at most.
const maxDecomposition = 4

// nfc returns s in Unicode NFC. Package norm always writes the Stream-Safe Text
// Format (Unicode Standard Annex #15): it inserts U+034F after thirty marks, and
// orders and composes each part for itself. Unicode's NFC has no such limit.
func nfc(s string) string {
	const joiner = "\u034f" // norm itself never removes one
	safe := norm.NFC.String(s)
	if strings.Count(safe, joiner) == strings.Count(s, joiner) {
		return safe
	}
	return compose(decompose(s))
}

// decompose returns the code points of s in NFD.
func decompose(s string) []rune {
	points := make([]rune, 0, len(s))
	for _, r := range s {
		points = append(points, []rune(norm.NFD.String(string(r)))...)
	}
	for rest := points; len(rest) > 0; {
		marks := slices.IndexFunc(rest, func(r rune) bool { return combiningClass(r) == 0 })
		if marks < 0 {
			marks = len(rest)
		}
		slices.SortStableFunc(rest[:marks], func(a, b rune) int { return cmp.Compare(combiningClass(a), combiningClass(b)) })
		rest = rest[min(marks+1, len(rest)):]
	}
	return points
}

// compose is Unicode's Canonical Composition Algorithm (D117) for text in NFD.
func compose(points []rune) string {
	var out []rune
	starter := -1    // index in out
	last := uint8(0) // class of the code point before
	for _, r := range points {
		class := combiningClass(r)
		if starter >= 0 && (starter == len(out)-1 || last < class) {
			if whole, ok := composePair(out[starter], r); ok {
				out[starter] = whole
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		out, last = append(out, r), class
	}
	return string(out)
}

func composePair(starter, r rune) (rune, bool) {
	pair := norm.NFC.String(string([]rune{starter, r}))
	whole, size := utf8.DecodeRuneInString(pair)
	return whole, size == len(pair)
}

func combiningClass(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }
