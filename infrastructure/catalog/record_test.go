package catalog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// book reads a JSON Lines file of one book with these keys and a title.
func book(t *testing.T, keys string) *model.ImportRow {
	t.Helper()
	return onlyRow(t, `{"title": "Emma", `+keys+`}`)
}

// cell reads a CSV file of one book with this cell and a title.
func cell(t *testing.T, column, text string) *model.ImportRow {
	t.Helper()
	return onlyRow(t, "title,"+column+"\nEmma,\""+strings.ReplaceAll(text, `"`, `""`)+"\"\n")
}

func TestEveryFieldFromBothFormats(t *testing.T) {
	stock := 3
	want := model.Book{
		Title: "Emma", Author: "Jane Austen, Ann Onymous", PublishedAt: "1815-12-23", Description: "A comedy.\nOf manners.",
		ISBN: "9780306406157", Language: "en", Publisher: "John Murray", Subjects: []string{"Matchmaking", "England"},
		Series: "Classics", Edition: "2", Price: "12.90", Currency: "EUR", Stock: &stock, Availability: model.InStock,
		BuyURL: "https://example.com/emma", CoverURL: "https://example.com/emma.png",
		Popularity: 4780653, AuthorAliases: []string{"A Lady", "Jane Austin"},
	}
	csv := onlyRow(t, `title,author,date,description,isbn,language,publisher,subjects,series,edition,price,currency,stock,availability,url,cover,ratings,author_aliases,id
Emma,Jane Austen; Ann Onymous,1815-12-23,"A comedy.
Of manners.",0-306-40615-2,eng,John Murray,Matchmaking | England;England,Classics,2,12.90,eur,3.0,In stock,https://example.com/emma,https://example.com/emma.png,"4,780,653","A Lady; Austin, Jane;Jane Austen",17
`)
	jsonl := onlyRow(t, `{"title": "Emma", "author": [{"name": "Austen, Jane", "aliases": ["A Lady", "Austin, Jane"]}, {"name": "Ann Onymous", "born": null}], "date": "1815-12-23T00:00:00Z",`+
		`"description": "A comedy.\nOf manners.", "isbn": 9780306406157, "language": ["eng", "fr"], "publisher": "John Murray",`+
		`"subjects": ["Matchmaking", "England", "", "England"], "series": "Classics", "edition": 2, "price": 12.90, "currency": "EUR",`+
		`"stock": 3, "availability": "in_stock", "buy_url": "https://example.com/emma", "cover_url": "https://example.com/emma.png", "downloads": 4780653.0, "id": 17}`)
	for name, row := range map[string]*model.ImportRow{"CSV": csv, "JSON Lines": jsonl} {
		assert.Equal(t, want, row.Book, name)
		assert.Empty(t, row.Notes, name)
		assert.Equal(t, model.AuthorAliasesField<<1-1, row.Fields, "%s: all fields", name)
		assert.Equal(t, "17", row.ExternalID, name)
		assert.Equal(t, "test", row.Source, name)
	}
}

func TestTitles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"title before original title": {"original_title,title\nEmma,Emma (Penguin)\n", "Emma (Penguin)"},
		"no title":                    {"original_title,title\nEmma, \n", "Emma"},
		"white space":                 {"title\n\"  Emma\n a\tnovel \u3000\"\n", "Emma a novel"},
	} {
		t.Run(name, func(t *testing.T) {
			row := onlyRow(t, c.text)
			assert.Equal(t, c.want, row.Book.Title)
			assert.Equal(t, model.TitleField, row.Fields)
		})
	}
}

func TestISBNs(t *testing.T) {
	for name, c := range map[string]struct{ keys, want, note string }{
		"isbn13 before isbn":     {`"isbn13": "9780439023481", "isbn": "0306406152"`, "9780439023481", ""},
		"isbn13 before isbn10":   {`"isbn10": "0306406152", "isbn13": "9780439023481"`, "9780439023481", ""},
		"wrong isbn13":           {`"isbn13": "9.78e12", "isbn": "0306406152"`, "9780306406157", ""},
		"wrong isbn":             {`"isbn13": 9780306406157, "isbn": "x"`, "9780306406157", ""},
		"lost its zero":          {`"isbn": 306406152`, "9780306406157", ""},
		"all wrong":              {`"isbn10": "1", "isbn13": "2"`, "", `isbn dropped: "2" is not a valid ISBN-10 or ISBN-13`},
		"with control character": {`"isbn": "03064\u000006152"`, "9780306406157", "isbn cleaned: it had control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			row := book(t, c.keys)
			assert.Equal(t, c.want, row.Book.ISBN)
			assert.Equal(t, c.note, strings.Join(row.Notes, "; "))
		})
	}
}

