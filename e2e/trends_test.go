//go:build unix

package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// completeness returns the numbers of X-Completeness, or nil.
func completeness(t *testing.T, url string) map[string]int {
	t.Helper()
	a := get(t, url+"/api/trends")
	if a.code != http.StatusOK {
		return nil
	}
	numbers := map[string]int{}
	for part := range strings.SplitSeq(a.header.Get("X-Completeness"), ", ") {
		name, value, _ := strings.Cut(part, "=")
		var n int
		_, err := fmt.Sscan(value, &n)
		require.NoError(t, err, part)
		numbers[name] = n
	}
	return numbers
}

// counted waits until all accepted events are counted, and at least n.
func (p *process) counted(n int) (numbers map[string]int) {
	p.t.Helper()
	p.eventually("all events are counted", func() bool {
		numbers = completeness(p.t, p.url())
		return numbers["counted"] >= n && numbers["counted"] == numbers["accepted"] && numbers["waiting"] == 0
	})
	return numbers
}

// Promise 3: each search is counted exactly once, although shop and consumers are killed again
// and again, and two processes share the partitions.
func TestPromise3EachSearchIsCountedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var answered atomic.Int64
	for round := range 4 {
		p := start(t, dir, nil)
		url := p.ready()
		helper := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + p.broker()}, "trends")
		stop := make(chan struct{})
		var clients sync.WaitGroup
		for client := range 4 {
			clients.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if get(t, fmt.Sprintf("%s/api/books?q=key%d", url, (client+i)%7)).code == http.StatusOK {
						answered.Add(1)
					}
				}
			})
		}
		before := completeness(t, url)["counted"]
		p.eventually("events are counted", func() bool { return completeness(t, url)["counted"] > before+20*(round+1) })
		if round%2 == 0 {
			helper.kill() // its partitions go to the shop
			p.eventually("events are counted again", func() bool { return completeness(t, url)["counted"] > before+60*(round+1) })
		}
		p.kill()
		close(stop)
		clients.Wait()
		helper.kill()
	}
	p := start(t, dir, nil)
	url := p.ready()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=last").code)
	numbers := p.counted(int(answered.Load()) + 1)
	assert.Zero(t, numbers["dead"]+numbers["lost"]+numbers["missed"]+numbers["late"]+numbers["unknown"], numbers)
	assert.Len(t, allEvents(t, p.broker()), numbers["counted"], "the topic has as many different events")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "books.db"))
	require.NoError(t, err)
	defer db.Close()
	var requests int
	require.NoError(t, db.QueryRow("SELECT SUM(requests) FROM trend_counts WHERE keyword_id = 0").Scan(&requests))
	assert.Equal(t, numbers["counted"], requests)
}

// A search is counted within a second.
func TestASearchIsCountedSoon(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), nil)
	url := p.ready()
	p.connected()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=whale").code)
	p.counted(1)
	begun := time.Now()
	require.Equal(t, http.StatusOK, get(t, url+"/api/books?q=whale").code)
	p.counted(2)
	t.Logf("counted after %s", time.Since(begun))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
