package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// summary writes the values of a book that aren't empty, and the notes.
func summary(row *model.ImportRow) string {
	b := row.Book
	stock := ""
	if b.Stock != nil {
		stock = fmt.Sprint(*b.Stock)
	}
	var parts []string
	for _, part := range []string{row.ExternalID, b.Title, b.Author, b.ISBN, b.PublishedAt, b.Description, b.Language, b.Publisher, strings.Join(b.Subjects, "; "), b.Series,
		strings.TrimSpace(b.Price + " " + b.Currency), stock, string(b.Availability), b.CoverURL, strings.Join(row.Notes, "; ")} {
		if part != "" {
			parts = append(parts, strings.ReplaceAll(part, "\n", "\\n"))
		}
	}
	return strings.Join(parts, " | ")
}

// TestExportsOfPrograms reads files with the headers and the notations of the
// programs that people export their books from.
func TestExportsOfPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		text, ignored string
		want          []string
	}{
		"Goodreads": {
			text: "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Publisher,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves\n" +
				`7,"Emma (Highbury, #1)",Jane Austen,"Austen, Jane","Tess Lator, Bob Ray","=""0306406152""","=""9780306406157""",0,Tin Press,2007,1815,,2021/02/03,to-read` + "\n" +
				`8,Ida,Bob Ray,"Ray, Bob",,"=""""","=""""",0,,,2018,,2021/02/04,` + "\n",
			ignored: "Author l-f, My Rating, Original Publication Year, Date Read, Date Added, Bookshelves",
			want:    []string{"7 | Emma (Highbury, #1) | Jane Austen, Tess Lator, Bob Ray | 9780306406157 | 2007 | Tin Press", "8 | Ida | Bob Ray"},
		},
		"LibraryThing": {
			text: "Book Id\tTitle\tPrimary Author\tSecondary Author\tSecondary Author Roles\tPublication\tDate\tSummary\tISBN\tISBNs\tSubjects\tLanguages\tOriginal Languages\tTags\n" +
				"7\tEmma\tAusten, Jane\tLator, Tess|Ray, Xandrine|Lind, Bo\tTranslator|Author|\tTin Press (2007), 320 pages\t2007\tEmma by Jane Austen (2007)\t[0306406152]\t0306406152, 9780306406157\tMatchmaking\tEnglish\tSwedish\town\n" +
				"8\tIda\tRay, Xandrine\t\t\t\t\t\t[]\t\t\tGerman, English\t\tsea, islands\n",
			ignored: "Original Languages",
			want:    []string{"7 | Emma | Jane Austen, Xandrine Ray | 9780306406157 | 2007 | en | Tin Press | Matchmaking", "8 | Ida | Xandrine Ray | de | sea; islands"},
		},
		"Calibre": {
			text: "author_sort,authors,comments,id,identifiers,isbn,languages,pubdate,publisher,rating,series,series_index,tags,timestamp,title,title_sort\n" +
				`"Austen, Jane & Ray, Bob","Jane Austen & Bob Ray","<div><p>By <i>her</i>.</p><p>A &amp; B</p></div>",7,"goodreads:439023483,isbn:9780306406157",,"eng, deu",2007-03-01T00:00:00+00:00,Tin,8,Highbury,2.0,"Fiction, Sea stories",2021-02-03T10:00:00+01:00,Emma,Emma` + "\n" +
				`,Unknown,,8,,,,0101-01-01T00:00:00+00:00,,,,1.0,,2021-02-03T10:00:00+01:00,Ida,Ida` + "\n",
			ignored: "author_sort, rating, series_index, timestamp, title_sort",
			want:    []string{`7 | Emma | Jane Austen, Bob Ray | 9780306406157 | 2007-03-01 | By her.\nA & B | en | Tin | Fiction; Sea stories | Highbury`, "8 | Ida | Unknown"},
		},
		"BookWyrm": {
			text:    "title,author_text,remote_id,isbn_10,isbn_13,start_date,rating,review_published,shelf\nEmma,Jane Austen,https://b.example/1,0306406152,9780306406157,2025-03-12,,2024-01-02,read\n",
			ignored: "remote_id, start_date, rating, review_published, shelf",
			want:    []string{"Emma | Jane Austen | 9780306406157"},
		},
		"StoryGraph": {
			text:    "Title,Authors,Contributors,ISBN/UID,Format,Date Added,Moods,Star Rating,Tags\nEmma,\"Jane Austen, Bob Ray\",Tess Lator (Translator),9780306406157,paperback,2021/02/03,dark,4.5,\"sea, islands\"\n",
			ignored: "Contributors, Format, Date Added, Moods, Star Rating",
			want:    []string{"Emma | Jane Austen, Bob Ray | 9780306406157 | sea; islands"},
		},
		"Book-Crossing": {
			text: "\"ISBN\";\"Book-Title\";\"Book-Author\";\"Year-Of-Publication\";\"Publisher\";\"Image-URL-S\";\"Image-URL-M\";\"Image-URL-L\"\n" +
				"\"0306406152\";\"The \\\"True\\\" Emma; &amp; more\";\"Jane Austen\";\"0\";\"Tin\";\"http://i.example/s.jpg\";\"http://i.example/m.jpg\";\"http://i.example/l.jpg\"\n",
			ignored: "Image-URL-S, Image-URL-M",
			want:    []string{`The "True" Emma; & more | Jane Austen | 9780306406157 | Tin | http://i.example/l.jpg | quotes corrected: they were not doubled`},
		},
		"WooCommerce": {
			text: `ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,"Short description",Description,"In stock?",Stock,"Sale price","Regular price",Categories,Tags,Images` + "\n" +
				`7,simple,b1,9780306406157,Emma,1,Short.,"<p>One <em>fine</em> day.</p>\n<p>Two.</p>",1,4,9.50,12.90,"Fiction > Sea, Fiction > Islands",salt,"https://x.example/a.jpg, https://x.example/b.jpg"` + "\n" +
				`8,simple,b2,,Ida,-1,Short.,,0,,,8.00,"Books > A\, B, Sea",,` + "\n",
			ignored: "Type, Tags",
			want: []string{`7 | Emma | 9780306406157 | One fine day.\nTwo. | Fiction; Sea; Islands | 9.50 | 4 | in_stock | https://x.example/a.jpg`,
				"8 | Ida | Short. | Books; A, B; Sea | 8.00 | unavailable"},
		},
		"units in the header": {
			text: "Titel,Preis (EUR),Bestand (Stück)\nEmma,12.90,7\n",
			want: []string{"Emma | 12.90 EUR | 7"},
		},
		"numbers of articles": {
			text:    "title,SKU,#isbn\nEmma,978-0-306-40615-7,1\nIda,0306406152,0306406152\nUna,A-17,\n",
			ignored: "#isbn",
			want:    []string{"Emma | 9780306406157", "Ida", "Una"},
		},
		"WooCommerce with attributes": {
			text: "ID,Name,Regular price,Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 2 name,Attribute 2 value(s)\n" +
				"7,Emma,5,Author,\"Austen, Jane\",1,Binding,Paper\n8,Ida,6,,,,Publisher,Tin\n9,Una,7,Name,Other,1,,\n",
			ignored: "Attribute 1 name, Attribute 1 value(s), Attribute 1 visible, Attribute 2 name, Attribute 2 value(s)",
			want:    []string{"7 | Emma | Jane Austen | 5", "8 | Ida | Tin | 6", "9 | Una | 7"},
		},
		"objects and lists in JSON": {
			text: `{"title":"Emma","author":{"name":"Austen, Jane"},"publisher":{"name":"Tin"},"isbn":["0306406152","9780306406157"]}` + "\n" + `{"title":"Ida","authors":[{"firstName":"Bob","lastName":"Ray"}],"publishers":["Tin","Zinc"]}` + "\n" +
				`{"title":"Una","author":"Ann Lee","Additional Authors":["Ray, Bob"],"categories":[{"name":"Sea"},"Coast"],"images":["https://x.example/1.jpg"]}` + "\n" + `{"title":"Eva","comments":["x"],"images":[1],"identifiers":{"isbn":"0306406152"},"price":true}` + "\n",
			ignored: "",
			want: []string{"Emma | Jane Austen | 9780306406157 | Tin", "Ida | Bob Ray | Tin", "Una | Ann Lee, Bob Ray | Sea; Coast | https://x.example/1.jpg",
				`Eva | isbn dropped: the key "identifiers" can't be a JSON object; description dropped: the key "comments" can't be a JSON array; price dropped: the key "price" can't be a JSON boolean; cover_url dropped: the key "images" can't hold a JSON number`},
		},
		"Koha": {
			text: "biblionumber,title,author,isbn,copyrightdate,publishercode,itemcallnumber,barcode\n" +
				`7,"Emma /","Austen, Jane, 1775-1817.",9780306406157 (pbk.) | 0306406152,c2007.,"Tin Press,",823 AUS,3001` + "\n",
			ignored: "itemcallnumber",
			want:    []string{"7 | Emma | Jane Austen | 9780306406157 | 2007 | Tin Press"},
		},
		"mongoexport": {
			text: `{"_id":{"$oid":"53c2"},"title":"Emma","isbn":{"$numberLong":"9780306406157"},"publishedDate":{"$date":{"$numberLong":"1238569200000"}},"thumbnailUrl":"https://x.example/1.jpg","shortDescription":"Short.","longDescription":"Long.","authors":["Jane Austen","",null],"categories":["Open Source"],"price":{"$numberDecimal":"12.900"},"stock":{"$numberInt":"3"},"available":true}` + "\n" +
				`{"_id":{"$numberInt":"8"},"title":"Ida","publishedDate":{"$date":"2009-04-01T00:00:00.000-0700"},"isbn":"","authors":[],"price":{"$numberDouble":"5.5"}}` + "\n",
			ignored: "",
			want:    []string{"53c2 | Emma | Jane Austen | 9780306406157 | 2009-04-01 | Long. | Open Source | 12.900 | 3 | in_stock | https://x.example/1.jpg", "8 | Ida | 2009-04-01 | 5.5"},
		},
		"mongoexport as CSV": {
			text:    "_id,title,publishedDate,authors,categories\nObjectId(53c2),Emma,2009-04-01T07:00:00.000Z,\"[\"\"Jane Austen\"\",\"\"Bob Ray\"\"]\",\"[\"\"Open Source\"\",\"\"Mobile\"\"]\"\n",
			ignored: "",
			want:    []string{"ObjectId(53c2) | Emma | Jane Austen, Bob Ray | 2009-04-01 | Open Source; Mobile"},
		},
		"a shop's own table": {
			text: "Titel;Autor;Preis (EUR);Verfügbarkeit;Sprache;Erschienen\n" +
				"Emma;Austen, Jane;17,99 €;lieferbar;Englisch;3/2019\nIda;Karl Marx, Friedrich Engels;$1.234,50;vergriffen;Deutsch;Mai 2013\nUna;Springer, Inc.;12.900;bald;Klingonish;bald\n",
			ignored: "",
			want: []string{"Emma | Jane Austen | 2019-03 | en | 17.99 EUR | in_stock", "Ida | Karl Marx, Friedrich Engels | 2013-05 | de | 1234.50 EUR | unavailable",
				`Una | Springer, Inc. | 12900 EUR | published_at dropped: "bald" must be a year, a month (2001-02) or a date (2001-02-28), or a common notation with four digits for the year, such as 28.2.2001 or "May 2013"; language dropped: "Klingonish" is not a BCP 47 language tag, and no name of a language, such as "English" or "Deutsch"; availability dropped: "bald" must be one of in_stock, to_order, unavailable, or a common term, such as "out of print" or "lieferbar"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, c.text, gateway.FileOptions{Source: "test"})
			assert.Equal(t, c.want, transcript(f, summary))
			_, ignored := f.Columns()
			assert.Equal(t, c.ignored, strings.Join(ignored, ", "))
		})
	}
}

func TestCurrencies(t *testing.T) {
	for name, c := range map[string]struct{ header, row, option, want string }{
		"a sign":                         {"price", "$12.90", "", "12.90 USD"},
		"an option for prices without":   {"price", "12.90", "CHF", "12.90 CHF"},
		"an option for a shared sign":    {"price", "$12.90", "CAD", "12.90 CAD"},
		"but not for a clear sign":       {"price", "12.90 €", "CAD", "12.90 EUR"},
		"a header":                       {"price (AUD)", "$12.90", "CAD", "12.90 AUD"},
		"a header, but a clear price":    {"Preis (EUR)", "CHF 12.90", "", "12.90 CHF"},
		"a column":                       {"price,currency", "$12.90,nzd", "CAD", "12.90 NZD"},
		"a column with signs":            {"price,currency", "12.90,€", "", "12.90 EUR"},
		"a column with an open sign":     {"price,currency", "12.90,$", "", "12.90 USD"},
		"an open sign and an option":     {"price,currency", "12.90,$", "CAD", "12.90 CAD"},
		"an open sign and a clear price": {"price,currency", "€ 12.90,$", "", "12.90 EUR"},
		"an open sign and a code":        {"price,currency", "AUD 12.90,$", "", "12.90 AUD"},
		"a code and an open sign":        {"price,currency", "$12.90,AUD", "", "12.90 AUD"},
		"two clear ones":                 {"price,currency", "€ 12.90,USD", "", "12.90 USD"},
		"a column with an empty cell":    {"price,currency", "$12.90,", "", "12.90 USD"},
		"no price":                       {"price", "", "CHF", ""},
		"no price that can be read":      {"price", "soon €", "CHF", ""},
		"yen and yuan":                   {"price", "¥28.00元", "", "28.00 CNY"},
		"a sale price in its own unit":   {"price (EUR),sale_price (USD)", "12.90,9.50", "", "9.50 USD"},
		"no sale price at the moment":    {"price (EUR),sale_price (USD)", "12.90,", "", "12.90 EUR"},
		"a unit behind an underscore":    {"price_gbp", "9.99", "", "9.99 GBP"},
		"JSON numbers are never groups":  {"", `{"title": "Emma", "price_eur": 12.900}`, "", "12.900 EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "title," + c.header + "\nEmma," + c.row + "\n"
			if c.header == "" {
				text = c.row
			}
			row, err := openText(t, text, gateway.FileOptions{Currency: c.option}).Next()
			require.NoError(t, err)
			assert.Equal(t, c.want, strings.TrimSpace(row.Book.Price+" "+row.Book.Currency))
			assert.Equal(t, row.Book.Currency != "", row.Fields&model.CurrencyField != 0, "a row that names a currency sets it")
		})
	}
	assert.Equal(t, []string{"currency of the price ignored: it is EUR, and the column of currencies says USD"}, onlyRow(t, "title,price,currency\nEmma,€ 12.90,USD\n").Notes)
	assert.ErrorContains(t, Files{}.CheckOptions("a.csv", gateway.FileOptions{Currency: "Taler"}), "--currency Taler")
	assert.NoError(t, Files{}.CheckOptions("a.csv", gateway.FileOptions{Currency: "chf"}))
}

func TestOtherRowsShowHowAColumnIsWritten(t *testing.T) {
	prices := func(cells ...string) []string {
		text := "title;price\n"
		for _, cell := range cells {
			text += "x;" + cell + "\n"
		}
		return transcript(openText(t, text, gateway.FileOptions{}), func(row *model.ImportRow) string { return row.Book.Price })
	}
	assert.Equal(t, []string{"12900", "1000"}, prices("12.900", "1.000"))
	assert.Equal(t, []string{"12.900", "1.50"}, prices("12.900", "1.50"))
	assert.Equal(t, []string{"12900", "1.50"}, prices("12.900", "1,50"))
	far := make([]string, aheadRows)
	for i := range far {
		far[i] = "5"
	}
	assert.Equal(t, "12900", prices(append(append([]string{"12.900"}, far...), "1.50")...)[0], "only the first rows are looked at")

	dates := transcript(openText(t, "title,date\nx,3/4/2001\nx,13/4/2001\n", gateway.FileOptions{}), func(row *model.ImportRow) string { return row.Book.PublishedAt })
	assert.Equal(t, []string{"2001-04-03", "2001-04-13"}, dates)
}

func TestADecimalCommaShiftsNothing(t *testing.T) {
	const shifted = ": the row has more cells than the header: a price with a decimal comma needs quotes"
	const wrong = ": the cells behind the price seem to stand in wrong columns: a price with a decimal comma needs quotes; write a whole price with decimals, such as 12.00"
	show := func(row *model.ImportRow) string { return summary(row) }
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"beside exact rows":          {"title,price,stock\nEmma,12.90,3\nIda,12,90,\nUna,8,50,\n", []string{"Emma | 12.90 | 3", "line 3" + shifted, "line 4" + shifted}},
		"with a currency":            {"title,price,stock\nEmma,12.90,3\nIda,€ 12,90,\nUna,8,50 €,\n", []string{"Emma | 12.90 | 3", "line 3" + shifted, "line 4" + shifted}},
		"every row is longer":        {"title,price,stock\nEmma,12.90,3,\nIda,7.50,,\nUna,8,50,\n", []string{"Emma | 12.90 | 3", "Ida | 7.50", "Una | 8 | 50"}},
		"one row is longer yet":      {"title,price,stock\nEmma,12.90,3,\nIda,7.50,,\nEva,7.50,1,\nUna,8,50,,\n", []string{"Emma | 12.90 | 3", "Ida | 7.50", "Eva | 7.50 | 1", "line 5" + shifted}},
		"empty cells without it":     {"title,price,stock\nEmma,12.90,3,,\nIda,7.50,2\n", []string{"Emma | 12.90 | 3", "Ida | 7.50 | 2"}},
		"in quotes":                  {"title,price,stock\nEmma,\"12,90\",3\n", []string{"Emma | 12.90 | 3"}},
		"no empty cell":              {"title,price,stock\nEmma,12,90,3\n", []string{"line 2: the row has 4 cells, the header 3"}},
		"an exact row, others cut":   {"title,author,price,stock\nEmma,Jane,12,90,3\nIda,Bob,8,50,1\nUna,Cy,7,25\nEva,Di,9.50,25\n", []string{"line 2: the row has 5 cells, the header 4", "line 3: the row has 5 cells, the header 4", "line 4" + wrong, "Eva | Di | 9.50 | 25"}},
		"an exact row, one cut":      {"title,price,stock\nEmma,12,90,3\nIda,8,50\n", []string{"line 2: the row has 4 cells, the header 3", "line 3" + wrong}},
		"an exact row, empty cells":  {"title,author,price,stock\nEmma,Jane,12,90,\nIda,Bob,8,50,\nUna,Cy,7,25\n", []string{"line 2" + shifted, "line 3" + shifted, "line 4" + wrong}},
		"whole prices":               {"title,price,stock\nEmma,12,90\nIda,8,50\nUna,7,25,,x\n", []string{"Emma | 12 | 90", "Ida | 8 | 50", "line 4: the row has 5 cells, the header 3"}},
		"a comma elsewhere":          {"title,price,stock,series\nEmma,12,90,Salt\nIda,8,50,Salt\nUna,7,25,Salt, too\n", []string{"Emma | Salt | 12 | 90", "Ida | Salt | 8 | 50", "line 4: the row has 5 cells, the header 4"}},
		"a number as the currency":   {"title,price,currency,stock\nEmma,12,90,EUR\nIda,8,EUR,50\n", []string{"line 2" + wrong, "Ida | 8 EUR | 50"}},
		"a number as the ISBN":       {"title,price,stock,isbn\nEmma,12,90,3\nIda,8,50,9780306406157\nUna,8,50,none\n", []string{"line 2" + wrong, "Ida | 9780306406157 | 8 | 50", `Una | 8 | 50 | isbn dropped: "none" is not a valid ISBN-10 or ISBN-13`}},
		"a currency as the language": {"title,price,stock,currency,language\nEmma,12,90,3,EUR\n", []string{"line 2" + wrong}},
		"a number as the publisher":  {"title,price,publisher,stock\nEmma,12,90,Tin\nIda,8,Tin,50\n", []string{"line 2" + wrong, "Ida | Tin | 8 | 50"}},
		"other separators":           {"title;price;stock\nEmma;12;90;\n", []string{"Emma | 12 | 90"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "no empty cell" {
				c.want = []string{"line 2: the row has 4 cells, the header 3"}
			}
			assert.Equal(t, c.want, transcript(openText(t, c.text, gateway.FileOptions{}), show))
		})
	}
}

func TestHTMLInEveryColumn(t *testing.T) {
	row := onlyRow(t, "title,author,publisher,description,tags\nSalt &amp; <i>Road</i>,Jane &amp; Tom,Quill &amp; Lind,<p>One</p><p>a &lt; b</p>,R&amp;B\n")
	assert.Equal(t, `Salt & Road | Jane, Tom | One\na < b | Quill & Lind | R&B`, summary(row))
	row = onlyRow(t, `{"title": "R&amp;B", "authors": ["Tom &amp; Co"], "tags": ["R&amp;B", "<i>x</i>"]}`)
	assert.Equal(t, "R&B | Tom & Co | R&B; x", summary(row))
	row = onlyRow(t, "title,author,description\nC<T> & a < b,AT&T,C<T> is a < b & c\n")
	assert.Equal(t, "C<T> & a < b | AT&T | C<T> is a < b & c", summary(row))
}

func TestDoubtfulAuthorsHaveTwoReadings(t *testing.T) {
	row := onlyRow(t, "title,author\nEmma,\"Quillon, Xandrine\"\n")
	assert.Equal(t, "Quillon, Xandrine", row.Book.Author)
	assert.Equal(t, "Xandrine Quillon", row.Turned)
	for _, clear := range []string{"Jane Austen", "Austen, Jane", "Karl Marx, Friedrich Engels", "Springer, Inc."} {
		assert.Empty(t, onlyRow(t, "title,author\nEmma,\""+clear+"\"\n").Turned, clear)
	}
}
