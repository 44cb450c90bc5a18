package catalog

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// keepRejected reads a file to its end and keeps its rejected rows. It returns the
// titles of the other rows, and the content of the file of rejected rows or "".
func keepRejected(t *testing.T, path string) (titles []string, kept string) {
	t.Helper()
	f, err := Open(path, gateway.FileOptions{})
	require.NoError(t, err)
	defer f.Close()
	rejected, alone := f.KeepRejected(f.RejectedPath(), path)
	require.True(t, alone)
	_, err = rejected.Resume(0)
	require.NoError(t, err)
	for {
		row, err := f.Next()
		var bad *model.RowError
		if errors.As(err, &bad) {
			require.NoError(t, rejected.Keep(bad))
			continue
		}
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		titles = append(titles, row.Book.Title)
	}
	require.NoError(t, rejected.Finish(true))
	require.NoError(t, rejected.Close())
	content, err := os.ReadFile(f.RejectedPath())
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return titles, string(content)
}

func TestRejectedRowsAreCorrectedAndImported(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		text   string
		titles []string
		kept   string
		fix    *strings.Replacer
		fixed  []string
		still  string
	}{
		"CSV": {
			file:   "books.csv",
			text:   "id;title;year\n1;Emma;1815\n2;;1816\n3;\"lost;1817\n4;Ida;1818;x\n5;Una;1819\n",
			titles: []string{"Emma", "Una"},
			kept: "\uFEFFrejected_line;rejected_reason;rejected_code;id;title;year\n" +
				"3;\"the book has no title\";no_title;2;;1816\n" +
				"4;\"the quote that opens cell 2 is not closed, or text follows it\";malformed;3;\"lost;1817\n" +
				"5;\"the row has 4 cells, the header 3\";malformed;4;Ida;1818;x\n",
			fix:   strings.NewReplacer("\"lost", "found", "2;;", "2;Two;"),
			fixed: []string{"Two", "found"},
			still: "\uFEFFrejected_line;rejected_reason;rejected_code;id;title;year\n" +
				"5;\"the row has 7 cells, the header 6\";malformed;4;Ida;1818;x\n",
		},
		"CSV of several lines": {
			file:   "books.csv",
			text:   "title,description\n\"\",\"one\ntwo, \"\"three\"\"\"\nEmma,x\n",
			titles: []string{"Emma"},
			kept:   "\uFEFFrejected_line,rejected_reason,rejected_code,title,description\n2,\"the book has no title\",no_title,\"\",\"one\ntwo, \"\"three\"\"\"\n",
			fix:    strings.NewReplacer(`,"","one`, `,"Ida","one`),
			fixed:  []string{"Ida"},
		},
		"JSON Lines": {
			file:   "books.jsonl",
			text:   `{"title": "Emma"}` + "\n" + `{"name": 7}` + "\nnonsense\n{}\n" + `{"title": "Ida}` + "\n",
			titles: []string{"Emma"},
			kept: "\uFEFF" + `{"rejected_line":2,"rejected_reason":"the key \"name\" can't be a JSON number","rejected_code":"malformed","name": 7}` + "\n" +
				`{"rejected_line":3,"rejected_reason":"not JSON: invalid character 'o' in literal null (expecting 'u'), at byte 2","rejected_code":"malformed","rejected_text":"nonsense"}` + "\n" +
				`{"rejected_line":4,"rejected_reason":"the book has no title","rejected_code":"no_title"}` + "\n" +
				`{"rejected_line":5,"rejected_reason":"not JSON: unexpected EOF, at byte 16","rejected_code":"malformed","title": "Ida}` + "\n",
			fix:   strings.NewReplacer(`"name": 7`, `"name": "Seven"`, "Ida}", `Ida"}`, `"nonsense"`, `"{\"title\": \"Sense\"}"`),
			fixed: []string{"Seven", "Sense", "Ida"},
			still: "\uFEFF" +
				`{"rejected_line":4,"rejected_reason":"the book has no title","rejected_code":"no_title"}` + "\n",
		},
		"ONIX": {
			file:   "books.xml",
			text:   onixMessage(onixProduct("1", "03", onixTitle("Emma")), onixProduct("2", "03", onixTitle("a &b; -- c")), onixProduct("3", "03", "")),
			titles: []string{"Emma"},
			kept: `<?xml version="1.0" encoding="UTF-8"?>` + "\n<ONIXMessage>\n<Header><FromCompany>S</FromCompany></Header>\n" +
				"<!-- rejected: line 3 (malformed): not well-formed XML: invalid character entity &b; -->\n" + onixProduct("2", "03", onixTitle("a &b; -- c")) + "\n" +
				"<!-- rejected: line 4 (no_title): the book has no title -->\n" + onixProduct("3", "03", "") + "\n</ONIXMessage>\n",
			fix:   strings.NewReplacer("a &b;", "a &amp; b"),
			fixed: []string{"a & b -- c"},
			still: `<?xml version="1.0" encoding="UTF-8"?>` + "\n<ONIXMessage>\n<Header><FromCompany>S</FromCompany></Header>\n" +
				"<!-- rejected: line 7 (no_title): the book has no title -->\n" + onixProduct("3", "03", "") + "\n</ONIXMessage>\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			titles, kept := keepRejected(t, path)
			assert.Equal(t, c.titles, titles)
			assert.Equal(t, c.kept, kept)

			require.NoError(t, os.WriteFile(path+".rejected", []byte(c.fix.Replace(kept)), 0o600))
			again, err := Open(path+".rejected", gateway.FileOptions{})
			require.NoError(t, err)
			first, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			assert.Equal(t, first.source, again.source, "the ids belong to the first file")
			_, ignored := again.Columns()
			for _, column := range rejectedColumns {
				assert.NotContains(t, ignored, column)
			}
			require.NoError(t, errors.Join(again.Close(), first.Close()))
			titles, kept = keepRejected(t, path+".rejected")
			assert.Equal(t, c.fixed, titles)
			if c.still != "" {
				assert.Equal(t, c.still, kept, "a row that stays rejected keeps its line of the first file if the format can tell it")
				before, err := os.ReadFile(path + ".rejected.bak")
				require.NoError(t, err)
				assert.Equal(t, c.fix.Replace(c.kept), string(before), "the older file is kept")
			}
			leftovers, err := filepath.Glob(path + "*.part*")
			require.NoError(t, err)
			assert.Empty(t, leftovers)
		})
	}
}

