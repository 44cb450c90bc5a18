package catalog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

func openText(t testing.TB, text string, opts gateway.FileOptions) *File {
	t.Helper()
	opts.Stdin = strings.NewReader(text)
	f, err := Open("-", opts)
	require.NoError(t, err)
	return f
}

// transcript reads f to its end. It returns the result of show for each row, the
// error for each rejected row, and the last error unless it is io.EOF.
func transcript(f *File, show func(*model.ImportRow) string) []string {
	var lines []string
	for {
		row, err := f.Next()
		var rejected *model.RowError
		switch {
		case err == io.EOF:
			return lines
		case errors.As(err, &rejected):
			lines = append(lines, err.Error())
		case err != nil:
			return append(lines, "end: "+err.Error())
		default:
			lines = append(lines, show(row))
		}
	}
}

func titles(row *model.ImportRow) string { return fmt.Sprintf("%d %s", row.Line, row.Book.Title) }

// onlyRow reads a file of one row.
func onlyRow(t testing.TB, text string) *model.ImportRow {
	t.Helper()
	f := openText(t, text, gateway.FileOptions{Source: "test"})
	row, err := f.Next()
	require.NoError(t, err)
	_, err = f.Next()
	require.ErrorIs(t, err, io.EOF)
	return row
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

func TestOpenDetectsFormats(t *testing.T) {
	for name, c := range map[string]struct{ content, format string }{
		"CSV":                {"title\nEmma\n", "CSV in UTF-8"},
		"CSV with BOM":       {"\uFEFFtitle\nEmma\n", "CSV in UTF-8"},
		"CSV with CRLF":      {"title\r\nEmma\r\n", "CSV in UTF-8"},
		"no last line break": {"title\nEmma", "CSV in UTF-8"},
		"JSON Lines":         {`{"title": "Emma"}`, "JSON Lines in UTF-8"},
		"JSON with BOM":      {"\uFEFF\n  {\"title\": \"Emma\"}\n", "JSON Lines in UTF-8"},
		"gzipped CSV":        {string(gzipped(t, "title\nEmma\n")), "CSV in UTF-8, gzip"},
		"gzipped with BOM":   {string(gzipped(t, "\uFEFF{\"title\": \"Emma\"}")), "JSON Lines in UTF-8, gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "any.name")
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			f, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			defer f.Close()
			assert.Equal(t, c.format, f.Format())
			row, err := f.Next()
			require.NoError(t, err)
			assert.Equal(t, "Emma", row.Book.Title)
			_, err = f.Next()
			assert.Equal(t, io.EOF, err)
			_, err = f.Next()
			assert.Equal(t, io.EOF, err, "again")
			read, size := f.Progress()
			assert.EqualValues(t, len(c.content), size)
			assert.Equal(t, size, read)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct {
		content string
		opts    gateway.FileOptions
		want    string
	}{
		"empty":            {"", gateway.FileOptions{}, "is empty"},
		"only a BOM":       {"\uFEFF", gateway.FileOptions{}, "is empty"},
		"only white space": {" \r\n\n\t", gateway.FileOptions{}, "is empty"},
		"nothing gzipped":  {string(gzipped(t, "")), gateway.FileOptions{}, "is empty"},
		"a picture":        {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", gateway.FileOptions{}, "neither CSV nor JSON Lines"},
		"a workbook":       {"PK\x03\x04\x14\x00\x06\x00", gateway.FileOptions{}, "save its table as CSV"},
		"a web page":       {"<!DOCTYPE html>\n<html><p>Emma</html>", gateway.FileOptions{}, "but no ONIX message"},
		"unknown encoding": {"title\nEmma\n", gateway.FileOptions{Encoding: "utf-9"}, `there is no encoding "utf-9"; some are utf-8`},
		"Windows-1251":     {"title\n\xc2\xee\xe9\xed\xe0 \xe8 \xec\xe8\xf0\n", gateway.FileOptions{}, "name it with --encoding"},
		"a JSON array":     {`[{"title": "Emma"}]`, gateway.FileOptions{}, "one object on each line"},
		"no header": {"Emma,Jane Austen\nPersuasion,Jane Austen\n", gateway.FileOptions{},
			`no column that is a title: the columns are "Emma", "Jane Austen"; name it with --map 'COLUMN=title'`},
		"a broken header":  {"\"title\nEmma\n", gateway.FileOptions{}, "the header can't be read: line 1: the quote that opens cell 1"},
		"damaged gzip":     {"\x1f\x8b\x00", gateway.FileOptions{}, "damaged gzip"},
		"gzip cut off":     {string(gzipped(t, strings.Repeat("title\n", 99))[:12]), gateway.FileOptions{}, "cut off after line 0"},
		"unknown field":    {"Titel\nEmma\n", gateway.FileOptions{Map: map[string]string{"Titel": "Überschrift"}}, `--map Titel=Überschrift: there is no field "Überschrift"; the fields are: title, author, isbn`},
		"unknown column":   {"title\nEmma\n", gateway.FileOptions{Map: map[string]string{"Autor": "author"}}, `--map names a column "Autor" that is missing; the columns are "title"`},
		"two for a field":  {"a,b\nEmma,x\n", gateway.FileOptions{Map: map[string]string{"a": "title", "b": "name"}}, `both columns "a" and "b"`},
		"long source name": {"title\nEmma\n", gateway.FileOptions{Source: strings.Repeat("ä", 191)}, "longer than 190 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-"))
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			_, err := Open(path, c.opts)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), path)
		})
	}
	t.Run("nothing there", func(t *testing.T) {
		_, err := Open(filepath.Join(folder, "nowhere"), gateway.FileOptions{})
		assert.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("a folder", func(t *testing.T) {
		_, err := Open(folder, gateway.FileOptions{})
		assert.ErrorContains(t, err, "is a folder")
	})
}

func TestReadEndsWhereTheFileIsCutOff(t *testing.T) {
	var text strings.Builder
	text.WriteString("title,description\n")
	for n := range 20_000 {
		fmt.Fprintf(&text, "Book %d,%x\n", n, n*n*7919)
	}
	packed := gzipped(t, text.String())
	path := filepath.Join(t.TempDir(), "books.csv.gz")
	require.NoError(t, os.WriteFile(path, packed[:len(packed)/2], 0o600))
	f, err := Open(path, gateway.FileOptions{})
	require.NoError(t, err)
	defer f.Close()
	rows := 0
	for err == nil {
		var row *model.ImportRow
		if row, err = f.Next(); err == nil {
			require.Equal(t, fmt.Sprintf("Book %d", rows), row.Book.Title)
			rows++
		}
	}
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, fmt.Sprintf("cut off after line %d", rows+1))
	assert.Greater(t, rows, 1000)
	_, again := f.Next()
	assert.Equal(t, err, again)
}

