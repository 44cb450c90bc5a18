//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Promise 1: Kafka acknowledges an answered search at least once, whatever happens to Kafka
// and to this process.
func TestPromise1AnsweredSearchesOutliveKillAndOutage(t *testing.T) {
	t.Parallel()
	bypass := build(t.TempDir(), "bench/control/bypass")
	survivors := func(program string) (answered, found int) {
		dir := t.TempDir()
		const searches = 30
		away := startProgram(t, program, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1"})
		url := away.ready()
		ids := map[string]bool{}
		for i := range searches {
			a := get(t, fmt.Sprintf("%s/api/books?q=key%d", url, i))
			require.Equal(t, http.StatusOK, a.code)
			ids[a.header.Get("X-Search-Id")] = true
		}
		away.kill()
		p := startProgram(t, program, dir, nil)
		require.Equal(t, http.StatusOK, get(t, p.ready()+"/api/books?q=last").code)
		p.eventually("the last search arrives", func() bool { return recordCount(t, p.broker()) > 0 })
		if program != bypass {
			p.settled()
		}
		for id := range allEvents(t, p.broker()) {
			if ids[id] {
				found++
			}
		}
		assert.Equal(t, 0, p.stop(syscall.SIGTERM))
		return len(ids), found
	}
	answered, found := survivors(program)
	assert.Equal(t, answered, found)
	answered, found = survivors(bypass)
	assert.Less(t, found, answered, "the test must detect that the spool is bypassed")
}

// Promise 5: when the spool is full, a search is answered and its event counts as lost, or
// the search gets 503.
func TestPromise5AFullSpoolAnswersOrRefuses(t *testing.T) {
	for _, onFull := range []string{"answer", "refuse"} {
		t.Run(onFull, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			longBooks(t, filepath.Join(dir, "books.csv"))
			status, output := finish(t, dir, nil, "import", "books.csv")
			require.Equal(t, 0, status, output)
			p := start(t, dir, []string{
				"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1", "EVENT_BOOKS_MQ_ON_FULL=" + onFull, "EVENT_BOOKS_MQ_SPOOL_MAX_BYTES=100663296",
				"EVENT_BOOKS_MQ_DURABILITY=os",
			})
			url := p.ready()
			var last answer
			for range 500 {
				if last = get(t, url+"/api/books?q=long&limit=100"); last.code != http.StatusOK || strings.Contains(p.log.String(), "the spool is full") {
					break
				}
			}
			p.eventually("the log reports the full spool", func() bool { return strings.Contains(p.log.String(), "the spool is full") })
			ready := get(t, url+"/readyz")
			assert.Equal(t, http.StatusOK, ready.code)
			assert.Contains(t, ready.body, "degraded")
			if onFull == "answer" {
				assert.Equal(t, http.StatusOK, get(t, url+"/api/books?q=long&limit=100").code)
				assert.Positive(t, p.metric("event_books_events_lost_total"))
				assert.Zero(t, p.metric("event_books_events_refused_total"))
				return
			}
			assert.Equal(t, http.StatusServiceUnavailable, last.code)
			assert.NotEmpty(t, last.header.Get("Retry-After"))
			assert.Contains(t, last.header.Get("Content-Type"), "application/problem+json")
			assert.Contains(t, last.body, "can't be recorded")
			assert.NotContains(t, last.body, "spool")
			assert.Positive(t, p.metric("event_books_events_refused_total"))
			assert.Zero(t, p.metric("event_books_events_lost_total"))
			assert.Equal(t, http.StatusOK, get(t, url+"/api/books").code, "a search without a keyword has no event")
		})
	}
}

// longBooks writes a catalogue whose books have a megabyte together.
func longBooks(t *testing.T, path string) {
	t.Helper()
	text := []byte("title,description\n")
	for i := range 100 {
		text = fmt.Appendf(text, "Long %d,%s\n", i, strings.Repeat("a description ", 700))
	}
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

// Promise 6: SIGTERM ends the program with status 0, and the flushed events are in Kafka.
func TestPromise6SIGTERMFlushesAndEndsWithZero(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kafka := start(t, t.TempDir(), nil, "broker")
	p := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + kafka.broker()})
	url := p.ready()
	p.connected()
	const searches = 200
	for i := range searches {
		require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/api/books?q=key%d", url, i)).code)
	}
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
	assert.Len(t, allEvents(t, kafka.broker()), searches)
	status, output := finish(t, dir, nil, "spool", "status")
	assert.Equal(t, 0, status)
	assert.Regexp(t, `waiting: +0 events`, output)
}

// Promise 1: the next start sends the waiting events, even if the disk is full by then.
func TestPromise1AFullDiskDoesNotStopTheNextStart(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "size=100m")
	p := start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1"})
	const searches = 10
	url := p.ready()
	for i := range searches {
		require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/api/books?q=key%d", url, i)).code)
	}
	kafka := start(t, t.TempDir(), nil, "broker")
	p.kill()
	// The shop has reached its Kafka before, so it knows the number of partitions.
	p = start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + kafka.broker()})
	p.ready()
	p.settled()
	p.kill()
	p = start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=127.0.0.1:1"})
	require.Equal(t, http.StatusOK, get(t, p.ready()+"/api/books?q=last").code)
	p.kill()
	fill(t, filepath.Join(dir, "filler"))
	p = start(t, dir, []string{"EVENT_BOOKS_MQ_BROKERS=" + kafka.broker()})
	p.url()
	p.settled()
	assert.GreaterOrEqual(t, len(allEvents(t, kafka.broker())), searches+1)
}
