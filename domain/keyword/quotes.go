package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	apostrophes  = "'‘‚＇"
	doubleQuotes = "\"“”‟＂〞〟"
)

// closers lists the quotes that can close one. Countries differ in which of a pair
// comes first, and shoppers mix shapes.
var closers = map[rune]string{
	'"': doubleQuotes, '“': doubleQuotes, '”': doubleQuotes, '‟': doubleQuotes, '＂': doubleQuotes,
	'〞': doubleQuotes, '〟': doubleQuotes, '„': doubleQuotes, '〝': doubleQuotes,
	'«': "«»", '»': "«»", '‹': "‹›", '›': "‹›",
	'「': "」", '『': "』", '｢': "｣",
	'\'': "'’", '‘': "'’", '‚': "'’‘", '＇': "＇",
}

// phraseEnd returns the offsets of the closing quote and of what follows it, if a
// phrase begins at text[i]. A second opening quote takes the place of the first
// one.
func phraseEnd(text string, i int) (inner, outer int, ok bool) {
	quote, size := utf8.DecodeRuneInString(text[i:])
	closing, ok := closers[quote]
	if !ok || !opens(text, i, quote, size) {
		return 0, 0, false
	}
	for j, r := range text[i+size:] {
		if closers[r] == "" && !strings.ContainsRune(closing, r) {
			continue
		}
		j += i + size
		size := utf8.RuneLen(r)
		if strings.ContainsRune(closing, r) && closes(text, j, r, size) {
			return j, j + size, true
		}
		if closers[r] == closing && opens(text, j, r, size) {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// opens reports whether the quote can begin a phrase. After a letter or digit it is
// an apostrophe, an inch or a Hebrew abbreviation.
func opens(text string, i int, quote rune, size int) bool {
	before, after := runeBefore(text, i), runeAt(text, i+size)
	if strings.ContainsRune(apostrophes, quote) {
		return isWordRune(after) && (unicode.In(before, unicode.Z, unicode.Cc, unicode.Ps, unicode.Pd) || isColon(before))
	}
	return !isSpacedRune(before)
}

// closes reports whether the quote can end a phrase that was begun.
func closes(text string, i int, quote rune, size int) bool {
	before, after := runeBefore(text, i), runeAt(text, i+size)
	if strings.ContainsRune(apostrophes+"’", quote) {
		return !unicode.IsSpace(before) && !isWordRune(after)
	}
	if strings.ContainsRune("」』｣", quote) {
		return true
	}
	return !(isSpacedRune(after) && (unicode.IsSpace(before) || isSpacedRune(before)))
}

// isSpacedRune reports whether r belongs to a word of a script that puts blanks
// between words and quotes. Korean particles follow a quote directly.
func isSpacedRune(r rune) bool {
	return isWordRune(r) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