// In a file of their own, copies of other rows would overwrite the books of those
// rows. The code protects the books, even if somebody rewords the reason.
func TestCopiesStayRejected(t *testing.T) {
	const reworded = "Ligne 3 : en double"
	texts := map[string]string{
		"CSV":        "rejected_line,rejected_reason,rejected_code,id,isbn,title\n3," + reworded + ",$CODE,$ID,$ISBN,Copy\n",
		"JSON Lines": `{"rejected_line":3,"rejected_reason":"` + reworded + `","rejected_code":"$CODE","id":"$ID","isbn":"$ISBN","title":"Copy"}`,
		"ONIX": "<ONIXMessage><Header><FromCompany>S</FromCompany></Header>\n<!-- rejected: line 3 ($CODE): " + reworded + " -->\n" +
			onixProduct("$ID", "03", "<ISBN>$ISBN</ISBN>"+onixTitle("Copy")) + "</ONIXMessage>",
	}
	for format, text := range texts {
		for name, c := range map[string]struct {
			code, id, isbn string
			copy           bool
		}{
			"the same id":     {"same_id:7", "7", "", true},
			"another id":      {"same_id:7", "8", "", false},
			"the same ISBN":   {"same_isbn:9780306406157", "8", "0-306-40615-2", true},
			"another ISBN":    {"same_isbn:9780306406157", "8", "9791234567896", false},
			"no ISBN":         {"same_isbn:9780306406157", "8", "", false},
			"a deleted code":  {"", "7", "", false},
			"no copy":         {"no_title", "7", "", false},
			"an unknown code": {"borrowed:7", "7", "", false},
		} {
			t.Run(format+", "+name, func(t *testing.T) {
				text := strings.NewReplacer("$CODE", c.code, "$ID", c.id, "$ISBN", c.isbn).Replace(text)
				row, err := openText(t, text, gateway.FileOptions{Source: "s"}).Next()
				if !c.copy {
					require.NoError(t, err)
					assert.Equal(t, "Copy", row.Book.Title)
					return
				}
				var rejected *model.RowError
				require.ErrorAs(t, err, &rejected)
				assert.Equal(t, reworded, rejected.Reason(), "the reworded reason is kept")
				assert.Equal(t, c.code, codeText(rejected), "the code is kept")
			})
		}
	}
}