func TestYears(t *testing.T) {
	for text, want := range map[string]string{
		"2008": "2008", "2008.0": "2008", "2008.00": "2008", "-750": "-750", "-750.0": "-750", " 850 ": "850",
		"1815-12": "1815-12", "1815-12-23": "1815-12-23", "1815-12-23 10:00:00": "1815-12-23", "2001-02-29": "2001-02-29",
		"2008.5": "", "18--": "", "12345": "", "1815-13": "", "1815-00-00": "1815", "2001-02-30": "", "1e3": "", "NaN": "",
	} {
		row := cell(t, "year", text)
		assert.Equal(t, want, row.Book.PublishedAt, text)
		if want == "" {
			require.Len(t, row.Notes, 1, text)
			assert.True(t, strings.HasPrefix(row.Notes[0], "published_at dropped: "), row.Notes[0])
		} else {
			assert.Empty(t, row.Notes, text)
		}
	}
	assert.Equal(t, "-44", book(t, `"year": -44`).Book.PublishedAt)
	assert.Equal(t, "2008", book(t, `"year": 2008.0`).Book.PublishedAt)
}

func TestWhatABookCanDoWithoutIsDropped(t *testing.T) {
	for name, c := range map[string]struct{ column, text, note string }{
		"language":           {"language", "Klingonish", `language dropped: "Klingonish" is not a BCP 47 language tag`},
		"price":              {"price", "12,90 Taler", `price dropped: "12,90 Taler" must be a decimal number`},
		"negative price":     {"price", "-1", `price dropped: "-1" must be`},
		"currency":           {"currency", "Taler", `currency dropped: "Taler" is not an ISO 4217 code`},
		"stock":              {"stock", "many", `stock dropped: "many" is not a whole number`},
		"negative stock":     {"stock", "-1", `stock dropped: "-1" must be a whole number from 0 to 2147483647`},
		"huge stock":         {"stock", "99999999999", `stock dropped: "99999999999" must be a whole number from 0 to 2147483647`},
		"availability":       {"availability", "soon", `availability dropped: "soon" must be one of`},
		"address":            {"url", "javascript:alert(1)", `buy_url dropped: "javascript:alert(1)" must be an absolute http`},
		"relative address":   {"cover", "/cover.png", `cover_url dropped: "/cover.png" must be`},
		"control characters": {"publisher", "John\x1b Murray", `publisher cleaned: it had control characters`},
		"long wrong value":   {"price", strings.Repeat("ä", 1000), `price dropped: "` + strings.Repeat("ä", 60) + `…" must be`},
	} {
		t.Run(name, func(t *testing.T) {
			row := cell(t, c.column, c.text)
			require.Len(t, row.Notes, 1)
			assert.True(t, strings.HasPrefix(row.Notes[0], c.note), row.Notes[0])
			clean := row.Book
			clean.Publisher = ""
			assert.Equal(t, model.Book{Title: "Emma"}, clean)
		})
	}
	row := onlyRow(t, "title,price,currency,cover\nEmma,x,y,z\n")
	assert.Len(t, row.Notes, 3)
}

func TestTooLongTexts(t *testing.T) {
	long := strings.Repeat("ä", 1001)
	for _, column := range []string{"author", "publisher", "series", "edition", "subjects"} {
		got := transcript(openText(t, "title,"+column+"\nEmma,"+long+"\nIda,"+long[:2000]+"\n", gateway.FileOptions{}), titles)
		assert.Equal(t, []string{"line 2: " + column + ": is longer than 1000 characters", "3 Ida"}, got)
	}
	assert.Equal(t, []string{"line 2: title: is longer than 1000 characters"},
		transcript(openText(t, "title\n"+long+"\n", gateway.FileOptions{}), titles))
	assert.Equal(t, []string{"line 2: id: is longer than 190 characters", "3 Ida"},
		transcript(openText(t, "title,id\nEmma,"+long[:382]+"\nIda,"+long[:380]+"\n", gateway.FileOptions{Source: "test"}), titles))
	assert.Equal(t, []string{"line 2: subjects: are more than 200"},
		transcript(openText(t, "title,tags\nEmma,"+numberedTags(201)+"\n", gateway.FileOptions{}), titles))

	row := cell(t, "description", strings.Repeat("ä", model.MaxDescription+1))
	assert.Equal(t, strings.Repeat("ä", model.MaxDescription), row.Book.Description)
	assert.Equal(t, []string{"description cut: it was longer than 100000 characters"}, row.Notes)
}

