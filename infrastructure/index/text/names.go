package text

import "unicode/utf8"

// saint is the canonical term of saints. Catalogues abbreviate them and keep or translate
// them as they like.
const saint = "saint"

var saints = []string{"saint", "st", "sainte", "ste", "sankt", "sint"}

// particles stand before a surname. With the words behind them they are also written as one:
// van der Zee, VanDerZee.
var particles = []string{
	"van", "von", "vom", "vander", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "d", "der", "den", "dem",
	"het", "t", "ter", "ten", "te", "zu", "zum", "zur", "la", "las", "le", "les", "lo", "los", "el", "al", "af", "av",
	"bin", "bint", "ibn", "ben", "abu", "abd", "mc", "mac", "o", "fitz", "ap",
}

// elisions drop their vowel before a vowel: l'île, dell'arte. Readers look for île as well.
var elisions = []string{
	"l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu",
	"dell", "all", "nell", "sull", "dall", "coll", "un", "quest", "quell", "sant", "gl", "degl", "agl", "v",
}

// canonical returns the canonical form of a word that is no number and has no concept.
func (a *analyzer) canonical(w *word) span {
	s := w.span
	switch {
	case w.runes >= 4 && a.buf[s.from] == 'm' && a.buf[s.from+1] == 'c' && !isRomanText(a.bytes(s)):
		return a.join(a.put("mc"), span{s.from + 2, s.to})
	case a.buf[s.from] == articlePrefix[0] || a.buf[s.from] == "و"[0]:
		return a.withoutArticle(w)
	case w.runes >= 4 && hasSuffix(a.bytes(s), "ъ"): // Russian before 1918
		s.to -= int32(len("ъ"))
	}
	return s
}

func hasSuffix(b []byte, s string) bool {
	return len(b) >= len(s) && string(b[len(b)-len(s):]) == s
}

// isRomanText keeps MCMXIV from being taken for a name.
func isRomanText(b []byte) bool {
	for _, c := range b {
		switch c {
		case 'i', 'v', 'x', 'l', 'c', 'd', 'm':
		default:
			return false
		}
	}
	return true
}

// addElision adds the parts of l'île, and the word without 's. A book also has the longer parts
// around other apostrophes, as in senz'amore and confess'd.
func (a *analyzer) addElision(w *word) {
	if w.first == 0 {
		return
	}
	if w.to-w.last == 1 && a.buf[w.last] == 's' && w.last-w.from >= 2 && w.last < w.to {
		a.add(a.canonicalPart(w.from, w.last))
	}
	if w.first < w.to && lookUp(a.buf[w.from:w.first]).elides {
		a.add(a.canonicalPart(w.first, w.to))
		if a.book {
			a.add(span{w.from, w.first})
		}
		return
	}
	if !a.book || w.last >= w.to {
		return
	}
	shortest := minPart
	if string(a.buf[w.last:w.to]) == "t" {
		shortest++ // not the parts of "don't", "can't" and "won't"
	}
	for _, part := range [...]span{{w.from, w.first}, {w.last, w.to}} {
		if part.len() >= shortest {
			a.add(a.canonicalPart(part.from, part.to))
		}
	}
}

// minPart is the length in bytes of the shortest part around an apostrophe that a book is found by.
const minPart = 3

// canonicalOf returns the canonical form of letters that aren't in buf.
func (a *analyzer) canonicalOf(letters []byte) span {
	s := a.put(string(letters))
	return a.canonicalPart(s.from, s.to)
}

func (a *analyzer) canonicalPart(from, to int32) span {
	part := word{span: span{from, to}, runes: int32(utf8.RuneCount(a.buf[from:to]))}
	return a.canonical(&part)
}