func TestReadErrorLosesNoRow(t *testing.T) {
	broken := errors.New("input/output error")
	text := "title\nEmma\n\"lost quote\nPersuasion\nhalf a li"
	f, err := Open("-", gateway.FileOptions{Stdin: io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"2 Emma",
		"line 3: the quote that opens cell 1 is not closed, or text follows it",
		"4 Persuasion",
		"end: the file can't be read after line 4: input/output error",
	}, transcript(f, titles))
}

func TestSource(t *testing.T) {
	const csv = "id,title\n7,Emma\n"
	path := filepath.Join(t.TempDir(), "shop.csv.gz")
	require.NoError(t, os.WriteFile(path, gzipped(t, csv), 0o600))
	for name, c := range map[string]struct {
		path   string
		source string
		want   string
	}{
		"base name":   {path, "", "shop.csv.gz"},
		"given":       {path, "wholesaler", "wholesaler"},
		"stdin":       {"-", "  ", ""}, // ids of two catalogues would be mixed up
		"stdin given": {"-", " wholesaler ", "wholesaler"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(c.path, gateway.FileOptions{Source: c.source, Stdin: strings.NewReader(csv)})
			require.NoError(t, err)
			defer f.Close()
			row, err := f.Next()
			require.NoError(t, err)
			assert.Equal(t, c.want, row.Source)
			assert.Equal(t, c.want != "", row.ExternalID == "7")
			used, ignored := f.Columns()
			assert.Equal(t, 2, len(used)+len(ignored))
			assert.Equal(t, c.want == "", slices.Contains(ignored, "id"), "the user sees that the column is ignored")
		})
	}
}