func TestCopiesInAnExportStayRejected(t *testing.T) {
	const head = "rejected_line,rejected_reason,rejected_code,id_source,id,fingerprint,title,isbn\n"
	for row, want := range map[string]string{
		"3,x,same_id:7,shop,7,,Copy,\n":                            "line 2: x",
		"3,x,same_id:7,shop,8,,Copy,\n":                            "2 Copy",
		"3,x,same_isbn:9780306406157,shop,8,,Copy,9780306406157\n": "line 2: x",
	} {
		assert.Equal(t, []string{want}, transcript(openText(t, head+row, gateway.FileOptions{}), titles), row)
	}
}

func TestCodesOfAnyIDAreReadBack(t *testing.T) {
	for _, id := range []string{"7", "a-1", "a--1", "---", `x "y" <z>, (w)`, "a;b|c\td", "тест 书", "100%", "a:b", "it's", "-->"} {
		for name, file := range map[string]string{
			"CSV":        "title;author\nEmma;\n",
			"JSON Lines": `{"title": "Emma"}`,
			"ONIX":       onixMessage(onixProduct("1", "03", onixTitle("Emma"))),
		} {
			f := openText(t, file, gateway.FileOptions{Source: "s"})
			text := map[string]string{
				"CSV": "Emma;", "JSON Lines": `{"title": "Emma"}`, "ONIX": onixProduct("1", "03", onixTitle("Emma")),
			}[name]
			format := f.rows.rejected()
			kept := slices.Concat(format.head, format.row(&model.RowError{Line: 2, Text: []byte(text), Code: model.RowSameID, OtherLine: 1, Value: id}), format.tail)
			again := openText(t, string(kept), gateway.FileOptions{Source: "s"})
			record, err := again.nextRecord()
			require.NoError(t, err, "%s: %s", name, kept)
			assert.Equal(t, model.RowSameID, record.before.code, "%s: %s", name, kept)
			assert.Equal(t, id, record.before.value, "%s: %s", name, kept)
		}
	}
}

