package catalog

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// tally counts the rows of a whole file.
type tally struct {
	rows, rejected int
	isbns, ids     int
	authors        map[string]bool
	languages      map[string]bool
	notes          map[string]int
}

// readAll reads f to its end and checks the promises about every row.
func readAll(t testing.TB, f *File) (tally, error) {
	t.Helper()
	all := tally{authors: map[string]bool{}, languages: map[string]bool{}, notes: map[string]int{}}
	last := 0
	for {
		row, err := f.Next()
		var rejected *model.RowError
		switch {
		case err == io.EOF:
			return all, nil
		case errors.As(err, &rejected):
			if rejected.Line < last || rejected.Line == last && !strings.HasPrefix(f.Format(), "ONIX") {
				t.Fatalf("line %d comes after line %d", rejected.Line, last)
			}
			last = rejected.Line
			all.rejected++
			continue
		case err != nil:
			return all, err
		}
		if row.Line < last || row.Line == last && !strings.HasPrefix(f.Format(), "ONIX") {
			t.Fatalf("line %d comes after line %d", row.Line, last)
		}
		last = row.Line
		valid := row.Book
		if err := valid.Validate(); err != nil || !reflect.DeepEqual(valid, row.Book) {
			t.Fatalf("line %d: not valid and canonical: %+v (%v)", row.Line, row.Book, err)
		}
		if (row.Source == "") != (row.ExternalID == "") {
			t.Fatalf("line %d: source %q of the id %q", row.Line, row.Source, row.ExternalID)
		}
		all.rows++
		if row.Book.ISBN != "" {
			all.isbns++
		}
		if row.ExternalID != "" {
			all.ids++
		}
		all.authors[row.Book.Author] = true
		all.languages[row.Book.Language] = true
		for _, note := range row.Notes {
			kind, _, _ := strings.Cut(note, ":")
			all.notes[kind]++
		}
	}
}

// realFile opens a file in the folder of real data.
func realFile(t testing.TB, name string) *File {
	t.Helper()
	folder := os.Getenv("TEST_DATA_DIR")
	if folder == "" {
		t.Skip("TEST_DATA_DIR is not set: it names the folder of real catalogues")
	}
	f, err := Open(filepath.Join(folder, name), gateway.FileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	return f
}

func TestRealCatalogues(t *testing.T) {
	for name, want := range map[string]struct {
		format             string
		rows, isbns, ids   int
		languages, authors int // at least
	}{
		"goodbooks10k.csv":           {"CSV in UTF-8", 10_000, 9_277, 10_000, 20, 4_000},
		"gutenberg.jsonl.gz":         {"JSON Lines in UTF-8, gzip", 78_765, 0, 78_765, 60, 20_000},
		"free_programming_books.csv": {"CSV in UTF-8", 4_297, 0, 0, 40, 1_000},
	} {
		t.Run(name, func(t *testing.T) {
			f := realFile(t, name)
			assert.Equal(t, want.format, f.Format())
			start := time.Now()
			got, err := readAll(t, f)
			require.NoError(t, err)
			t.Logf("%d rows in %v, %d rejected, notes %v", got.rows, time.Since(start), got.rejected, got.notes)
			assert.Equal(t, want.rows, got.rows+got.rejected)
			assert.Zero(t, got.rejected)
			assert.Equal(t, want.isbns, got.isbns)
			assert.Equal(t, want.ids, got.ids)
			assert.GreaterOrEqual(t, len(got.languages), want.languages)
			assert.GreaterOrEqual(t, len(got.authors), want.authors)
			read, size := f.Progress()
			assert.Equal(t, size, read)
			if strings.HasPrefix(name, "gutenberg") {
				assert.True(t, got.authors["John F. Kennedy (John Fitzgerald)"])
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"goodbooks10k.csv", "gutenberg.jsonl.gz"} {
		b.Run(name, func(b *testing.B) {
			rows := 0
			for b.Loop() {
				f := realFile(b, name)
				for {
					_, err := f.Next()
					if err == io.EOF {
						break
					}
					rows++
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
