//go:build linux

package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A shop starts on the data folder of the first version that counted, schema 10: it had counted 20
// searches and a click, and was killed while 30 searches waited for Kafka. Nothing counts twice, and
// what can't be counted again, since that version noted no positions, stays.
func TestUpgradeOfCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "data-counted.tar.gz", dir)
	p := start(t, dir, []string{"EVENT_BOOKS_TRENDS_MIN_VISITORS=1"})
	url := p.ready()
	assert.Equal(t, 50, p.counted(50)["counted"])
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=after").code)
	p.counted(51)
	requests := func() string {
		db, err := sql.Open("sqlite", filepath.Join(dir, "data", "books.db"))
		require.NoError(t, err)
		defer db.Close()
		var searches, clicks int
		require.NoError(t, db.QueryRow("SELECT (SELECT SUM(requests) FROM trend_totals), (SELECT COUNT(*) FROM trend_clicks)").Scan(&searches, &clicks))
		return fmt.Sprint(searches, " searches, ", clicks, " clicks")
	}
	assert.Equal(t, "51 searches, 1 clicks", requests())
	status, output := finish(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}, "trends", "--rebuild")
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "no day can be counted again")
	assert.Equal(t, "51 searches, 1 clicks", requests())
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
