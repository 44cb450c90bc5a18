package catalog

import (
	"bytes"
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

// testdata/before_codes has files of rejected rows as the version before
// rejected_code wrote them.
const beforeCodes = "testdata/before_codes"

func openFrozen(t *testing.T, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join(beforeCodes, name), gateway.FileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFilesWithoutCodesAreRecognised(t *testing.T) {
	for name, want := range map[string][]rejection{
		"books.csv.rejected": {
			{model.RowSameISBN, "9780306406157", "lines 2 and 3 have the same ISBN 9780306406157"},
			{model.RowSameID, "A--1", `lines 4 and 5 have the same id "A--1"`},
			{model.RowSameID, `x "y" <z>, (w)`, `lines 6 and 7 have the same id "x \"y\" <z>, (w)"`},
			{reason: "the book has no title"},
		},
		"books.jsonl.rejected": {
			{model.RowSameISBN, "9780306406157", "lines 1 and 2 have the same ISBN 9780306406157"},
			{model.RowSameID, `A "1"`, `lines 3 and 4 have the same id "A \"1\""`},
			{reason: "the book has no title"},
		},
		"books.xml.rejected": {
			{model.RowSameISBN, "9780306406157", "lines 3 and 4 have the same ISBN 9780306406157"},
			{model.RowSameID, "A-3", `lines 5 and 6 have the same id "A-3"`},
			{reason: "the book has no title"},
		},
	} {
		f := openFrozen(t, name)
		_, ignored := f.Columns()
		assert.Empty(t, ignored, name)
		for i, want := range want {
			record, err := f.nextRecord()
			require.NoError(t, err, "%s, row %d", name, i)
			assert.Equal(t, want, record.before, "%s, row %d", name, i)
		}
	}
}

func TestCopiesInFilesWithoutCodesStayRejected(t *testing.T) {
	for name, c := range map[string]struct {
		still  []string
		change *strings.Replacer // it gives the copies other ids and ISBNs
		taken  []string
	}{
		"books.csv.rejected": {
			still: []string{
				"line 2: lines 2 and 3 have the same ISBN 9780306406157",
				`line 3: lines 4 and 5 have the same id "A--1"`,
				`line 4: lines 6 and 7 have the same id "x \"y\" <z>, (w)"`,
				"line 5: the book has no title",
				"line 6: the row has 7 cells, the header 6",
			},
			change: strings.NewReplacer(";9780306406157;", ";9791234567896;", ";A--1;", ";A--2;", "x \"\"y\"\" <z>, (w)\";;", "z\";;"),
			taken:  []string{"2 Emma once more", "3 Ida again", "4 Quoted again"},
		},
		"books.jsonl.rejected": {
			still: []string{
				"line 1: lines 1 and 2 have the same ISBN 9780306406157",
				`line 2: lines 3 and 4 have the same id "A \"1\""`,
				"line 3: the book has no title",
				"line 4: not JSON: invalid character 'o' in literal null (expecting 'u'), at byte 2",
			},
			change: strings.NewReplacer(`"isbn": 9780306406157`, `"isbn": 9791234567896`, `"id": "A \"1\""`, `"id": "A 2"`),
			taken:  []string{"1 Emma once more", "2 Ida again"},
		},
		"books.xml.rejected": {
			still: []string{
				"line 5: lines 3 and 4 have the same ISBN 9780306406157",
				`line 7: lines 5 and 6 have the same id "A-3"`,
				"line 9: the book has no title",
			},
			change: strings.NewReplacer("<ISBN>9780306406157", "<ISBN>9791234567896", ">A-3<", ">A-33<"),
			taken:  []string{"5 Emma once more", "7 Ida again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.still, transcript(openFrozen(t, name), titles))
			content, err := os.ReadFile(filepath.Join(beforeCodes, name))
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(path, content, 0o600))
			_, kept := keepRejected(t, path)
			assert.Equal(t, 1, strings.Count(kept, "same_isbn:9780306406157"), "a row that is rejected again has a code")

			require.NoError(t, os.WriteFile(path, []byte(c.change.Replace(string(content))), 0o600))
			f, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			defer f.Close()
			got := transcript(f, titles)
			assert.Equal(t, c.taken, got[:len(c.taken)])
		})
	}
}

// An interrupted import of the version before rejected_code left this file. It is
// finished without codes, because a table has one header.
func TestInterruptedImportWithoutCodesIsFinished(t *testing.T) {
	for name, source := range map[string]string{
		"books.csv":   "id;isbn;title;year\n",
		"books.jsonl": "{}\n",
		"books.xml":   onixMessage(onixProduct("1", "03", onixTitle("Emma"))),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(path, []byte(source), 0o600))
			f, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			defer f.Close()
			before, err := os.ReadFile(filepath.Join(beforeCodes, name+".rejected"))
			require.NoError(t, err)
			before = bytes.TrimSuffix(before, []byte("</ONIXMessage>\n"))
			part := path + ".rejected.5e8c9902.part"
			require.NoError(t, os.WriteFile(part, before, 0o600))

			rows, alone := f.KeepRejected(f.RejectedPath(), "job")
			require.True(t, alone)
			assert.FileExists(t, part+".lock", "both versions use one lock")
			ok, err := rows.Resume(int64(len(before)))
			require.NoError(t, err)
			require.True(t, ok)
			text := map[string]string{
				"books.csv":   "A-9;;Nine again;1900",
				"books.jsonl": `{"id": "A-9", "title": "Nine again"}`,
				"books.xml":   onixProduct("A-9", "03", onixTitle("Nine again")),
			}[name]
			require.NoError(t, rows.Keep(&model.RowError{Line: 99, Text: []byte(text), Code: model.RowSameID, OtherLine: 90, Value: "A-9"}))
			require.NoError(t, rows.Finish(true))
			require.NoError(t, rows.Close())

			finished, err := Open(rows.Path(), gateway.FileOptions{})
			require.NoError(t, err)
			defer finished.Close()
			all := transcript(finished, titles)
			last := all[len(all)-1]
			assert.Contains(t, last, `lines 90 and 99 have the same id "A-9"`, "the copy that this version adds is recognised too")
			content, err := os.ReadFile(rows.Path())
			require.NoError(t, err)
			assert.True(t, bytes.HasPrefix(content, before))
		})
	}
}

func TestResumeOfAnInterruptedImportWithCodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books.csv")
	f := openText(t, "title\nEmma\n", gateway.FileOptions{})
	row := &model.RowError{Line: 2, Text: []byte("two"), Code: model.RowSameID, OtherLine: 1, Value: "2"}
	first, _ := f.KeepRejected(path, "job")
	require.NoError(t, first.Keep(row))
	size, err := first.Sync()
	require.NoError(t, err)
	require.NoError(t, first.Close())
	second, _ := f.KeepRejected(path, "job")
	ok, err := second.Resume(size)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, second.Keep(row))
	require.NoError(t, second.Finish(true))
	require.NoError(t, second.Close())
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	content, err := io.ReadAll(file)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(content), ",same_id:2,two\n"))
}
