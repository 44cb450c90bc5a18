package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
	"github.com/maypok86/otter/v2"
)

// stemmer is an algorithm for one language.
type stemmer struct {
	language langs
	script   *unicode.RangeTable
	stem     func(*snowballstem.Env) bool
}

// stemmers are the algorithms of the Snowball project (snowballstem.org), with the script
// that each reads.
var stemmers = [...]stemmer{
	{langEN, unicode.Latin, english.Stem},
	{langDE, unicode.Latin, german.Stem},
	{langFR, unicode.Latin, french.Stem},
	{langES, unicode.Latin, spanish.Stem},
	{langIT, unicode.Latin, italian.Stem},
	{langPT, unicode.Latin, portuguese.Stem},
	{langNL, unicode.Latin, dutch.Stem},
	{langDA, unicode.Latin, danish.Stem},
	{langSV, unicode.Latin, swedish.Stem},
	{langNO, unicode.Latin, norwegian.Stem},
	{langFI, unicode.Latin, finnish.Stem},
	{langHU, unicode.Latin, hungarian.Stem},
	{langRO, unicode.Latin, romanian.Stem},
	{langTR, unicode.Latin, turkish.Stem},
	{langRU, unicode.Cyrillic, russian.Stem},
	{langAR, unicode.Arabic, arabic.Stem},
	{langTA, unicode.Tamil, tamil.Stem},
}

// Stemmers is a set of languages whose words have stems.
type Stemmers uint32

// StemmersOf returns the languages by whose rules the words of a book are stemmed: its own, or if
// that is unknown the commonest of each script.
func StemmersOf(language string) (all Stemmers) {
	in := languageOf(language)
	for i, s := range stemmers {
		if in == s.language || in == unknown && commonest(i) {
			all |= 1 << i
		}
	}
	return all
}

// commonest reports whether the stemmer is the first of its script.
func commonest(i int) bool {
	return !slices.ContainsFunc(stemmers[:i], func(s stemmer) bool { return s.script == stemmers[i].script })
}

// Stem returns the stem of a term of Book in the book's language, or in the commonest
// language of its script if that is unknown. It is empty for languages without a stemmer, and
// for terms with digits.
// Terms are folded, so the stems differ from those of dictionaries.
func Stem(term, language string) string {
	if hasDigit(term) {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(term)
	in := languageOf(language)
	for i, s := range stemmers {
		if (in == unknown || in == s.language) && unicode.Is(s.script, first) {
			return stem(i, term)
		}
	}
	return ""
}

// Stemmed is a stem of a term of Query. Equal stems of other languages mean nothing.
type Stemmed struct {
	Term string
	// Languages are those in which the term has this stem.
	Languages Stemmers
	// Script has all languages in whose script the term is written.
	Script Stemmers
}

// Stems returns the stems of a term of Query in all languages, for the query's isn't known.
func Stems(term string) []Stemmed {
	if hasDigit(term) {
		return nil
	}
	first, _ := utf8.DecodeRuneInString(term)
	var all []Stemmed
	var script Stemmers
	for i, s := range stemmers {
		if !unicode.Is(s.script, first) {
			continue
		}
		script |= 1 << i
		text := stem(i, term)
		at := slices.IndexFunc(all, func(other Stemmed) bool { return other.Term == text })
		if at < 0 {
			at = len(all)
			all = append(all, Stemmed{Term: text})
		}
		all[at].Languages |= 1 << i
	}
	for i := range all {
		all[i].Script = script
	}
	return all
}

// hasDigit reports whether a term is a number or has one. A stemmer would make B33 of B333.
func hasDigit(term string) bool { return strings.ContainsAny(term, "0123456789") }

// maxSuffix is the longest suffix that stemming may cut, in letters: cooperation isn't a form of
// cooper.
const maxSuffix = 4

// stems keeps stems, because words are repeated: finding one takes ten times as long.
var stems = otter.Must(&otter.Options[stemOf, string]{MaximumSize: 1 << 16})

// stemOf is a term in the language of a stemmer.
type stemOf struct {
	stemmer int
	term    string
}

func stem(i int, term string) string {
	key := stemOf{i, term}
	if known, ok := stems.GetIfPresent(key); ok {
		return known
	}
	key.term = strings.Clone(term) // it may be a part of a long text
	stemmed := newStem(i, key.term)
	stems.Set(key, stemmed)
	return stemmed
}

func newStem(i int, term string) string {
	env := snowballstem.NewEnv(term)
	stemmers[i].stem(env)
	stemmed := env.Current()
	if utf8.RuneCountInString(term)-utf8.RuneCountInString(stemmed) > maxSuffix {
		return term
	}
	return stemmed
}
