//go:build unix

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What shoppers look for in two spellings is one entry of the order list. It is done as soon as an
// import brings the book.
func TestFromAFruitlessSearchToABook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	address := p.ready()
	p.stocked()
	for _, keyword := range []string{"Quillwhistle", "Quillwistle", "Quillwhistle"} {
		page := visited(t, http.MethodGet, address+"/?"+url.Values{"q": {keyword}}.Encode(), nil)
		require.Equal(t, http.StatusOK, page.code)
		require.Contains(t, page.body, "Ask the shop for this book")
	}
	asked := visited(t, http.MethodPost, address+"/requests", url.Values{"q": {"Quillwistle"}, "back": {"/?q=Quillwistle"}})
	require.Equal(t, http.StatusSeeOther, asked.code, asked.body)

	type entry struct {
		Keyword, State string
		Spellings      []string
		Requests       int
		Searches       int
		Book           *struct{ Title string }
		After          *struct{ Searches, Found int }
	}
	list := func(state string) (entries []entry) {
		request, err := http.NewRequest(http.MethodGet, address+"/api/insights/orders?state="+state, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
		answer, err := do(t, request)
		require.NoError(t, err)
		if answer.code == http.StatusOK {
			require.NoError(t, json.Unmarshal([]byte(answer.body), &entries))
		}
		return entries
	}
	p.eventually("both spellings are one entry", func() bool {
		entries := list("open")
		return len(entries) == 1 && entries[0].Requests == 1 && entries[0].Searches == 2 && len(entries[0].Spellings) == 1
	})
	file := filepath.Join(dir, "delivery.csv")
	require.NoError(t, os.WriteFile(file, []byte("title,author\nThe Quillwhistle Inheritance,Ada Writer\n"), 0o600))
	status, output := finish(t, dir, nil, "import", file)
	require.Equal(t, 0, status, output)
	p.eventually("the entry is done", func() bool { return len(list("done")) == 1 })
	assert.Empty(t, list("waiting"))
	require.Equal(t, http.StatusOK, visited(t, http.MethodGet, address+"/?q=Quillwhistle", nil).code)
	p.eventually("the new search stands beside it", func() bool { after := list("done")[0].After; return after != nil && after.Found == 1 })
	assert.Equal(t, "The Quillwhistle Inheritance", list("done")[0].Book.Title)
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
