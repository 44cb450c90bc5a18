//go:build unix

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq/mqtest"
)

// A catalogue that is lost while the shop runs takes no more writes, and the next start
// doesn't take the shop for a new one.
func TestLostCatalogue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	url := p.ready()
	p.stocked()
	require.Equal(t, http.StatusCreated, post(t, dir, url+"/api/books", `{"title": "The last one"}`).code)
	p.eventually("the folder knows its database", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "shop.json"))
		return err == nil
	})

	backup := filepath.Join(dir, "books.db")
	require.NoError(t, os.Rename(filepath.Join(dir, "data", "books.db"), backup))
	assert.Equal(t, http.StatusServiceUnavailable, post(t, dir, url+"/api/books", `{"title": "One more"}`).code)
	assert.Equal(t, http.StatusServiceUnavailable, get(t, url+"/readyz").code)
	assert.Equal(t, 1, strings.Count(p.log.String(), "the database was lost"))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	p = start(t, dir, nil)
	url = p.url()
	p.eventually("the log names the ways out", func() bool {
		return strings.Contains(p.log.String(), "is missing. Restore it from a backup")
	})
	assert.Equal(t, http.StatusServiceUnavailable, get(t, url+"/readyz").code)
	assert.Equal(t, http.StatusServiceUnavailable, get(t, url+"/api/books?q=war").code)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "one.csv"), []byte("title\nOne\n"), 0o600))
	status, output := finish(t, dir, nil, "import", "one.csv")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "the catalogue is lost")
	assert.NoFileExists(t, filepath.Join(dir, "data", "books.db"))

	require.NoError(t, os.Rename(backup, filepath.Join(dir, "data", "books.db")))
	assert.Equal(t, url, p.ready(), "it needs no restart")
	p.eventually("the index has caught up", func() bool { return strings.Contains(get(t, url+"/api/books?q=last+one").body, "The last one") })
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	// Another shop's database is no replacement.
	other := t.TempDir()
	status, output = finish(t, other, nil, "import", filepath.Join(dir, "one.csv"))
	require.Equal(t, 0, status, output)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "data", "books.db-wal")))
	require.NoError(t, os.Rename(filepath.Join(other, "data", "books.db"), filepath.Join(dir, "data", "books.db")))
	status, output = finish(t, dir, nil, "export", "-")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "is not the one that belongs to this folder")
	for _, damaged := range []string{"", "{}", "garbage"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "shop.json"), []byte(damaged), 0o600))
		status, output = finish(t, dir, nil, "export", "-")
		assert.Equal(t, 1, status)
		assert.Contains(t, output, "data/shop.json is damaged")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "data", "shop.json")))
	status, output = finish(t, dir, nil, "export", "-")
	assert.Equal(t, 0, status)
	assert.Contains(t, output, "One")
}

// Searches after the embedded broker's folder, or a part of it, was deleted reach the new
// one: no record is acknowledged that the next start wouldn't find.
func TestLostBrokerFolder(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"broker", "broker/partitions"} {
		t.Run(lost, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, dir, nil)
			url := p.ready()
			p.connected()
			require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=before").code)
			p.settled()
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "data", filepath.FromSlash(lost))))
			for _, keyword := range []string{"one", "two", "three"} {
				require.Equal(t, http.StatusOK, get(t, url+"/api/books?q="+keyword).code)
			}
			p.settled()
			assert.Contains(t, p.log.String(), "the broker's folder was deleted")
			assert.Equal(t, 0, p.stop(syscall.SIGTERM))

			p = start(t, dir, nil)
			p.ready()
			var found []string
			for _, r := range mqtest.All(t, []string{p.broker()}, topic, 3) {
				found = append(found, r.Key)
			}
			assert.Subset(t, found, []string{"one", "two", "three"})
		})
	}
}
