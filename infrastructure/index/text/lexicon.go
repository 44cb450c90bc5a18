package text

// entry is what is known about a folded word.
type entry struct {
	// rank and value of an English numeral. Ordinals of one word have the value of their
	// cardinal.
	rank    rank
	ordinal bool
	value   int16

	// foreign is the value of a numeral in the languages numeralIn. It is clear if it means
	// nothing else in other languages.
	foreign   int8
	clear     bool
	numeralIn langs

	and      langs  // languages in which the word means "and"
	concept  string // the canonical term, wherever the word stands
	volume   string // the canonical term before a number
	strict   bool   // volume holds only before digits
	series   bool   // the single letter I behind the word is a number
	particle bool   // of a name
	elides   bool   // before an apostrophe
}

// always stands for all languages.
const always = ^langs(0)

// and is the canonical term of all words for "and".
const and = "&"

var lexicon = newLexicon()

func newLexicon() map[string]*entry {
	l := map[string]*entry{}
	of := func(word string) *entry {
		if l[word] == nil {
			l[word] = &entry{}
		}
		return l[word]
	}
	for word, in := range conjunctions {
		if of(word).and = in; in == always {
			of(word).concept = and
		}
	}
	for word, n := range numerals {
		e := of(word)
		e.rank, e.value, e.ordinal = n.rank, n.value, n.ordinal
	}
	for in, words := range foreignNumerals {
		for i, word := range words {
			e := of(word)
			e.foreign, e.numeralIn, e.clear = int8(i+1), e.numeralIn|in, true
		}
	}
	for word, value := range foreignSpellings {
		e := of(word)
		e.foreign, e.numeralIn, e.clear = value, langDE, true
	}
	for _, word := range ambiguousNumerals {
		of(word).clear = false
	}
	for word, v := range volumes {
		e := of(word)
		e.volume, e.strict = v.term, v.strict
		e.series = !v.strict
	}
	for _, word := range seriesWords {
		of(word).series = true
	}
	for _, word := range saints {
		of(word).concept = saint
	}
	for _, word := range particles {
		of(word).particle = true
	}
	for _, word := range elisions {
		of(word).elides = true
	}
	return l
}

var nothing entry

// lookUp returns what is known about a word.
func lookUp(word []byte) *entry {
	if e := lexicon[string(word)]; e != nil {
		return e
	}
	return &nothing
}