func TestMappedIDsNeedASource(t *testing.T) {
	_, err := Open("-", gateway.FileOptions{Map: map[string]string{"sku": "id"}, Stdin: strings.NewReader("sku,title\n7,Emma\n")})
	assert.ErrorContains(t, err, "give it with --source")
}

func TestColumns(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		mapped  map[string]string
		used    []gateway.Column
		ignored []string
	}{
		"any order, any spelling": {
			text: "Publication Year,rating,ISBN-13,AUTHORS,Original_Title,bookId\n2000,5,,x,Emma,1\n",
			used: []gateway.Column{{Name: "Publication Year", Field: "published_at"}, {Name: "ISBN-13", Field: "isbn"}, {Name: "AUTHORS", Field: "author"},
				{Name: "Original_Title", Field: "title"}, {Name: "bookId", Field: "id"}},
			ignored: []string{"rating"},
		},
		"the better name wins": {
			text:    "name,title,url,buy_url,title\na,b,,,c\n",
			used:    []gateway.Column{{Name: "title", Field: "title"}, {Name: "buy_url", Field: "buy_url"}},
			ignored: []string{"name", "url", "title"},
		},
		"columns without a name": {
			text:    ",title,\n1,Emma,\n",
			used:    []gateway.Column{{Name: "title", Field: "title"}},
			ignored: []string{"(column 1)", "(column 3)"},
		},
		"mapped": {
			text:    "Titel,title,name,Jahr\nEmma,x,Jane Austen,1815\n",
			mapped:  map[string]string{"titel": "title", "name": "author", "Jahr": "year"},
			used:    []gateway.Column{{Name: "Titel", Field: "title"}, {Name: "name", Field: "author"}, {Name: "Jahr", Field: "published_at"}},
			ignored: []string{"title"},
		},
		"JSON Lines": {
			text: `{"Titel": "Emma", "rating": 5}` + "\n" +
				`{"Titel": "Persuasion", "name": "a", "author": "Jane Austen", "creator": "b"}`,
			mapped:  map[string]string{"Titel": "title"},
			used:    []gateway.Column{{Name: "Titel", Field: "title"}, {Name: "author", Field: "author"}},
			ignored: []string{"rating", "name", "creator"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, c.text, gateway.FileOptions{Map: c.mapped, Source: "test"})
			row, err := f.Next()
			require.NoError(t, err)
			for err == nil {
				_, err = f.Next()
			}
			require.Equal(t, io.EOF, err)
			used, ignored := f.Columns()
			assert.Equal(t, c.used, used)
			assert.Equal(t, c.ignored, ignored)
			if c.mapped != nil {
				assert.Equal(t, "Emma", row.Book.Title)
			}
		})
	}
}

func TestAMissingMappedKeyIsReportedAtTheEnd(t *testing.T) {
	f := openText(t, `{"title": "Emma"}`, gateway.FileOptions{Map: map[string]string{"Autor": "author"}})
	assert.Equal(t, []string{
		"1 Emma",
		`end: --map names a key "Autor" that no line has; the keys are "title"`,
	}, transcript(f, titles))
}

