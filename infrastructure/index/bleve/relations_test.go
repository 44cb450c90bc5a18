package bleve_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/bleve"
)

// relationShelf has books that the spellings below must find, and some with single words of them.
func relationShelf(t *testing.T) *bleve.Index {
	return library(t,
		&model.Book{Title: "Gulliver's Travels", Author: "Jonathan Swift", Language: "en"},
		&model.Book{Title: "Grimm’s Household Tales", Author: "Jacob Grimm", Language: "en"},
		&model.Book{Title: "Fahrenheit-451", Author: "R. B. Marrow", Language: "en"},
		&model.Book{Title: "Zażółć: Wiersze", Author: "Bolesław Łęcki", Language: "pl"},
		&model.Book{Title: "Fjorden", Author: "Bjørnstjerne Bjørnson", Language: "no"},
		&model.Book{Title: "Crime and Punishment", Author: "Fyodor Dostoevsky", Language: "en"},
		&model.Book{Title: "Schuld und Sühne", Author: "Fyodor Dostoevsky", Language: "de"},
		&model.Book{Title: "Le Rouge et le Noir", Author: "Stendhal", Language: "fr"},
		&model.Book{Title: "Dracula", Author: "Bram Stoker", Language: "en"},
		&model.Book{Title: "The Time Machine", Author: "H. G. Wells", Language: "en", ISBN: "9780306406157"},
		&model.Book{Title: "Wells and Springs of the North", Author: "George Hall", Language: "en"},
		&model.Book{Title: "Cien años de soledad", Author: "Gabriel García Márquez", Language: "es"},
		&model.Book{Title: "Punishment after Crime", Author: "Ann Lake", Language: "en"},
		&model.Book{Title: "Travels of a Machine", Author: "Cy Moss", Language: "en"},
		&model.Book{Title: "Œuvres de l’Étranger", Author: "Zoé Lefèvre", Language: "fr"},
	)
}

// TestSameBooks has spellings that must find the same books, and some.
func TestSameBooks(t *testing.T) {
	x := relationShelf(t)
	for kind, spellings := range map[string][]model.Keyword{
		"apostrophes":             {"Gulliver's Travels", "Gulliver’s Travels", "gullivers travels", "Gulliver`s travels", "Gulliverʼs Travels"},
		"apostrophes as stored":   {"Grimm's Household Tales", "Grimm’s Household Tales", "grimms household tales"},
		"hyphens":                 {"Fahrenheit-451", "Fahrenheit‑451", "Fahrenheit 451", "fahrenheit–451"},
		"ł":                       {"Bolesław Łęcki", "Boleslaw Lecki", "lecki, boleslaw"},
		"ø":                       {"Bjørnstjerne Bjørnson", "Bjornstjerne Bjornson", "Bjoernstjerne Bjoernson"},
		"œ":                       {"Œuvres de l'Étranger", "oeuvres de l'etranger", "OEUVRES DE L’ÉTRANGER"},
		"and":                     {"Crime and Punishment", "Crime & Punishment", "crime ＆ punishment"},
		"und":                     {"Schuld und Sühne", "Schuld & Sühne", "Schuld & Suehne"},
		"et":                      {"Le Rouge et le Noir", "Le Rouge & le Noir"},
		"punctuation behind":      {"Dracula", "Dracula?", "Dracula!", "Dracula...", "“Dracula”", "(Dracula)", "Dracula,"},
		"initials":                {"H.G. Wells", "HG Wells", "H. G. Wells", "h g wells", "H.G.Wells"},
		"inverted names":          {"H.G. Wells", "Wells, H.G.", "Wells, H. G.", "Wells HG"},
		"words around an ISBN":    {"9780306406157", "ISBN 9780306406157", "ISBN-13: 978-0306406157", "(9780306406157)", "isbn:9780306406157", "978 0 306 40615 7"},
		"its ISBN-10":             {"9780306406157", "0-306-40615-2", "0306406152", "ISBN-10 0306406152"},
		"its five further digits": {"9780306406157", "9780306406157 51299"},
		"accents":                 {"Cien años de soledad", "Cien anos de soledad", "CIEN AÑOS DE SOLEDAD", "Cien an\u0303os de soledad"},
		"accents in names":        {"Gabriel García Márquez", "gabriel garcia marquez", "García Márquez, Gabriel"},
	} {
		want := search(t, x, model.Search{Keyword: spellings[0]})
		assert.NotEmpty(t, want.IDs, kind)
		assert.Equal(t, model.ExactMatch, want.Match, kind)
		for _, other := range spellings[1:] {
			got := search(t, x, model.Search{Keyword: other})
			assert.Equal(t, want.IDs, got.IDs, "%s: %s", kind, other)
			assert.Equal(t, want.Total, got.Total, "%s: %s", kind, other)
			assert.Equal(t, model.ExactMatch, got.Match, "%s: %s", kind, other)
		}
	}
}

// A phrase finds some of the books that have its words.
func TestPhraseIsAPart(t *testing.T) {
	x := relationShelf(t)
	words := search(t, x, model.Search{Keyword: "crime punishment"}).IDs
	assert.ElementsMatch(t, []uint{6, 13}, words)
	for _, phrase := range []model.Keyword{`"crime and punishment"`, "“crime and punishment”", "„crime and punishment“", "«crime & punishment»", "“Crime and Punishment”?"} {
		assert.Equal(t, []uint{6}, search(t, x, model.Search{Keyword: phrase}).IDs, "%s", phrase)
	}
}
