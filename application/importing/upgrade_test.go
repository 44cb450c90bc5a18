package importing_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/database"
)

// version01 has files, and what the program of version 0.1 exported after it had
// imported each of them.
const version01 = "../../infrastructure/catalog/testdata/version01"

// Each file is imported into a shop in which version 0.1 has imported it before.
func TestBooksOfVersion01AreFoundAgain(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(version01, "files", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			defer func() { assert.NoError(t, db.Close()) }()
			require.NoError(t, db.Migrate(t.Context()))
			importer := importing.NewImporter(db, db, catalog.Files{})
			importFile := func(path string) importing.Summary {
				m, err := importer.Open(path, importing.Options{Rejected: filepath.Join(t.TempDir(), "rejected")})
				require.NoError(t, err)
				defer func() { assert.NoError(t, m.Close()) }()
				summary, err := m.Run(t.Context(), new(log))
				require.NoError(t, err)
				return summary
			}
			before := importFile(filepath.Join(version01, "exports", filepath.Base(path)+".jsonl"))
			require.Equal(t, before.Rows, before.Created)

			first := importFile(path)
			assert.Equal(t, before.Rows, first.Rows)
			assert.Zero(t, first.Created)
			assert.Zero(t, first.Rejected)
			assert.NotZero(t, first.Updated, "some values are read differently")
			second := importFile(path)
			assert.Equal(t, before.Rows, second.Unchanged)
		})
	}
}