func TestCSVRecords(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, c := range map[string]struct {
		rows string // after the header title,author
		want []string
	}{
		"plain":                 {"Emma,Jane Austen\nPersuasion,\n", []string{"2 Emma|Jane Austen", "3 Persuasion|"}},
		"blank lines":           {"\nEmma,a\r\n  \r\n\nIda,b", []string{"3 Emma|a", "6 Ida|b"}},
		"quotes":                {"\"Emma, or \"\"E\"\"\",\"\"\n\"\"\"\",a\n", []string{`2 Emma, or "E"|`, `3 "|a`}},
		"quotes inside a cell":  {"The \"Emma\",a \"b\"\n", []string{`2 The "Emma"|a "b"`}},
		"quote behind a space":  {"Emma, \"a\"\n", []string{`2 Emma|"a"`}},
		"line breaks in quotes": {"\"Em\r\nma\n\",\"a\n\nb\"\nIda,c\n", []string{"2 Em ma|a b", "7 Ida|c"}},
		"a blank quoted line":   {"\"\n\n\",a\nIda,c\n", []string{"line 2: the book has no title", "5 Ida|c"}},
		"short and long rows": {"Emma\nIda,b,c\nUna,d\n", []string{
			"line 2: the row has 1 cells, the header 2", "line 3: the row has 3 cells, the header 2", "4 Una|d"}},
		"empty cells too many": {"Emma,a,,\n", []string{"2 Emma|a"}},
		"quote not closed": {"\"Emma,a\nIda,b\nUna,c\n", []string{
			"line 2: the quote that opens cell 1 is not closed, or text follows it", "3 Ida|b", "4 Una|c"}},
		"quote closed too late": {"Emma,\"a\nIda,b\n\"Una\",c\n", []string{
			"line 2: the quote that opens cell 2 is not closed, or text follows it", "3 Ida|b", "4 Una|c"}},
		"text behind a quote": {"\"Emma\"!,a\nIda,b\n", []string{
			"line 2: the quote that opens cell 1 is not closed, or text follows it", "3 Ida|b"}},
		"quotes over 64 KiB": {"\"Emma\n" + strings.Repeat("x,y\n", maxQuoted/4) + "\",a\n", append(append([]string{
			"line 2: the quote that opens cell 1 is not closed, or text follows it"},
			numbered(3, maxQuoted/4, "x|y")...),
			fmt.Sprintf("line %d: the quote that opens cell 1 is not closed, or text follows it", 3+maxQuoted/4))},
		"one long line":         {"Emma," + long + "\nIda,b\n", []string{"line 2: the line is longer than 1048576 bytes", "3 Ida|b"}},
		"long line in quotes":   {"\"Emma\n" + long + "x\nIda,b\n", []string{"line 2: the quote that opens cell 1 is not closed, or text follows it", "line 3: the line is longer than 1048576 bytes", "4 Ida|b"}},
		"long last line":        {"Emma,a\n" + long + "x", []string{"2 Emma|a", "line 3: the line is longer than 1048576 bytes"}},
		"invalid UTF-8":         {"Emma,\xff\nIda,b\n", []string{"line 2: cell 2 is not valid UTF-8; if the file has another encoding, name it with --encoding", "3 Ida|b"}},
		"NUL":                   {"Em\x00ma,a\nIda,b\n", []string{"line 2: cell 1 contains a NUL character", "3 Ida|b"}},
		"no title":              {",Jane Austen\n \u3000,a\n", []string{"line 2: the book has no title", "line 3: the book has no title"}},
		"only a header":         {"", nil},
		"carriage return alone": {"Em\rma,a\n", []string{"2 Em ma|a"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, "title,author\n"+c.rows, gateway.FileOptions{Encoding: "utf-8"})
			assert.Equal(t, c.want, transcript(f, func(row *model.ImportRow) string {
				return titles(row) + "|" + row.Book.Author
			}))
		})
	}
}

// If the reader forgot where records broke, it would read 64 KiB ahead for each
// line.
func TestCSVOfOpenQuotesIsReadInLinearTime(t *testing.T) {
	const rows = 100_000
	f := openText(t, "title,author,x\n"+strings.Repeat("a\",b\"c,\"\n", rows)+"Emma,\"Jane\nAusten\",\n", gateway.FileOptions{})
	got := transcript(f, titles)
	require.Len(t, got, rows+1)
	assert.Equal(t, fmt.Sprintf("%d Emma", rows+2), got[rows])
}

func numbered(from, count int, text string) []string {
	var lines []string
	for n := range count {
		lines = append(lines, fmt.Sprintf("%d %s", from+n, text))
	}
	return lines
}

