package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/unicode/norm"

	"literank.com/event-books/domain/model"
)

func TestFold(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":                  {"", ""},
		"ASCII":                  {"C++ Primer, 5th ed.", "c++ primer, 5th ed."},
		"white space":            {"\t a \u00a0\n b\u3000c ", "a b c"},
		"only white space":       {" \n\u2003", ""},
		"accents":                {"Émile Zola: Thérèse Raquin", "emile zola: therese raquin"},
		"decomposed":             {"E\u0301mile", "emile"},
		"several marks":          {"Việt Nam", "viet nam"},
		"sharp s":                {"Straße ẞ", "strasse ss"},
		"ligature":               {"oﬀice ﬁre", "office fire"},
		"Turkish capital I":      {"İstanbul", "istanbul"},
		"Turkish dotless i":      {"ısı", "ısı"},
		"letters, not marks":     {"Øresund Łódź", "øresund łodz"},
		"final sigma":            {"Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ οδυσσευσ"},
		"Greek tonos":            {"Αλέξης Ζορμπάς", "αλεξησ ζορμπασ"},
		"iota subscript":         {"ᾳ", "αι"},
		"full width":             {"ＡＢＣ１２３", "abc123"},
		"half-width kana":        {"ｶﾞ", "ガ"},
		"kana marks stay":        {"か が は ぱ", "か が は ぱ"},
		"decomposed kana":        {"か\u3099", "が"},
		"hiragana, not katakana": {"カ", "カ"},
		"short i stays":          {"И Й и й", "и й и й"},
		"decomposed short i":     {"и\u0306", "й"},
		"Ё is Е":                 {"Ёж ёлка", "еж елка"},
		"decomposed ё":           {"е\u0308", "е"},
		"Ukrainian ї stays":      {"Ї", "ї"},
		"Hangul":                 {"\u1112\u1161\u11ab", "한"},
		"Devanagari signs stay":  {"हिन्दी", "हिन्दी"},
		"Arabic vowels stay":     {"كِتاب", "كِتاب"},
		"Hebrew points stay":     {"שָׁלוֹם", "שָׁלוֹם"},
		"joiner":                 {"👩\u200d🚀 क्\u200dष", "👩🚀 क्ष"},
		"direction mark":         {"\u200fספר\u200e", "ספר"},
		"soft hyphen, BOM":       {"\ufeffbook\u00adshop", "bookshop"},
		"variation selector":     {"❤\ufe0f", "❤"},
		"superscript":            {"E=mc²", "e=mc2"},
		"circled":                {"①Ⓐ", "1a"},
		"emoji differ":           {"🍕🍣", "🍕🍣"},
		"Cherokee":               {"ᏣᎳᎩ ꮳꮃꭹ Ᏸᏸ", "ᏣᎳᎩ ᏣᎳᎩ ᏰᏰ"},
		"a mark alone":           {"\u0301a", "\u0301a"},
	} {
		t.Run(name, func(t *testing.T) {
			got := model.Fold(c.in)
			assert.Equal(t, c.want, got)
			assert.Equal(t, got, model.Fold(got), "folding twice")
			assert.Equal(t, got, model.Fold(norm.NFD.String(c.in)), "folding decomposed text")
		})
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "Ǆ ß İ", "ᾳ\u0345", "е\u0323\u0308", "a\u00a8b", "\u1e9e\u0301", "Å\u212b\u200d\u0301", "\u3164x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "") // all text of the domain is valid UTF-8
		once := model.Fold(s)
		if twice := model.Fold(once); twice != once {
			t.Errorf("Fold(%+q) = %+q, folded again %+q", s, once, twice)
		}
		if !norm.NFC.IsNormalString(once) {
			t.Errorf("Fold(%+q) = %+q is not in NFC", s, once)
		}
	})
}
