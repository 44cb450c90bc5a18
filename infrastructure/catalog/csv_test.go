package catalog

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

func titleAndAuthor(row *model.ImportRow) string {
	return fmt.Sprintf("%d %s|%s", row.Line, row.Book.Title, row.Book.Author)
}

func TestSeparatorsAreRecognised(t *testing.T) {
	for separator, format := range map[string]string{
		",": "CSV in UTF-8", ";": "CSV, separated by ';', in UTF-8", "\t": `CSV, separated by '\t', in UTF-8`, "|": "CSV, separated by '|', in UTF-8",
	} {
		text := strings.ReplaceAll("title~author~x y z\n\"Em~ma\"~Jane~1\nIda~\"A, B\"~2\n", "~", separator)
		f := openText(t, text, gateway.FileOptions{})
		assert.Equal(t, format, f.Format())
		assert.Equal(t, []string{"2 Em" + strings.ReplaceAll(separator, "\t", " ") + "ma|Jane", "3 Ida|A, B"}, transcript(f, titleAndAuthor), format)
	}
	// One known column counts more than many unknown ones.
	f := openText(t, "title;a,b,c,d\nEmma;1\n", gateway.FileOptions{})
	assert.Equal(t, []string{"2 Emma|"}, transcript(f, titleAndAuthor))
	// A single column has no separator.
	f = openText(t, "title\nEmma, or not; that is|the question\n", gateway.FileOptions{})
	assert.Equal(t, []string{"line 2: the row has 2 cells, the header 1"}, transcript(f, titleAndAuthor))
	f = openText(t, "title\n\"Emma, or not\"\nIda; Una\n", gateway.FileOptions{})
	assert.Equal(t, []string{"2 Emma, or not|", "3 Ida; Una|"}, transcript(f, titleAndAuthor))
}

func TestQuotesInEveryStyle(t *testing.T) {
	for name, c := range map[string]struct {
		row, want string
		repaired  bool
	}{
		"none":                     {`Emma,Jane`, `Emma|Jane`, false},
		"around every cell":        {`"Emma","Jane"`, `Emma|Jane`, false},
		"doubled":                  {`"The ""old"" Emma",Jane`, `The "old" Emma|Jane`, false},
		"doubled at the end":       {`"Emma ""x""",Jane`, `Emma "x"|Jane`, false},
		"inside an unquoted cell":  {`The "old" Emma,Jane`, `The "old" Emma|Jane`, false},
		"escaped by a backslash":   {`"The \"old\" Emma","Jane, too"`, `The "old" Emma|Jane, too`, true},
		"escaped at the end":       {`"Emma \"x\"",Jane`, `Emma "x"|Jane`, true},
		"a backslash at the end":   {`"C:\",Jane`, `C:\|Jane`, false},
		"not escaped":              {`"The "old" Emma",Jane`, `The "old" Emma|Jane`, true},
		"not escaped, with commas": {`"The "old", or not, Emma",Jane`, `line`, false},
		"typographic":              {`“Emma”,«Jane»`, `“Emma”|«Jane»`, false},
		"single, of the text":      {`'Emma',O'Hara`, `'Emma'|O'Hara`, false},
		"empty":                    {`"Emma",""`, `Emma|`, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, "title,author\n"+c.row+"\nIda,x\n", gateway.FileOptions{})
			row, err := f.Next()
			if c.want == "line" {
				assert.ErrorContains(t, err, "line 2: ", "the quotes are ambiguous")
			} else {
				require.NoError(t, err)
				assert.Equal(t, c.want, row.Book.Title+"|"+row.Book.Author)
				assert.Equal(t, c.repaired, len(row.Notes) > 0)
			}
			row, err = f.Next()
			require.NoError(t, err)
			assert.Equal(t, "Ida", row.Book.Title)
			assert.Empty(t, row.Notes)
		})
	}
	f := openText(t, "'title','author'\n'Emma, or not','O''Hara'\nIda,\"x\"\n", gateway.FileOptions{})
	assert.Equal(t, []string{"2 Emma, or not|O'Hara", `3 Ida|"x"`}, transcript(f, titleAndAuthor))
}

// A later quote may close by chance the cell that a lost quote opened.
func TestLostQuoteSwallowsNoRows(t *testing.T) {
	text := "id,title,author\n1,\"Lost,x\n"
	for n := 2; n < 30; n++ {
		text += fmt.Sprintf("%d,Book %d,x\n", n, n)
	}
	text += "30,The 5 inch 5\",w\n31,Last,x\n"
	got := transcript(openText(t, text, gateway.FileOptions{}), titles)
	assert.Len(t, got, 31)
	assert.Equal(t, "line 2: a quote is closed only 29 lines below, and the lines between are rows", got[0])
	assert.Equal(t, "3 Book 2", got[1])
	assert.Equal(t, "32 Last", got[30])
	poem := "id,title,description\n1,Poem,\"Roses are red,\nviolets are blue,\nsugar is sweet,\nand so are you\"\n2,Ida,x\n"
	assert.Equal(t, []string{"2 Poem", "6 Ida"}, transcript(openText(t, poem, gateway.FileOptions{}), titles))
}