func TestJSONRecords(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"objects":          {"{\"title\": \"Emma\"}\r\n\n  {\"name\":\"Ida\"}  ", []string{"1 Emma", "3 Ida"}},
		"not JSON":         {"{\"title\": \"Emma\"}\n{\"title\": Ida}\n{\"title\": \"Una\"}", []string{"1 Emma", "line 2: not JSON: …", "3 Una"}},
		"cut off":          {"{\"title\": \"Emma\"}\n{\"title\": \"Id", []string{"1 Emma", "end: the file is cut off after line 1: unexpected EOF"}},
		"not cut off":      {"{\"title\": \"Id\n{\"title\": \"Emma\"}", []string{"line 1: not JSON: …", "2 Emma"}},
		"no object":        {"{\"title\": \"Emma\"}\n[1]\n17\n\"x\"\nnull", []string{"1 Emma", "line 2: not a JSON object", "line 3: not a JSON object", "line 4: not a JSON object", "line 5: not a JSON object"}},
		"two objects":      {"{\"title\": \"Emma\"} {\"title\": \"Ida\"}", []string{"line 1: not JSON: text follows the object"}},
		"a key twice":      {"{\"title\": \"Emma\", \"title\": \"Ida\"}", []string{"line 1: not JSON: …"}},
		"no title":         {"{\"author\": \"Jane Austen\"}\n{\"title\": null}", []string{"line 1: the book has no title", "line 2: the book has no title"}},
		"wrong types":      {"{\"title\": [\"Emma\"]}\n{\"title\": 1984}\n{\"title\": \"x\", \"price\": true}\n{\"title\": \"x\", \"stock\": {}}", []string{`line 1: the key "title" can't be a JSON array`, `line 2: the key "title" can't be a JSON number`, "3 x", "4 x"}},
		"wrong items":      {"{\"title\": \"x\", \"authors\": [1]}\n{\"title\": \"x\", \"authors\": [{\"id\": 1}]}\n{\"title\": \"x\", \"subjects\": [{\"id\": \"a\"}]}", []string{`line 1: the key "authors" can't hold a JSON number`, `line 2: the key "authors" has an object without a "name" that is a string`, "3 x"}},
		"half a surrogate": {`{"title": "\ud83d\ude00"}` + "\n" + `{"title": "\ud83d"}` + "\n" + `{"x": "\ude00", "title": "a"}`, []string{"1 😀", "line 2: not JSON: …", "line 3: not JSON: …"}},
		"invalid UTF-8":    {"{\"title\": \"\xff\"}", []string{"line 1: not JSON: …"}},
		"raw NUL":          {"{\"title\": \"\x00\"}", []string{"line 1: not JSON: …"}},
		"first too long":   {"{\"title\": \"" + strings.Repeat("x", maxLine) + "\"}\n{\"title\": \"Ida\"}", []string{"line 1: the line is longer than 1048576 bytes", "2 Ida"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := transcript(openText(t, c.text, gateway.FileOptions{Encoding: "utf-8"}), titles)
			for n := range got { // the rest of the message comes from the library
				if before, _, ok := strings.Cut(got[n], "not JSON: "); ok && n < len(c.want) && strings.HasSuffix(c.want[n], "…") {
					got[n] = before + "not JSON: …"
				}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestJSONFieldsAreThoseOfTheRow(t *testing.T) {
	f := openText(t, `{"title": "Emma", "price": null}`+"\n"+`{"title": "Ida", "isbn10": "", "id": 7, "x": 1}`, gateway.FileOptions{Source: "s"})
	assert.Equal(t, []string{
		fmt.Sprint("Emma ", model.TitleField|model.PriceField, " "),
		fmt.Sprint("Ida ", model.TitleField|model.ISBNField, " 7"),
	}, transcript(f, func(row *model.ImportRow) string {
		return fmt.Sprint(row.Book.Title, " ", row.Fields, " ", row.ExternalID)
	}))
}

func TestRewind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.csv")
	require.NoError(t, os.WriteFile(path, []byte("id;title\n1;Emma\n"), 0o600))
	f, err := Open(path, gateway.FileOptions{Source: "shop"})
	require.NoError(t, err)
	require.True(t, f.CanRewind())
	assert.Equal(t, []string{"2 Emma"}, transcript(f, titles))
	require.NoError(t, os.WriteFile(path, []byte("id,title\n2,Ida\n"), 0o600))
	require.NoError(t, f.Rewind())
	assert.Equal(t, []string{"2 Ida"}, transcript(f, titles), "Rewind reads the file as it is now")
	assert.Equal(t, "shop", f.Source())
	require.NoError(t, os.Remove(path))
	assert.ErrorIs(t, f.Rewind(), fs.ErrNotExist)
	require.NoError(t, f.Close())
	assert.False(t, openText(t, "title\nEmma\n", gateway.FileOptions{}).CanRewind())
}
