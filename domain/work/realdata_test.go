package work_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
	"literank.com/event-books/infrastructure/catalog"
)

// realBooks reads a catalogue of the folder of real data.
func realBooks(t *testing.T, name string) []*model.Book {
	t.Helper()
	folder := os.Getenv("TEST_DATA_DIR")
	if folder == "" {
		t.Skip("TEST_DATA_DIR is not set: it names the folder of real catalogues")
	}
	f, err := catalog.Open(filepath.Join(folder, name), gateway.FileOptions{})
	require.NoError(t, err)
	defer f.Close()
	var books []*model.Book
	for {
		row, err := f.Next()
		var rejected *model.RowError
		switch {
		case err == io.EOF:
			return books
		case errors.As(err, &rejected):
			continue
		}
		require.NoError(t, err)
		book := row.Book
		books = append(books, &book)
	}
}

// TestRealCatalogues logs the groups that look suspicious: the largest ones, and those
// whose titles differ most. Look at them after each change.
func TestRealCatalogues(t *testing.T) {
	for _, name := range []string{"gutenberg.jsonl.gz", "goodbooks10k.csv"} {
		t.Run(name, func(t *testing.T) {
			books := realBooks(t, name)
			groups := map[string][]*model.Book{}
			start, keyed := time.Now(), 0
			for _, b := range books {
				if key, ok := work.Key(b); ok {
					keyed++
					groups[key] = append(groups[key], b)
				}
			}
			t.Logf("%d books, %d with a key, %d works, %v each", len(books), keyed, len(groups), time.Since(start)/time.Duration(len(books)))
			var keys []string
			for key, group := range groups {
				if len(group) > 1 {
					keys = append(keys, key)
				}
			}
			slices.SortFunc(keys, func(a, b string) int {
				if d := len(groups[b]) - len(groups[a]); d != 0 {
					return d
				}
				return strings.Compare(a, b)
			})
			for _, key := range keys {
				lines := map[string]bool{}
				for _, b := range groups[key] {
					lines[strings.Join(strings.Fields(b.Title+" ⟨"+b.Author+"⟩ "), " ")] = true
				}
				if len(lines) > 1 || len(groups[key]) > 4 {
					t.Logf("%d %s", len(groups[key]), key)
					for line := range lines {
						t.Log("    ", line)
					}
				}
			}
		})
	}
}
