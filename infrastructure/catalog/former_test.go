package catalog

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// The program of version 0.1 imported each of testdata/version01/files into an
// empty shop and exported it to testdata/version01/exports. Rows have the identity
// that it stored.
func TestRowsHaveTheirFormerIdentity(t *testing.T) {
	files, err := filepath.Glob("testdata/version01/files/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			golden, err := os.Open(filepath.Join("testdata/version01/exports", filepath.Base(path)+".jsonl"))
			require.NoError(t, err)
			defer golden.Close()
			stored := json.NewDecoder(golden)
			f, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			defer f.Close()
			for {
				row, err := f.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				var want struct {
					ID, ISBN, Fingerprint string
				}
				require.NoError(t, stored.Decode(&want))
				switch {
				case want.ID != "":
					assert.Equal(t, want.ID, row.ExternalID, "line %d", row.Line)
				case want.ISBN != "":
					assert.Contains(t, []string{row.Book.ISBN, row.FormerISBN}, want.ISBN, "line %d", row.Line)
				default:
					fingerprint, err := hex.DecodeString(want.Fingerprint)
					require.NoError(t, err)
					assert.True(t, slices.ContainsFunc(row.Alternatives, func(c model.Alternative) bool { return string(c.Fingerprint[:]) == string(fingerprint) }), "line %d", row.Line)
				}
			}
			assert.False(t, stored.More())
		})
	}
}
