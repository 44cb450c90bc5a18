package text

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTokens(t *testing.T) {
	text := "Ünder the “Sea”: 20,000 Fäden"
	tokens := Book(text, "en", Title)
	var words []string
	for i, token := range tokens {
		words = append(words, text[token.Start:token.End])
		assert.Equal(t, i, token.Position)
	}
	assert.Equal(t, []string{"Ünder", "the", "Sea", "20,000", "Fäden"}, words)
	assert.Equal(t, []string{"under", "uender"}, tokens[0].Terms)
	assert.Equal(t, []string{"20000", "20", "000"}, tokens[3].Terms)
}

func TestTokensOfScriptsWithoutBlanks(t *testing.T) {
	text := "Go山水 天人"
	assert.Equal(t, [][]string{{"go"}, {"山", "山水"}, {"水", "水天"}, {"天", "天人"}, {"人"}}, termsOf(Book(text, "zh", Title)))
	query := Query(text)
	assert.Equal(t, [][]string{{"go"}, {"山水"}, {"天人"}}, termsOf(query))
	assert.Equal(t, "天人", text[query[2].Start:query[2].End])
	assert.Equal(t, 3, query[2].Position)
	assert.Equal(t, [][]string{{"山"}}, termsOf(Query("山")))
	assert.Equal(t, [][]string{{"เรี"}, {"ย"}, {"น"}}, termsOf(Query("เรี ย น")))
}

func TestPartsAroundApostrophes(t *testing.T) {
	for title, parts := range map[string][]string{
		"Senz'Amore": {"senz", "amore"}, "Confess'd": {"confess"}, "Rock'n'roll": {"rock", "roll"}, "Brid’oison": {"brid", "oison"},
		"L'Oison": {"oison"}, "Wasn't": {"wasn"},
	} {
		for _, part := range parts {
			assert.True(t, finds(part, title, "", Title), "%s in %s", part, title)
		}
	}
	for _, title := range []string{"Don't", "Can't", "Won't"} {
		assert.False(t, finds(title[:3], title, "en", Title), title)
	}
}

func TestOwn(t *testing.T) {
	token := Query("moby dick")[0]
	assert.Equal(t, []string{"moby"}, token.Terms[:token.Own])
	assert.Equal(t, []string{"mobydick"}, token.Terms[token.Own:])
	for _, word := range []string{"island's", "Märchen", "C#", "II", "水", "vol. 3"} {
		for _, token := range Query(word) {
			assert.Len(t, token.Terms, token.Own, word)
		}
	}
}

func TestKey(t *testing.T) {
	for _, same := range []string{
		"Hope & Glory|hope and glory?|“Hope” and Glory!|Hope und Glory", "Seventy-Six|76|seventy six", "H. G. Wells|HG Wells|h.g. wells",
		"St. Joan|Saint Joan", "三體 II|三体2|三体 Ⅱ", "어린 왕자|어린왕자", "L’Amant|L'amant", "Vol. 2|volume II|volume two", "McTeague|MacTeague",
		"Die Brüder|Die Bruder", "!!!|! ! !",
	} {
		spellings := strings.Split(same, "|")
		for _, other := range spellings[1:] {
			assert.Equal(t, Key(spellings[0]), Key(other), other)
		}
	}
	assert.Equal(t, "the old man", Key("The Old Man"))
	assert.Equal(t, "三体黑暗", Key("三体：黑暗"))
	assert.Equal(t, "go 山水 2", Key("Go山水 II"))
	assert.True(t, strings.HasPrefix(Key("Nineteen Eighty-Four: a novel"), Key("1984")+" "))
	assert.Empty(t, Key(" \x00 "))
	assert.NotEqual(t, Key("край"), Key("краи"))
	assert.NotEqual(t, Key("C#"), Key("C"))
}