// The beginning of a row that is too long must not look like a row.
func TestTooLongRowsAreNotKeptInPart(t *testing.T) {
	for name, text := range map[string]string{
		"long.csv": "title,description\nok,a\nBig," + strings.Repeat("z", maxLine) + "\n", "one.csv": "title\nok\n" + strings.Repeat("z", maxLine+1) + "\n",
		"long.jsonl": `{"title": "ok"}` + "\n" + `{"title": "Big", "x": "` + strings.Repeat("z", maxLine) + `"}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		titles, kept := keepRejected(t, path)
		assert.Equal(t, []string{"ok"}, titles)
		assert.NotContains(t, kept, "zzz")
		titles, kept = keepRejected(t, path+".rejected")
		assert.Empty(t, titles)
		assert.NotEmpty(t, kept)
	}
}

// Other programs write JSON with other spaces, and null for an empty text.
func TestRejectedJSONOfAnotherProgram(t *testing.T) {
	f := openText(t, `{"title": "Emma"}`, gateway.FileOptions{})
	row := f.rows.rejected().row
	got := row(&model.RowError{Line: 9, Code: model.RowMalformed, Detail: "now", Text: []byte(`{ "rejected_line": 3, "rejected_reason": "a \"b\"", "title": 7}`)})
	assert.Equal(t, `{"rejected_line":3,"rejected_reason":"now","rejected_code":"malformed", "title": 7}`+"\n", string(got))
	got = row(&model.RowError{Line: 9, Detail: "now", Text: []byte(`{ "rejected_line": 3, "rejected_reason": "b", "rejected_code": null, "title": 7}`)})
	assert.Equal(t, `{"rejected_line":3,"rejected_reason":"now","rejected_code":"", "title": 7}`+"\n", string(got))
}

func TestRejectedRowsOutlastACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.csv")
	f := openText(t, "title\nEmma\n", gateway.FileOptions{})
	kept := path + ".rejected"
	first, alone := f.KeepRejected(kept, path)
	require.True(t, alone)
	require.NoError(t, first.Keep(&model.RowError{Line: 2, Text: []byte("two"), Code: model.RowMalformed, Detail: "bad"}))
	size, err := first.Sync()
	require.NoError(t, err)
	require.NoError(t, first.Keep(&model.RowError{Line: 3, Text: []byte("three"), Code: model.RowMalformed, Detail: "bad"}))

	second, alone := f.KeepRejected(kept, path)
	assert.False(t, alone, "while the first import goes on")
	require.NoError(t, second.Keep(&model.RowError{Line: 9, Text: []byte("nine"), Code: model.RowMalformed, Detail: "bad"}))
	require.NoError(t, second.Close(), "it was interrupted before Finish")
	require.NoError(t, first.Close())
	assert.NoFileExists(t, kept)

	third, alone := f.KeepRejected(kept, path)
	require.True(t, alone)
	ok, err := third.Resume(size + 1000)
	require.NoError(t, err)
	assert.False(t, ok, "there are fewer bytes")
	ok, err = third.Resume(size)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, third.Keep(&model.RowError{Line: 4, Text: []byte("four"), Code: model.RowMalformed, Detail: "bad"}))
	require.NoError(t, third.Finish(true))
	require.NoError(t, third.Close())
	content, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "\uFEFFrejected_line,rejected_reason,rejected_code,title\n2,\"bad\",malformed,two\n4,\"bad\",malformed,four\n", string(content))
}

func TestRejectedRowsWithoutAPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "books.csv")
	r, alone := openText(t, "title\nEmma\n", gateway.FileOptions{}).KeepRejected(path+".rejected", path)
	assert.True(t, alone)
	err := r.Keep(&model.RowError{Line: 2, Detail: "bad"})
	assert.ErrorContains(t, err, "name another file with --rejected")
	assert.NoError(t, r.Close())
}

func TestRejectedRowsTellTheirSource(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct{ file, text, source, kept, want string }{
		"beside the file":     {"books.csv", "title\nEmma\n", "", "books.csv.rejected", ""},
		"elsewhere":           {"books.csv", "title\nEmma\n", "", "bad.csv", "books.csv"},
		"with a given source": {"books.csv", "title\nEmma\n", "shop", "books.csv.rejected", "shop"},
		"ONIX, elsewhere":     {"books.xml", onixMessage(onixProduct("1", "03", onixTitle("Emma"))), "", "bad.xml", ""},
		"ONIX, given":         {"books.xml", onixMessage(onixProduct("1", "03", onixTitle("Emma"))), "shop", "bad.xml", "shop"},
	} {
		path := filepath.Join(folder, c.file)
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		f, err := Open(path, gateway.FileOptions{Source: c.source})
		require.NoError(t, err)
		rows, _ := f.KeepRejected(filepath.Join(folder, c.kept), "job")
		assert.Equal(t, c.want, rows.Source(), name)
		require.NoError(t, errors.Join(rows.Close(), f.Close()))
	}
}
