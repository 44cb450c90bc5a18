package text

import (
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
)

// stemmers are the algorithms of the Snowball project (snowballstem.org), with the script
// that each reads.
var stemmers = []struct {
	tag      string
	language langs
	script   *unicode.RangeTable
	stem     func(*snowballstem.Env) bool
}{
	{"en", langEN, unicode.Latin, english.Stem},
	{"de", langDE, unicode.Latin, german.Stem},
	{"fr", langFR, unicode.Latin, french.Stem},
	{"es", langES, unicode.Latin, spanish.Stem},
	{"it", langIT, unicode.Latin, italian.Stem},
	{"pt", langPT, unicode.Latin, portuguese.Stem},
	{"nl", langNL, unicode.Latin, dutch.Stem},
	{"da", langDA, unicode.Latin, danish.Stem},
	{"sv", langSV, unicode.Latin, swedish.Stem},
	{"no", langNO, unicode.Latin, norwegian.Stem},
	{"fi", langFI, unicode.Latin, finnish.Stem},
	{"hu", langHU, unicode.Latin, hungarian.Stem},
	{"ro", langRO, unicode.Latin, romanian.Stem},
	{"tr", langTR, unicode.Latin, turkish.Stem},
	{"ru", langRU, unicode.Cyrillic, russian.Stem},
	{"ar", langAR, unicode.Arabic, arabic.Stem},
	{"ta", langTA, unicode.Tamil, tamil.Stem},
}

// Stem returns the stem of a term of Book in the book's language, or in the commonest
// language of its script if that is unknown. It is empty for languages without a stemmer.
// The stem begins with its language: equal stems of different languages mean nothing.
// Terms are folded, so the stems differ from those of dictionaries.
func Stem(term, language string) string {
	first, _ := utf8.DecodeRuneInString(term)
	in := languageOf(language)
	for i, s := range stemmers {
		if (in == unknown || in == s.language) && unicode.Is(s.script, first) {
			return stem(i, term)
		}
	}
	return ""
}

// StemLanguage returns the beginning of a stem that its language has alone.
func StemLanguage(stem string) string {
	return stem[:strings.IndexByte(stem, ':')+1]
}

// Stems returns the stems of a term of Query in all languages, for the query's isn't known.
func Stems(term string) []string {
	first, _ := utf8.DecodeRuneInString(term)
	var stems []string
	for i, s := range stemmers {
		if unicode.Is(s.script, first) {
			stems = append(stems, stem(i, term))
		}
	}
	return stems
}

func stem(stemmer int, term string) string {
	s := stemmers[stemmer]
	env := snowballstem.NewEnv(term)
	s.stem(env)
	return s.tag + ":" + env.Current()
}
