//go:build linux

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
)

// fill fills the disk completely with a file.
func fill(t *testing.T, file string) {
	t.Helper()
	filler, err := os.Create(file)
	require.NoError(t, err)
	defer filler.Close()
	for size := 1 << 20; size > 0; {
		if _, err = filler.Write(make([]byte, size)); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			size /= 2
		}
	}
}

// recordCount returns how many records the topic holds.
func recordCount(t *testing.T, address string) int {
	t.Helper()
	size, err := testbed.NewTopicReader([]string{address}, topic).Size()
	require.NoError(t, err)
	return int(size)
}

// allEvents reads the whole topic and returns the values by id.
func allEvents(t *testing.T, address string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for _, r := range events(t, address, topic, recordCount(t, address)) {
		values[r.Header("ce_id")] = string(r.Value)
	}
	return values
}

// A full disk costs no search. It costs no event either, because the spool allocates its
// space in advance.
func TestTheShopOutlivesAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "size=192m")
	p := start(t, dir, nil)
	url := p.ready()
	p.stocked()
	p.connected()
	search := func(keyword string) {
		t.Helper()
		found := get(t, url+"/api/books?q=pride+"+keyword)
		require.Equal(t, http.StatusOK, found.code, found.body)
		require.Equal(t, http.StatusOK, get(t, url+"/?q=pride").code)
	}
	const before = 20
	for i := range before {
		search(fmt.Sprint("before", i))
	}
	p.settled()
	acknowledged := allEvents(t, p.broker())
	require.Len(t, acknowledged, 2*before)

	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	const meanwhile = 50
	for i := range meanwhile {
		search(fmt.Sprint("full", i))
	}
	p.eventually("the log reports the full disk", func() bool { return strings.Contains(p.log.String(), "the disk is full") })
	p.eventually("/readyz is degraded", func() bool { return strings.Contains(get(t, url+"/readyz").body, "degraded") })
	assert.Equal(t, http.StatusOK, get(t, url+"/readyz").code)
	assert.Subset(t, allEvents(t, p.broker()), acknowledged)

	require.NoError(t, os.Remove(filler))
	p.eventually("events are confirmed again", func() bool {
		return !strings.Contains(get(t, url+"/readyz").body, "degraded")
	})
	p.settled()
	assert.Len(t, allEvents(t, p.broker()), 2*before+2*meanwhile)
	assert.Zero(t, p.metric("event_books_events_lost_total"))
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))

	p = start(t, dir, nil)
	url = p.ready()
	assert.Subset(t, allEvents(t, p.broker()), acknowledged)
	search("again")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}

// A shop that may open few files works while thousands of connections crowd its broker.
func TestTheShopOutlivesACrowdAtItsBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "wrapper")
	require.NoError(t, os.WriteFile(wrapper, fmt.Appendf(nil, "#!/bin/sh\nulimit -n 100; exec '%s' \"$@\"\n", program), 0o700))
	p := startProgram(t, wrapper, dir, nil)
	url := p.ready()
	p.connected()
	for range 1000 {
		conn, err := net.Dial("tcp", p.broker())
		require.NoError(t, err)
		defer conn.Close()
	}
	const searches = 50
	for i := range searches {
		require.Equal(t, http.StatusOK, get(t, url+"/api/books?q="+fmt.Sprint("crowd", i)).code)
	}
	p.settled()
	require.NotContains(t, get(t, url+"/readyz").body, "degraded")
	require.Len(t, allEvents(t, p.broker()), searches)
	require.NotContains(t, p.log.String(), "exited unexpectedly")
	assert.Equal(t, 0, p.stop(syscall.SIGTERM))
}
