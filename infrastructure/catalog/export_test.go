package catalog

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// exportedRows have texts that an import would tidy in any other file.
func exportedRows() []*model.ImportRow {
	stock := 3
	return []*model.ImportRow{
		{Book: model.Book{ID: 7, Title: "Two  spaces; & \"quotes\"", Author: "Austen, Jane; Doyle, Arthur & Co", AuthorAliases: []string{"Lady, A", "X;Y", "(1801-1809)"}, Popularity: 9223372036854775807, Description: "one\r\ntwo\n\nthree, four"}, Fingerprint: model.Fingerprint{1, 255}},
		{Book: model.Book{ID: 8, Title: "=1+1", ISBN: "9780306406157", Language: "zh-Hant", PublishedAt: "-44-03-15", Subjects: []string{"a;b", "c|d", "[e"}, Price: "12.90", Currency: "EUR", Stock: &stock, Availability: model.ToOrder, BuyURL: "https://example.com/?a=b&c=d", Series: "S", Edition: "2nd", Publisher: "P", CoverURL: "https://example.com/c.jpg"}, Source: "books.csv", ExternalID: "0007"},
		{Book: model.Book{ID: 9, Title: "三四郎 🍣", Author: "夏目漱石", Subjects: []string{"War", "Love"}, AuthorAliases: []string{"Natsume Sōseki", "夏目金之助"}, Popularity: 1}, Source: "onix:A & B", ExternalID: "a,b"},
		{Book: model.Book{ID: 10, Title: "List", Subjects: []string{"[x]"}}},
	}
}

func TestExportIsReadAsItWas(t *testing.T) {
	for _, csv := range []bool{true, false} {
		for _, gzipped := range []bool{false, true} {
			t.Run(fmt.Sprintf("CSV %t, gzipped %t", csv, gzipped), func(t *testing.T) {
				var out bytes.Buffer
				w := newWriter(&out, csv, gzipped)
				rows := exportedRows()
				for _, row := range rows {
					require.NoError(t, w.add(row))
				}
				require.NoError(t, w.close())
				f, err := Open("-", gateway.FileOptions{Stdin: &out})
				require.NoError(t, err)
				for _, want := range rows {
					got, err := f.Next()
					require.NoError(t, err)
					want.Book.ID = 0
					want.Fields = got.Fields
					want.Line, want.Text = got.Line, got.Text
					assert.Equal(t, want, got)
					assert.NotZero(t, got.Fields&model.CoverURLField, "an empty field counts as set")
				}
				_, err = f.Next()
				assert.Equal(t, io.EOF, err)
				used, ignored := f.Columns()
				assert.Len(t, used, len(exported))
				assert.Empty(t, ignored)
			})
		}
	}
}

func TestExportOfNothing(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, newWriter(&out, true, false).close())
	f, err := Open("-", gateway.FileOptions{Stdin: &out})
	require.NoError(t, err)
	_, err = f.Next()
	assert.Equal(t, io.EOF, err)
}

func TestExportedRowsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		`"id_source": "a", "id": null, "fingerprint": null`:                        "line 1: id_source and id: both belong to a book, at most 190 characters each, or neither",
		`"id_source": null, "fingerprint": "12"`:                                   "line 1: fingerprint: is not one that an export wrote",
		`"id_source": null, "fingerprint": null, "buy_url": "javascript:alert(1)"`: "1 Emma",
		`"id_source": null, "fingerprint": null, "author": "a\u0000"`:              "1 Emma",
		`"fingerprint": "mine"`:                                                    "1 Emma", // a column of another program
	} {
		assert.Equal(t, []string{want}, transcript(openText(t, `{"title": "Emma", `+text+"}", gateway.FileOptions{}), titles), text)
	}
	row, err := openText(t, `{"title": "Emma", "id_source": null, "fingerprint": null, "buy_url": "javascript:alert(1)"}`, gateway.FileOptions{}).Next()
	require.NoError(t, err)
	assert.Empty(t, row.Book.BuyURL)
	assert.Zero(t, row.Fields&model.BuyURLField, "the import leaves a dropped field alone")
}

func TestOutputTakesItsFormatFromTheName(t *testing.T) {
	for name, want := range map[string]output{
		"a.csv": {csv: true}, "A.CSV.GZ": {csv: true, gzipped: true}, "b.jsonl": {}, "b.ndjson.gz": {gzipped: true}, "-": {},
	} {
		got, err := NewOutput(name, "", false, nil)
		require.NoError(t, err)
		want.path = name
		assert.Equal(t, &want, got)
	}
	stdout, err := NewOutput("-", "csv", false, nil)
	require.NoError(t, err)
	assert.True(t, stdout.(*output).csv)
	_, err = NewOutput("books.xlsx", "", false, nil)
	assert.ErrorContains(t, err, "must end in .csv or .jsonl")
	_, err = NewOutput("books.csv", "jsonl", false, nil)
	assert.ErrorContains(t, err, "doesn't fit the name books.csv")
}

func TestAFailedExportLeavesTheFileAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.csv")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	out, err := NewOutput(path, "", false, nil)
	require.NoError(t, err)
	broken := errors.New("broken")
	err = out.Write(func(add func(*model.ImportRow) error) error {
		require.NoError(t, add(exportedRows()[0]))
		return broken
	})
	assert.ErrorIs(t, err, broken)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "before", string(content))
	require.NoError(t, out.Write(func(add func(*model.ImportRow) error) error { return add(exportedRows()[0]) }))
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(content), "Two  spaces")
}

// Values that another program wrote into the database come back unchanged, or the
// import leaves the field alone.
func TestExportOfDirtyRows(t *testing.T) {
	for _, csv := range []bool{true, false} {
		var out bytes.Buffer
		w := newWriter(&out, csv, false)
		for _, b := range []model.Book{
			{Title: "Dates", PublishedAt: "2008.0", Price: "12,90"},
			{Title: "Words", PublishedAt: "Spring 1990", Author: "A\tB", Subjects: []string{"a\nb"}},
			{Title: "A\ttab"}, {},
			{Title: "Ranks", Popularity: -5, AuthorAliases: []string{"A Lady", strings.Repeat("x", maxAlias+1)}},
			{Title: "Long", Description: strings.Repeat("A line of a long description.\r\n", 3000) + "end"},
		} {
			require.NoError(t, w.add(&model.ImportRow{Book: b, Fingerprint: model.NewFingerprint(&b)}))
		}
		require.NoError(t, w.close())
		f, err := Open("-", gateway.FileOptions{Stdin: &out})
		require.NoError(t, err)
		row := func() *model.ImportRow {
			row, err := f.Next()
			require.NoError(t, err)
			return row
		}
		dates := row()
		assert.Zero(t, dates.Fields&(model.PublishedAtField|model.PriceField), "neither tidied nor cleared")
		words := row()
		assert.Equal(t, "Words", words.Book.Title)
		assert.Zero(t, words.Fields&(model.PublishedAtField|model.AuthorField|model.SubjectsField))
		for range 2 {
			untitled := row()
			assert.Empty(t, untitled.Book.Title)
			assert.Zero(t, untitled.Fields&model.TitleField)
		}
		assert.Zero(t, row().Fields&(model.PopularityField|model.AuthorAliasesField))
		assert.Len(t, row().Book.Description, 3000*31+3)
		_, err = f.Next()
		assert.Equal(t, io.EOF, err)
	}
}

func TestSpreadsheetsRunNoCell(t *testing.T) {
	texts := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "'=1", "''-1", "'quoted'", "'", "plain", "＝1", ""}
	var out bytes.Buffer
	w := newWriter(&out, true, false)
	w.spreadsheet = true
	for _, text := range texts {
		require.NoError(t, w.add(&model.ImportRow{Book: model.Book{Title: "x", Author: text, Description: text, Subjects: []string{"-a", "b"}, PublishedAt: "-44"}, Source: "=s", ExternalID: "@id" + text}))
	}
	require.NoError(t, w.close())
	file := out.String()
	cells, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, byteOrderMark))).ReadAll()
	require.NoError(t, err)
	for _, row := range cells {
		for _, cell := range row {
			assert.False(t, isFormula(cell), cell)
		}
	}
	f := openText(t, file, gateway.FileOptions{})
	for _, text := range texts {
		row, err := f.Next()
		require.NoError(t, err)
		assert.Equal(t, strings.TrimSpace(text), row.Book.Author)
		assert.Equal(t, strings.TrimSpace(text), row.Book.Description)
		assert.Equal(t, []string{"-a", "b"}, row.Book.Subjects)
		assert.Equal(t, "-44", row.Book.PublishedAt)
		assert.Equal(t, "=s", row.Source)
		assert.Equal(t, "@id"+text, row.ExternalID)
	}
	_, err = f.Next()
	assert.Equal(t, io.EOF, err)
	_, err = NewOutput("books.jsonl", "", true, nil)
	assert.ErrorContains(t, err, "--spreadsheet needs a CSV file")
	stdout, err := NewOutput("-", "", true, nil)
	require.NoError(t, err)
	assert.True(t, stdout.(*output).csv)
}
