package importing_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/database"
)

// TestTheOrderOfRowsSettlesNoAuthors imports a doubtful name some batches before or behind
// the row that settles it. Importing the file again changes nothing.
func TestTheOrderOfRowsSettlesNoAuthors(t *testing.T) {
	rows := []string{`Doubtful,"Quillon, Xandrine"`}
	for i := range 2*model.MaxImportBatch + 1 {
		rows = append(rows, fmt.Sprintf("Book %d,Ada Marsh", i))
	}
	rows = append(rows, "Plain,Xandrine Quillon")
	for _, name := range []string{"before", "behind"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "books.csv")
			require.NoError(t, os.WriteFile(path, []byte("title,author\n"+strings.Join(rows, "\n")+"\n"), 0o600))
			db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			defer func() { assert.NoError(t, db.Close()) }()
			require.NoError(t, db.Migrate(t.Context()))
			importFile := func() importing.Summary {
				m, err := importing.NewImporter(db, db, catalog.Files{}).Open(path, importing.Options{})
				require.NoError(t, err)
				defer func() { assert.NoError(t, m.Close()) }()
				summary, err := m.Run(t.Context(), new(log))
				require.NoError(t, err)
				return summary
			}
			assert.Equal(t, len(rows), importFile().Created)
			found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "Doubtful", Limit: 10})
			require.NoError(t, err)
			require.Len(t, found.IDs, 1)
			book, err := db.GetBook(t.Context(), found.IDs[0])
			require.NoError(t, err)
			assert.Equal(t, "Xandrine Quillon", book.Author)
			assert.Equal(t, len(rows), importFile().Unchanged)
		})
		slices.Reverse(rows)
	}
}
