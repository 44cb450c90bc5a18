package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// small has the small hiragana and the large ones that they stand for.
var small = map[rune]rune{
	'ぁ': 'あ', 'ぃ': 'い', 'ぅ': 'う', 'ぇ': 'え', 'ぉ': 'お', 'っ': 'つ', 'ゃ': 'や', 'ゅ': 'ゆ', 'ょ': 'よ', 'ゎ': 'わ', 'ゕ': 'か', 'ゖ': 'け',
}

// foldKana turns katakana into hiragana, and small letters into large ones.
func foldKana(r rune) rune {
	if 'ァ' <= r && r <= 'ヶ' {
		r -= 'ァ' - 'ぁ'
	}
	if large, found := small[r]; found {
		return large
	}
	return r
}

func isKana(r rune) bool { return 0x3040 <= r && r <= 0x30FF || 0x31F0 <= r && r <= 0x31FF }

// longVowel is left out by many writers, as in コンピューター.
const longVowel = 'ー'

// isIteration reports whether r repeats the letter before it.
func isIteration(r rune) bool {
	switch r {
	case '々', '〻', 'ゝ', 'ヽ', 'ゞ', 'ヾ':
		return true
	}
	return false
}

// repeated returns the letter that an iteration mark after last stands for.
func repeated(mark, last rune) rune {
	if mark != 'ゞ' && mark != 'ヾ' {
		return last
	}
	voiced, _ := utf8.DecodeRuneInString(norm.NFC.String(string(last) + "\u3099"))
	return voiced
}
