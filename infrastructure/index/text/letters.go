package text

import (
	"bytes"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plain has letters without decomposition, and letters of Arabic, Hebrew, Cyrillic and
// Malayalam that readers spell differently.
var plain = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i",
	'ĸ': "k", 'ŋ': "ng", 'ŧ': "t", 'ƀ': "b", 'ɓ': "b", 'ƃ': "b", 'ƈ': "c", 'ɖ': "d", 'ɗ': "d", 'ƌ': "d",
	'ǝ': "e", 'ə': "e", 'ɛ': "e", 'ɇ': "e", 'ƒ': "f", 'ɠ': "g", 'ǥ': "g", 'ɣ': "g", 'ɨ': "i", 'ɩ': "i",
	'ɪ': "i", 'ȷ': "j", 'ɉ': "j", 'ɟ': "j", 'ƙ': "k", 'ƚ': "l", 'ɫ': "l", 'ɬ': "l", 'ƞ': "n", 'ɲ': "n",
	'ɔ': "o", 'ɵ': "o", 'ƥ': "p", 'ɍ': "r", 'ʀ': "r", 'ſ': "s", 'ƫ': "t", 'ƭ': "t", 'ʈ': "t", 'ʉ': "u",
	'ʊ': "u", 'ʋ': "v", 'ƿ': "w", 'ƴ': "y", 'ɏ': "y", 'ȝ': "y", 'ƶ': "z", 'ȥ': "z", 'ʒ': "z", 'ɑ': "a",
	'ɐ': "a", 'ỻ': "ll", 'ⱥ': "a", 'ⱦ': "t", 'ꜳ': "aa",
	'ς': "σ",
	'ё': "е", 'ѐ': "е", 'ѝ': "и", 'ѣ': "е", 'ѳ': "ф", 'ѵ': "и", 'ѡ': "о",
	'ٱ': "ا", 'ٲ': "ا", 'ٳ': "ا", 'ى': "ي", 'ی': "ي", 'ې': "ي", 'ے': "ي", 'ئ': "ي", 'ؤ': "و",
	'ة': "ه", 'ۃ': "ه", 'ہ': "ه", 'ھ': "ه", 'ە': "ه", 'ۀ': "ه", 'ک': "ك", 'ڪ': "ك",
	'װ': "וו", 'ױ': "וי", 'ײ': "יי",
	'ൺ': "ണ്", 'ൻ': "ന്", 'ർ': "ര്", 'ൽ': "ല്", 'ൾ': "ള്", 'ൿ': "ക്",
}

// tableSize covers the alphabets in common use, Latin with its additions and Greek included.
const tableSize = 0x2000

// folded is what a character folds to.
type folded struct {
	first, second uint16
	simple        bool // a letter that normalization leaves alone
}

// table has the frequent characters. Building it takes about a
// millisecond, at the first text that isn't ASCII.
var table = sync.OnceValue(buildTable)

func buildTable() *[tableSize]folded {
	var t [tableSize]folded
	for r := range rune(tableSize) {
		first, second := foldRune(r)
		simple := unicode.IsLetter(r) && !isApostrophe(r) && !isIgnorable(r) && norm.NFKC.IsNormalString(string(r)) &&
			norm.NFKC.PropertiesString(string(r)).BoundaryBefore()
		t[r] = folded{uint16(first), uint16(second), simple && r != 'º' && r != 'ª'}
	}
	return &t
}

// foldLetter reads a letter of an alphabet.
func (s *scanner) foldLetter(r rune, start, end int) {
	var first, second rune
	if r < tableSize {
		f := &table()[r]
		first, second = rune(f.first), rune(f.second)
	} else {
		first, second = foldRune(r)
	}
	if first == 'ـ' { // tatweel only stretches a word
		return
	}
	s.letter(first, false, start, end)
	w := &s.words[len(s.words)-1]
	if second != 0 {
		s.append(w, second, end)
		w.runes--
	}
	if letter := secondSpelling(r); letter != 0 && !w.full {
		s.umlauts = append(s.umlauts, umlaut{int32(len(s.buf)), letter})
		w.umlauts.to = int32(len(s.umlauts))
	}
}

