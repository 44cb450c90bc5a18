package text

import (
	"slices"
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
	language langs
	script   *unicode.RangeTable
	stem     func(*snowballstem.Env) bool
}{
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

// Stems returns the stems of a term of Book or Query in a language, or in all supported
// ones if the language is empty, without duplicates. It returns nothing for languages
// without stemmer. Terms are folded, so the stems differ from those of dictionaries, but
// are the same for books and queries.
func Stems(term, language string) []string {
	first, _ := utf8.DecodeRuneInString(term)
	in := languageOf(language)
	var stems []string
	for _, s := range stemmers {
		if in != unknown && in != s.language || !unicode.Is(s.script, first) {
			continue
		}
		env := snowballstem.NewEnv(term)
		s.stem(env)
		if stem := env.Current(); stem != "" && !slices.Contains(stems, stem) {
			stems = append(stems, stem)
		}
	}
	return stems
}