func TestSeparatorHintOfASpreadsheet(t *testing.T) {
	assert.Equal(t, []string{"3 Räuber|Schiller"}, transcript(openText(t, "sep=;\r\nTitel;Autor\r\nRäuber;Schiller\r\n", gateway.FileOptions{}), titleAndAuthor))
}

func TestOldLineEnds(t *testing.T) {
	assert.Equal(t, []string{"2 Emma", "3 Ida"}, transcript(openText(t, "title,author\rEmma,Austen\rIda,Hahn\r", gateway.FileOptions{}), titles))
}

// The time for a record of many lines grows in proportion to its length.
func TestManyLinesInACell(t *testing.T) {
	var text strings.Builder
	text.WriteString("title,description\n")
	for n := range 20 {
		fmt.Fprintf(&text, "Book %d,\"%s\"\n", n, strings.Repeat("\n", maxQuoted-100))
	}
	assert.Len(t, transcript(openText(t, text.String(), gateway.FileOptions{}), titles), 20)
}

func TestManyColumns(t *testing.T) {
	header, row := []string{}, []string{}
	for i := range 100 {
		header = append(header, fmt.Sprintf("column %d", i))
		row = append(row, fmt.Sprintf("\"cell %d\"", i))
	}
	header[57], header[99] = "title", "author"
	f := openText(t, strings.Join(header, ",")+"\n"+strings.Join(row, ",")+"\n", gateway.FileOptions{})
	assert.Equal(t, []string{"2 cell 57|cell 99"}, transcript(f, titleAndAuthor))
	_, ignored := f.Columns()
	assert.Len(t, ignored, 98)
}

func TestPricesAndDatesOfOtherPlaces(t *testing.T) {
	for price, want := range map[string]string{"12,90": "12.90", "1.234,5": "1234.5", "1 234,50": "1234.50", "12.90": "12.90", "7": "7", "1,234": "1234", "12,90 €": "12.90", "12,90 Taler": ""} {
		assert.Equal(t, want, cell(t, "price", price).Book.Price, price)
	}
	for date, want := range map[string]string{"28.2.2001": "2001-02-28", "01.12.1999": "1999-12-01", "31.13.2001": "", "2001-02-28T10:00:00Z": "2001-02-28", "2008.0": "2008"} {
		assert.Equal(t, want, cell(t, "date", date).Book.PublishedAt, date)
	}
}

func TestNamesAreTurnedWhereAFileWritesThemSo(t *testing.T) {
	authors := func(names ...string) (got []string) {
		text := "title,author\n"
		for i, name := range names {
			text += fmt.Sprintf("Book %d,\"%s\"\n", i, name)
		}
		return transcript(openText(t, text, gateway.FileOptions{}), func(row *model.ImportRow) string { return row.Book.Author })
	}
	assert.Equal(t, []string{"Jane Austen", "Herman Melville", "Plato", "Arthur Conan Doyle", "Émile Zola"},
		authors("Austen, Jane", "Melville, Herman", "Plato", "Doyle, Arthur Conan", "Zola, Émile"))
	assert.Equal(t, []string{"Jane Austen", "Homer, Robert Fagles", "Homer"}, authors("Jane Austen", "Homer, Robert Fagles", "Homer"))
	assert.Equal(t, []string{"J.K. Rowling, Mary GrandPré", "Neil Gaiman, Terry Pratchett", "Jane Doe, John Doe"},
		authors("J.K. Rowling, Mary GrandPré", "Neil Gaiman, Terry Pratchett", "Jane Doe, John Doe"))
	assert.Equal(t, []string{"Jane Austen", "Quillon, Xandrine"}, authors("Austen, Jane", "Quillon, Xandrine"), "a given name shows what is meant")
}

func TestColumnsInFiveLanguages(t *testing.T) {
	for header, want := range map[string]string{
		"Title,Author,Publisher,Year,Price,Subjects":                 "title author publisher published_at price subjects",
		"Titel;Verfasser;Verlag;Erscheinungsjahr;Preis;Schlagwörter": "title author publisher published_at price subjects",
		"Название;Автор;Издательство;Год издания;Цена;Жанр":          "title author publisher published_at price subjects",
		"书名,作者,出版社,出版年,定价,分类":                                        "title author publisher published_at price subjects",
		"書名,作者,出版社,出版年,定價,分類":                                        "title author publisher published_at price subjects",
		"タイトル,著者,出版社,発行年,価格,ジャンル":                                    "title author publisher published_at price subjects",
	} {
		used, ignored := openText(t, header+"\n", gateway.FileOptions{}).Columns()
		var fields []string
		for _, c := range used {
			fields = append(fields, c.Field)
		}
		assert.Equal(t, want, strings.Join(fields, " "), header)
		assert.Empty(t, ignored)
	}
}

func TestTheManualHasEveryColumn(t *testing.T) {
	manual, err := os.ReadFile("../../docs/catalogue.md")
	require.NoError(t, err)
	for s, properties := range slots {
		if slot(s) < idSourceSlot {
			assert.Contains(t, string(manual), strings.Join(properties.columns, ", "), properties.name)
		}
	}
}
