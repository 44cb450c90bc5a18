package text

import "slices"

// volume is the canonical term of #2, no. 2 and vol. 2.
const volume = "volume"

// volumes has the words before the number of a volume, with their canonical terms. The
// strict ones mean something else elsewhere, so digits must follow.
var volumes = map[string]struct {
	term   string
	strict bool
}{
	"volume": {volume, false}, "vol": {volume, false}, "vols": {volume, false},
	"no": {volume, true}, "nr": {volume, true}, "num": {volume, true}, "n": {volume, true},
	"number": {volume, false}, "numero": {volume, false}, "nummer": {volume, false},
	"band": {"band", false}, "bd": {"band", false}, "bde": {"band", false},
	"tome": {"tome", false}, "t": {"tome", true}, "tomo": {"tome", false}, "tom": {"tome", false}, "том": {"tome", false}, "т": {"tome", true},
	"part": {"part", false}, "pt": {"part", false},
	"book": {"book", false}, "bk": {"book", false},
}

// seriesWords are further words behind which a single I is a number.
var seriesWords = []string{
	"chapter", "act", "series", "season", "level", "grade", "class", "stage", "phase", "canto", "teil", "buch", "kapitel",
	"partie", "livre", "chapitre", "parte", "libro", "capitulo", "capitolo", "deel", "boek", "del", "часть", "книга",
}

// splitVolume cuts Vol2 at word i in two.
func (a *analyzer) splitVolume(i int) {
	w := &a.words[i]
	digits := w.to
	for digits > w.from && '0' <= a.buf[digits-1] && a.buf[digits-1] <= '9' {
		digits--
	}
	if digits == w.to || digits == w.from || w.full {
		return
	}
	known := lookUp(a.buf[w.from:digits])
	if known.volume == "" || digits-w.from == 1 {
		return
	}
	number := word{span: span{digits, w.to}, umlauts: span{w.umlauts.to, w.umlauts.to}, kind: digitWord, runes: w.to - digits, known: &nothing}
	number.start, number.end = w.start, w.end
	w.to, w.known, w.runes = digits, known, w.runes-number.runes
	a.words = slices.Insert(a.words, i+1, number)
}

// volumeTerm returns the canonical term of the word at i if it is a volume word before a
// number.
func (a *analyzer) volumeTerm(i int) string {
	e := a.words[i].known
	if e.volume == "" || i+1 == len(a.words) {
		return ""
	}
	next := &a.words[i+1]
	if next.before&^(blank|stop|hash) != 0 {
		return ""
	}
	if next.kind == digitWord {
		return e.volume
	}
	if e.strict || next.kind != plainWord {
		return ""
	}
	if next.known.rank != notNumeral || roman(a.bytes(next.span)) > 0 {
		return e.volume
	}
	return ""
}

// isSeriesWord reports whether a single I behind word i is a number.
func (a *analyzer) isSeriesWord(i int) bool {
	return i >= 0 && a.words[i].known.series
}

// addVolume adds for books what the canonical term of a volume word also means.
func (a *analyzer) addVolume(canonical span) {
	if term := string(a.bytes(canonical)); term == "band" || term == "tome" {
		a.addString(volume)
	}
}