func numberedTags(n int) string {
	var tags strings.Builder
	for tag := range n {
		tags.WriteString(strings.Repeat("x", tag+1) + ";")
	}
	return tags.String()
}

func TestDescriptionKeepsItsLines(t *testing.T) {
	row := book(t, `"summary": " One.\n\n\tTwo.\u0000 "`)
	assert.Equal(t, "One.\n\n\tTwo.", row.Book.Description)
	assert.Equal(t, []string{"description cleaned: it had control characters"}, row.Notes)
}

func TestAuthors(t *testing.T) {
	for text, want := range map[string]string{
		"Jane Austen":                 "Jane Austen",
		"J.K. Rowling, Mary GrandPré": "J.K. Rowling, Mary GrandPré",
		"Quillon, Xandrine":           "Quillon, Xandrine", // or two authors
		"Austen, Jane":                "Jane Austen",
		" A  B ;C|; D ":               "A B, C, D",
		"Jane\nAusten":                "Jane Austen",
		"Austen, Jane; Doyle, Arthur Conan; Plato": "Jane Austen, Arthur Conan Doyle, Plato",
		"Terry Pratchett & Neil Gaiman":            "Terry Pratchett, Neil Gaiman",
		"Pratchett, Terry & Gaiman, Neil":          "Terry Pratchett, Neil Gaiman",
		"Tom, Dick & Harry":                        "Tom, Dick, Harry",
		"Maj Sjöwall and Per Wahlöö":               "Maj Sjöwall, Per Wahlöö",
		"Jacob von Uexküll und Hans Meier":         "Jacob von Uexküll, Hans Meier",
		"Department of Health and Human Services":  "Department of Health and Human Services",
		"鲁迅、茅盾；巴金":                                 "鲁迅, 茅盾, 巴金",
		"AT&T":                                     "AT&T",
		"":                                         "",
	} {
		assert.Equal(t, want, cell(t, "authors", text).Book.Author, text)
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		assert.Equal(t, want, book(t, `"authors": `+string(quoted)).Book.Author, text)
	}
	for names, want := range map[string]string{
		`[]`:               "",
		`["Various"]`:      "Various",
		`["Austen, Jane"]`: "Jane Austen",
		`["Austen, Jane", {"name": "Doyle, Arthur"}]`: "Jane Austen, Arthur Doyle",
		`["Kennedy, John F. (John Fitzgerald)"]`:      "John F. Kennedy (John Fitzgerald)",
		`["King, Martin Luther, Jr."]`:                "Martin Luther King Jr.",
		`["Frost, John, Jr. (John W.)"]`:              "John Frost Jr. (John W.)",
		`["Davis, Jr."]`:                              "Davis Jr.",
		`["Leonardo, da Vinci"]`:                      "Leonardo da Vinci",
		`["Carr, John, Sir"]`:                         "Carr, John, Sir",
		`["Wenkang, active 1842-1851"]`:               "Wenkang, active 1842-1851",
		`["Chicago, Milwaukee, and Pacific Company"]`: "Chicago, Milwaukee, and Pacific Company",
		`["Austen,", ", Jane", ","]`:                  "Austen,, , Jane, ,",
	} {
		assert.Equal(t, want, book(t, `"authors": `+names).Book.Author, names)
	}
}

func TestLanguagesAndSubjects(t *testing.T) {
	assert.Equal(t, "en-US", cell(t, "language_code", "EN-us").Book.Language)
	assert.Equal(t, "de", cell(t, "languages", "ger; fra").Book.Language)
	assert.Equal(t, "fr", book(t, `"languages": ["fra", "de"]`).Book.Language)
	assert.Empty(t, book(t, `"languages": []`).Book.Language)
	assert.Equal(t, []string{"Love", "War -- Fiction"}, cell(t, "genres", "Love|War -- Fiction;; ").Book.Subjects)
	assert.Equal(t, []string{"a;b", "c"}, book(t, `"tags": ["a;b", " c "]`).Book.Subjects)
}
