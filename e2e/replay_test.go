//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Before a change, staff see what it would have done to the searches of the last week.
func TestReplayBeforeAChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	url := p.ready()
	p.stocked()
	p.connected()
	var stored struct{ ID uint }
	require.NoError(t, json.Unmarshal([]byte(post(t, dir, url+"/api/books", `{"title": "Zzyzx Roads"}`).body), &stored))
	p.eventually("the book is found", func() bool { return get(t, url+"/api/books?q=zzyzx+roads").header.Get("X-Total-Count") == "1" })
	for _, keyword := range []string{"zzyzx+roads", "frankenstien", "frankenstien", "frankenstien", "moby+dick", "quixotry"} { // a bot made the search above
		require.Equal(t, http.StatusOK, visited(t, http.MethodGet, url+"/?q="+keyword, nil).code)
	}
	p.settled()
	require.Equal(t, http.StatusCreated, post(t, dir, url+"/api/books", `{"title": "Quixotry"}`).code)
	request, err := http.NewRequest(http.MethodDelete, fmt.Sprintf("%s/api/books/%d", url, stored.ID), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	deleted, err := do(t, request)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, deleted.code, deleted.body)

	before := len(events(t, p.broker(), topic, recordCount(t, p.broker())))
	environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}
	status, output := finish(t, dir, environ, "index", "replay")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `^6 searches, 4 of them different; replayed 4, which were searched 6 times\n`, output)
	assert.Regexp(t, `1 +zzyzx roads +Zzyzx Roads +`, output)
	assert.Regexp(t, `1 +quixotry +.* +Quixotry\n`, output)
	assert.NotContains(t, output, "moby dick", "nothing has changed there")

	// The database corrects nothing.
	status, output = finish(t, dir, append(environ, "EVENT_BOOKS_INDEX_ENGINE=sql"), "index", "replay", "--json")
	assert.Equal(t, 0, status, output)
	assert.Contains(t, output, `{"kind":"emptied","keyword":"frankenstien","times":3`)
	assert.Len(t, events(t, p.broker(), topic, recordCount(t, p.broker())), before, "replaying sends no events")
	leftovers, err := filepath.Glob(filepath.Join(os.TempDir(), "event-books-replay-*"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)

	for _, arguments := range [][]string{{"--since", "yesterday"}, {"--limit", "0"}} {
		status, output = finish(t, dir, environ, append([]string{"index", "replay"}, arguments...)...)
		assert.Equal(t, 2, status, output)
	}
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
