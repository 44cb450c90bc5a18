//go:build linux

package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"literank.com/event-books/domain/trend"
)

// Simulated shoppers fill the topics, and are counted apart from people, until somebody clears
// the demo. Counting again doesn't bring them back.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, []string{"EVENT_BOOKS_TRENDS_MIN_VISITORS=1"}) // trends show what one visitor searches
	url := p.ready()
	p.stocked()
	p.connected()
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	visit(t, url+"/?q=whale", "User-Agent", firefox)

	status, output := finish(t, dir, nil, "demo", "--for", "5s", "--rate", "20", "--seed", "3")
	require.Equal(t, 0, status, output)
	report := regexp.MustCompile(`(\d+) searches, of which (\d+) found nothing; (\d+) clicks; 0 failures`).FindStringSubmatch(output)
	require.NotNil(t, report, output)
	number := func(i int) int {
		n, err := strconv.Atoi(report[i])
		require.NoError(t, err)
		return n
	}
	searches, misses, clicks := number(1), number(2), number(3)
	assert.InDelta(t, 100, searches, 20)
	assert.Greater(t, misses, 5)
	assert.Greater(t, clicks, 20)
	p.settled()

	surfaces, agents, visitors, cookies := map[string]int{}, map[string]int{}, map[string]bool{}, map[string]bool{}
	var empty int
	for _, r := range events(t, p.broker(), topic, searches+1) {
		surfaces[r.Header("ce_surface")]++
		agents[r.Header("ce_agent")]++
		visitors[r.Header("ce_visitor")] = true
		if id := r.Header("ce_clientid"); id != "" {
			cookies[id] = true
		}
		if r.Header("ce_surface") == "demo" && r.Header("ce_servedhits") == "0" && r.Header("ce_offset") == "0" {
			empty++
		}
	}
	assert.Equal(t, map[string]int{"page": 1, "demo": searches}, surfaces)
	assert.Equal(t, map[string]int{"person": searches + 1}, agents)
	assert.Greater(t, len(visitors), 15)
	assert.Greater(t, len(cookies), 3)
	assert.Equal(t, misses, empty)

	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "books.db"))
	require.NoError(t, err)
	defer db.Close()
	counted := func(surface int) (requests, opened int) {
		t.Helper()
		require.NoError(t, db.QueryRow("SELECT COALESCE(SUM(requests), 0) FROM trend_totals WHERE surface = ?", surface).Scan(&requests))
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM trend_clicks WHERE surface = ?", surface).Scan(&opened))
		return requests, opened
	}
	const page, demo = 1, 3
	p.eventually("the demo is counted", func() bool {
		requests, opened := counted(demo)
		return requests == searches && opened > 20
	})
	trends := func() (queries []string) {
		var list []struct{ Query string }
		require.NoError(t, json.Unmarshal([]byte(visit(t, url+"/api/trends").body), &list))
		for _, entry := range list {
			queries = append(queries, entry.Query)
		}
		return queries
	}
	p.eventually("the person's search is in trends", func() bool { return len(trends()) > 0 })
	assert.Equal(t, []string{"whale"}, trends(), "the demo isn't")

	t.Run("SQL over the exported events counts the same", func(t *testing.T) {
		const page = "../docs/consuming.md"
		shell(t, dir, block(t, page, "sh", "--as searches", "--as clicks"))
		view := block(t, page, "sql", "CREATE VIEW searches")
		sql := func(query string) string {
			return duckDB(t, dir, strings.Replace(view, "surface <> 'demo'", "surface = 'demo'", 1)+query)
		}
		opened, err := strconv.Atoi(strings.TrimSpace(sql("SELECT count(DISTINCT click_id) FROM read_json('clicks.jsonl')")))
		require.NoError(t, err)
		p.eventually("all clicks are counted", func() bool { _, known := counted(demo); return known == opened })
		var sum trend.Counts
		rows, err := db.Query("SELECT buckets FROM trend_totals WHERE surface = ?", demo)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var encoded []byte
			require.NoError(t, rows.Scan(&encoded))
			counts, err := trend.DecodeDayCounts(encoded)
			require.NoError(t, err)
			sum.Add(counts.Sum(0, trend.Buckets), 1)
		}
		require.NoError(t, rows.Err())
		want := fmt.Sprintln(sum.Searches, sum.Shown, sum.NotFound, sum.Rescued, sum.Clicked)
		got := sql("SELECT count(*), count(*) FILTER (shown), count(*) FILTER (empty AND NOT hit), count(*) FILTER (empty AND NOT hit AND shown), count(*) FILTER (shown AND clicked) FROM searches")
		assert.Equal(t, want, strings.ReplaceAll(got, "\t", " "))
		assert.Positive(t, sum.Rescued)
	})

	status, output = finish(t, dir, nil, "demo", "--clear")
	require.Equal(t, 0, status, output)
	for _, again := range []string{"", "rebuilt"} {
		if again != "" {
			status, output = finish(t, dir, nil, "trends", "--rebuild")
			require.Equal(t, 0, status, output)
			assert.Contains(t, output, ": 0 counts have changed")
		}
		requests, opened := counted(demo)
		assert.Equal(t, []int{0, 0}, []int{requests, opened}, again)
		requests, _ = counted(page)
		assert.Equal(t, 1, requests, again)
	}
	assert.Len(t, allEvents(t, p.broker()), searches+1, "the topic keeps its events")

	// Nobody else's searches can be marked as those of the demo.
	request, err := http.NewRequest(http.MethodGet, url+"/api/books?q=whale", nil)
	require.NoError(t, err)
	request.Header.Set("X-Event-Books-Demo", "guess")
	refused, err := do(t, request)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, refused.code)
	assert.Contains(t, refused.body, "X-Event-Books-Demo")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
