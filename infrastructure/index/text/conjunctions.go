package text

// conjunctions has the folded words for "and", and the languages in which they are that.
// Words that mean something else elsewhere count only in books of their languages.
var conjunctions = map[string]langs{
	and: always, "and": always, "und": always, "och": always, "og": always, "и": always, "και": always,
	"et": langFR | langLA, "y": langES, "e": langIT | langPT, "ed": langIT, "en": langNL, "i": langPL | langCA | langSH,
	"a": langCS, "és": langHU, "es": langHU, "ja": langFI | langET, "ve": langTR, "si": langRO, "та": langUK, "і": langUK,
	"й": langUK,
}

// addAnds adds to & in a book the words of its language, and the common ones if the language
// is unknown.
func (a *analyzer) addAnds() {
	for _, word := range [...]string{"et", "y", "e", "en", "i", "n"} {
		if a.lang == unknown || word == "n" || conjunctions[word]&a.lang != 0 {
			a.addString(word)
		}
	}
	if a.lang&(langCS|langHU|langFI|langET|langTR|langRO|langUK) == 0 {
		return
	}
	for _, word := range [...]string{"a", "es", "ja", "ve", "si", "та", "і", "й"} {
		if conjunctions[word]&a.lang != 0 {
			a.addString(word)
		}
	}
}
