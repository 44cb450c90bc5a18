//go:build linux

package e2e

import (
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

// dump returns all rows of the trends in a shop's database, except versions. It leaves out
// keywords, which are folded texts; if there are any, it leaves out numbers over all keywords, too.
func dump(t *testing.T, dir string, without ...string) (rows []string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "books.db"))
	require.NoError(t, err)
	defer db.Close()
	kept := "keyword_id IN (SELECT id FROM trend_keywords WHERE folded NOT IN ('" + strings.Join(without, "', '") + "'))"
	for _, query := range []string{
		"SELECT day, keyword_id, surface, tag, requests, searches, hex(buckets), '' FROM trend_counts WHERE LENGTH(buckets) > 0 AND " + kept,
		"SELECT day, keyword_id, hex(visitor), surface, tag, hex(facts), hex(languages), '' FROM trend_visits WHERE " + kept,
		"SELECT day, keyword_id, hex(hash), spelling, typed, served, '', '' FROM trend_spellings WHERE " + kept,
		"SELECT day, hex(search_id), book_id, keyword_id, hex(visitor), bucket, ordinal, clicked_at FROM trend_clicks WHERE " + kept,
		"SELECT id AS keyword_id, folded, newest_at, newest_id, newest_books, '', '', '' FROM trend_keywords WHERE " + strings.Replace(kept, "keyword_id", "id", 1),
		"SELECT hex(visitor), erased_at, '', '', '', '', '', '' FROM trend_erasures",
	} {
		rows = append(rows, texts(t, db, query+" ORDER BY 1, 2, 3, 4, 5")...)
	}
	if len(without) > 0 {
		return rows
	}
	for _, query := range []string{
		"SELECT day, surface, tag, language, requests, searches, hex(buckets), hex(places) FROM trend_totals",
		"SELECT day, hex(visitor), hex(activity), '', '', '', '', '' FROM trend_visitors",
		"SELECT day, surface, tag, language, hex(visitors), '', '', '' FROM trend_presence",
	} {
		rows = append(rows, texts(t, db, query+" ORDER BY 1, 2, 3, 4, 5")...)
	}
	return rows
}

// texts returns the rows of a query with eight columns.
func texts(t *testing.T, db *sql.DB, query string) (rows []string) {
	t.Helper()
	found, err := db.Query(query)
	require.NoError(t, err, query)
	defer found.Close()
	for found.Next() {
		var c [8]string
		require.NoError(t, found.Scan(&c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7]))
		rows = append(rows, strings.Join(c[:], " "))
	}
	return rows
}

// Counting again gives the same numbers: with an event that arrives ten days late, an erased
// visitor, clicks, records of another program, and while searches go on.
func TestTrendsAreRebuilt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_APP_TRUSTED_PROXIES=127.0.0.1"})
	address := p.ready()
	p.stocked()
	p.connected()
	environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}
	sent := 0
	for network := range 3 {
		from := fmt.Sprintf("192.0.%d.1", network)
		for _, keyword := range []string{"moby+dick", "Moby+Dick", "mobi+dik", "love"} {
			page := visited(t, http.MethodGet, address+"/?q="+keyword, nil, "X-Forwarded-For", from)
			sent++
			link := bookLink.FindStringSubmatch(page.body)
			require.NotEmpty(t, link, keyword)
			require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, address+html.UnescapeString(link[1]), nil, "X-Forwarded-For", from).code)
		}
	}
	forget := url.Values{"choice": {"forget"}, "back": {"/privacy"}}
	require.Equal(t, http.StatusSeeOther, visited(t, http.MethodPost, address+"/visitor", forget, "X-Forwarded-For", "192.0.1.1").code)
	producer, err := mq.NewProducer([]string{p.broker()}, topic)
	require.NoError(t, err)
	defer producer.Close()
	producer.Connect()
	header := func(key, value string) mq.Header { return mq.Header{Key: key, Value: []byte(value)} }
	foreign := func(sequence int, at time.Time) *mq.Record {
		return &mq.Record{Key: "late", Value: []byte("[]"), Time: at, Headers: []mq.Header{
			header("ce_type", "com.literank.books.searched"), header("ce_id", uuid.NewString()), header("ce_source", "/other/shop"),
			header("ce_sequence", fmt.Sprint(sequence)), header("ce_time", at.UTC().Format(time.RFC3339Nano)),
		}}
	}
	now := time.Now()
	_, err = producer.Deliver(t.Context(), []*mq.Record{
		foreign(1, now), foreign(2, now.AddDate(0, 0, -10)), foreign(2, now.AddDate(0, 0, -10)), {Key: "tutorial", Value: []byte("[]"), Time: now},
	}, 3, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
	require.NoError(t, err)
	p.counted(sent + 2)
	p.eventually("everything is counted", func() bool { return p.handled(topic) == sent+3 && p.handled(clickTopic) == 13 })
	before, keywords := dump(t, dir), dump(t, dir, "during")
	status, output := finish(t, dir, environ, "trends", "--rebuild")
	assert.Equal(t, 0, status, output)
	assert.Regexp(t, `^counted all days again in \d+\.\d s: 0 counts have changed\n$`, output)
	assert.Equal(t, before, dump(t, dir))

	// Somebody damages the counts.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "books.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	for _, damage := range []string{
		"UPDATE trend_counts SET requests = 99, buckets = x''", "UPDATE trend_totals SET requests = 99", "DELETE FROM trend_presence", "DELETE FROM trend_visits WHERE surface = 1",
		"DELETE FROM trend_clicks", "INSERT INTO trend_spellings SELECT day, keyword_id, x'00', 'odd', 5, 5 FROM trend_counts LIMIT 1",
		"UPDATE trend_keywords SET newest_books = '1' WHERE newest_books <> ''",
	} {
		_, err := db.Exec(damage)
		require.NoError(t, err, damage)
	}
	require.NoError(t, db.Close())
	require.NotEqual(t, before, dump(t, dir))

	// Two rebuilds at once, while searches go on.
	stop := make(chan struct{})
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if get(t, address+"/api/books?q=during").code == http.StatusOK {
				sent++
			}
		}
	})
	var outputs [2]string
	var rebuilds sync.WaitGroup
	for i := range outputs {
		rebuilds.Go(func() { _, outputs[i] = finish(t, dir, environ, "trends", "--rebuild") })
	}
	rebuilds.Wait()
	close(stop)
	clients.Wait()
	both := outputs[0] + outputs[1]
	assert.Regexp(t, `counted all days again in \S+ s: [1-9]\d* counts have changed`, both)
	p.counted(sent + 2)
	p.eventually("everything is counted", func() bool { return p.handled(topic) == sent+3 })
	assert.Equal(t, keywords, dump(t, dir, "during"))
	status, output = finish(t, dir, environ, "trends", "--rebuild")
	assert.Equal(t, 0, status, output)
	assert.Contains(t, output, ": 0 counts have changed", "what was counted during the rebuild, too")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	status, output = finish(t, dir, nil, "trends", "--rebuild")
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "is the shop running?")
}