func TestPairs(t *testing.T) {
	assert.Equal(t, []string{"mobydick"}, Pairs(Query("Moby Dick")))
	assert.Equal(t, []string{"every1", "everyone"}, Pairs(Book("every one", "en", Title)), "as a number, and as written")
	assert.Equal(t, []string{"hope&", "&glory"}, Pairs(Query("hope and glory")))
	assert.Equal(t, Pairs(Query("hope & glory")), Pairs(Book("hope & glory", "en", Title)))
	assert.Equal(t, []string{"macdonald"}, Pairs(Book("Mc Donald", "en", Name)))
	assert.Empty(t, Pairs(Book("三体 12 34", "zh", Title)))
	assert.Empty(t, Pairs(nil))
}

// TestSameQueries has spellings that must select the same books whatever the catalogue has:
// each token has the same terms.
func TestSameQueries(t *testing.T) {
	for _, same := range []string{
		"jekyll & hyde|jekyll ＆ hyde", "catch-22|catch 22|catch‑22", "H.G. Wells|h g wells|HG Wells|H. G. Wells",
		"Solaris|solaris?|“Solaris”|SOLARIS!|(solaris)", "Stanisław|stanislaw", "Ender's|Ender’s|ender‘s", "Qua-Wa-No|qua wa no",
		"Les Misérables|les miserables|Les Mise\u0301rables", "Jazz: photographs|jazz photographs", "Wells, Herbert|wells herbert",
		"20,000 leagues|20000 leagues|20.000 leagues", "紅樓夢|红楼梦", "サーバー|サーバ", "Ёж|Еж", "№ 5|#5", "C♯|C#",
	} {
		spellings := strings.Split(same, "|")
		for _, other := range spellings[1:] {
			assert.Equal(t, canonicalTerms(spellings[0]), canonicalTerms(other), other)
		}
	}
}

func canonicalTerms(query string) (terms []string) {
	for _, token := range Query(query) {
		terms = append(terms, token.Terms[0])
	}
	return terms
}

func TestStems(t *testing.T) {
	for _, row := range []struct{ language, a, b string }{
		{"de", "märchens", "märchen"}, {"ru", "войну", "война"}, {"en", "travels", "travel"}, {"en", "stories", "story"},
		{"fr", "contes", "conte"}, {"es", "libros", "libro"}, {"sv", "böckerna", "böcker"}, {"nl", "boeken", "boek"}, {"it", "libri", "libro"},
		{"de-AT", "kindern", "kinder"}, {"ar", "مدارسهم", "مدارس"},
	} {
		a, b := Query(row.a)[0].Terms[0], Query(row.b)[0].Terms[0]
		assert.Equal(t, Stem(a, row.language), Stem(b, row.language), row.a)
		assert.True(t, slices.ContainsFunc(Stems(b), func(s Stemmed) bool {
			return s.Term == Stem(a, row.language) && s.Languages&StemmersOf(row.language) != 0
		}), "a query doesn't know the language: %s", b)
	}
	assert.Empty(t, Stems("三体"))
	assert.Empty(t, Stem("kniha", "cs"))
	assert.NotEmpty(t, Stems("kniha"))
	assert.Equal(t, "harbour", Stem("harbours", ""), "an unknown language")
}

func TestStemmers(t *testing.T) {
	assert.Zero(t, StemmersOf("cs"))
	assert.NotEqual(t, StemmersOf("de"), StemmersOf("en"))
	assert.Equal(t, StemmersOf("en")|StemmersOf("ru")|StemmersOf("ar")|StemmersOf("ta"), StemmersOf(""), "the commonest of each script")
	for _, stem := range Stems("kindern") {
		assert.Equal(t, stem.Term == "kind", stem.Languages&StemmersOf("de") != 0, "only in German: %s", stem.Term)
	}
}

func TestLanguageOf(t *testing.T) {
	assert.Equal(t, langPT, languageOf("pt_BR"))
	assert.Equal(t, langDE, languageOf("DE-at"))
	assert.Equal(t, unknown, languageOf(""))
	assert.Equal(t, rest, languageOf("zh"))
}

func TestNumbersHaveNoStems(t *testing.T) {
	for _, term := range []string{"1984", "b33", "boat333"} {
		assert.Empty(t, Stems(term), term)
		assert.Empty(t, Stem(term, "da"), term)
	}
}
