//go:build unix

package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A file of events has no copies, and nothing of visitors who asked to be forgotten.
func TestEventsExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	shop := p.ready()
	p.stocked()
	p.connected()
	visit(t, shop+"/?q=whale", "User-Agent", firefox)
	forgotten := visited(t, http.MethodPost, shop+"/visitor", url.Values{"choice": {"forget"}, "back": {"/"}}, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusSeeOther, forgotten.code, forgotten.body)
	visit(t, shop+"/?q=%3Dmoon", "User-Agent", firefox)
	p.settled()
	sendAgain(t, p.broker(), topic, events(t, p.broker(), topic, 2)[0])
	events(t, p.broker(), topic, 3)

	status, output := finish(t, dir, nil, "events", "export", "--as", "searches", "-o", "searches.csv.gz")
	require.Equal(t, 0, status, output)
	assert.Regexp(t, `^1 rows exported; left out: (1 repeated, 1|2) of visitors who asked to be forgotten\n$`, output)
	file, err := os.Open(filepath.Join(dir, "searches.csv.gz"))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	content, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	assert.Regexp(t, `^search_id,time,(\S+,)+served_hits\n[0-9a-f-]+,[0-9TZ:.-]+,'=moon,'=moon,[0-9a-f]{16},page,person,.*\n$`, string(content))

	for _, as := range []string{"clicks", "impressions", "ubi", "judgements"} {
		status, output = finish(t, dir, nil, "events", "export", "--as", as, "--to", "1h")
		assert.Equal(t, 0, status, output)
		assert.Contains(t, output, "0 rows exported", as)
	}
	status, output = finish(t, dir, nil, "events", "export", "--as", "searches", "-o", "missing/searches.csv")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "no such file or directory")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
