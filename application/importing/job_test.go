package importing

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
)

// The name of a job is stored, so an import that an older version began resumes
// only if the name stays the same.
func TestJobNamesStayTheSame(t *testing.T) {
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	for want, o := range map[string]gateway.FileOptions{
		`/books.csv "" "" map[]`: {},
		`/books.csv "a \"shop\"" "utf-8" map["Autor":"author" "Titel":"title"]`: {
			Source: `a "shop"`, Encoding: "utf-8", Map: map[string]string{"Titel": "title", "Autor": "author"},
		},
		`/books.csv "" "" map[] "CHF"`: {Currency: "CHF"},
	} {
		got, err := jobName("books.csv", Options{FileOptions: o, Rejected: "elsewhere"})
		require.NoError(t, err)
		assert.Equal(t, here+want, filepath.ToSlash(got))
	}
}