// foldRune returns the letters that r folds to; second is 0 if it is one.
func foldRune(r rune) (first, second rune) {
	r = unicode.ToLower(r)
	if letters, found := plain[r]; found {
		first, size := utf8.DecodeRuneInString(letters)
		if len(letters) == size {
			return first, 0
		}
		second, _ = utf8.DecodeRuneInString(letters[size:])
		return first, second
	}
	decomposed := norm.NFD.PropertiesString(string(r)).Decomposition()
	if len(decomposed) == 0 {
		return r, 0
	}
	base, size := utf8.DecodeRune(decomposed)
	second, _ = utf8.DecodeRune(decomposed[size:])
	if !losesMarks(base) && !isNukta(second) {
		return r, 0
	}
	if letters, found := plain[base]; found {
		base, _ = utf8.DecodeRuneInString(letters)
	}
	return base, 0
}

// losesMarks reports whether readers drop the marks of a letter. Cyrillic letters with
// marks, such as й, are letters of their own; plain has the exceptions.
func losesMarks(base rune) bool {
	return unicode.In(base, unicode.Latin, unicode.Greek, unicode.Arabic, unicode.Hebrew)
}

// secondSpelling returns the letter that follows if an umlaut is spelt with two letters:
// Märchen and Maerchen, Ålborg and Aalborg.
func secondSpelling(r rune) byte {
	switch r {
	case 'ä', 'ö', 'ü', 'ø', 'Ä', 'Ö', 'Ü', 'Ø':
		return 'e'
	case 'å', 'Å':
		return 'a'
	}
	return 0
}

// mark reads a combining mark that isn't part of a letter. Marks stay only in scripts that
// write vowels with them.
func (s *scanner) mark(r rune, end int) {
	if !s.open || s.apostrophe || s.plus || isNukta(r) || unicode.Is(unicode.Me, r) || !keepsMarks(s.last) {
		return
	}
	if r == 'ँ' {
		r = 'ं' // many write only the dot
	}
	w := &s.words[len(s.words)-1]
	s.append(w, r, end)
	w.runes--
}

// keepsMarks covers the scripts of India, South East Asia and Tibet.
func keepsMarks(last rune) bool {
	return 0x0900 <= last && last <= 0x1CFF || 0xA800 <= last && last <= 0xABFF || 0x11000 <= last && last <= 0x11FFF
}

// isNukta reports whether r is the dot that makes a foreign sound of an Indic letter, which
// many leave out.
func isNukta(r rune) bool {
	return r == 0x093C || r == 0x09BC || r == 0x0A3C || r == 0x0ABC || r == 0x0B3C
}

func isArabic(r rune) bool { return 0x0600 <= r && r <= 0x06FF || 0x0750 <= r && r <= 0x077F }

func isHebrew(r rune) bool { return 0x05D0 <= r && r <= 0x05F2 }

// addUmlauts adds the word spelt with ae, oe, ue and aa.
func (a *analyzer) addUmlauts(w *word) {
	if w.umlauts.len() == 0 {
		return
	}
	from, rest := len(a.buf), w.from
	for _, u := range a.umlauts[w.umlauts.from:w.umlauts.to] {
		a.buf = append(a.buf, a.buf[rest:u.at]...)
		a.buf = append(a.buf, u.second)
		rest = u.at
	}
	a.buf = append(a.buf, a.buf[rest:w.to]...)
	a.add(a.limit(span{int32(from), int32(len(a.buf))}))
}

// addOldRussian adds the word with the и that took the place of і in 1918.
func (a *analyzer) addOldRussian(w *word) {
	if !bytes.Contains(a.bytes(w.span), []byte("і")) {
		return
	}
	a.add(a.canonicalOf(bytes.ReplaceAll(a.bytes(w.span), []byte("і"), []byte("и"))))
}

// umlautLanguages spell umlauts with two letters where they lack the keys.
const umlautLanguages = langDE | langDA | langNO | langSV | langIS | langET

// addDigraphs adds the word without the second letters of ae, oe, ue and aa, for queries
// with an umlaut or without any.
func (a *analyzer) addDigraphs(w *word) {
	if a.kind != Name && a.lang&umlautLanguages == 0 {
		return
	}
	text := a.bytes(w.span)
	isDigraph := func(i int) bool {
		c, next := text[i], text[i+1]
		return next == 'e' && (c == 'a' || c == 'o' || c == 'u' && (i == 0 || text[i-1] != 'q')) || next == 'a' && c == 'a'
	}
	found := false
	for i := 0; i+1 < len(text) && !found; i++ {
		found = isDigraph(i)
	}
	if !found {
		return
	}
	from := len(a.buf)
	for i := 0; i < len(text); i++ {
		a.buf = append(a.buf, text[i])
		if i+1 < len(text) && isDigraph(i) {
			i++
		}
	}
	a.add(span{int32(from), int32(len(a.buf))})
}
