//go:build unix

package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Staff see each search of everybody as it happens, until the shop stops.
func TestLiveSearches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, nil)
	address := p.ready()
	p.connected()
	var answer *http.Response
	p.eventually("live searches can be watched", func() bool {
		request, err := http.NewRequest(http.MethodGet, address+"/api/insights/live", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
		request.Header.Set("Accept-Encoding", "gzip")
		if answer, err = http.DefaultTransport.RoundTrip(request); err != nil {
			return false
		}
		if answer.StatusCode != http.StatusOK {
			answer.Body.Close()
		}
		return answer.StatusCode == http.StatusOK
	})
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	data := func() string {
		for lines.Scan() {
			if text, is := strings.CutPrefix(lines.Text(), "data: "); is {
				return text
			}
		}
		return ""
	}
	var delays []time.Duration
	for i := range 50 {
		begun := time.Now()
		require.Equal(t, http.StatusOK, get(t, fmt.Sprintf("%s/?q=moby+%d", address, i)).code)
		line := data()
		delays = append(delays, time.Since(begun))
		assert.Contains(t, line, fmt.Sprintf(`"keyword":"moby %d"`, i))
		assert.NotContains(t, line, "visitor")
	}
	// The same search as an event.
	found := get(t, address+"/?q=moby+event")
	request, err := http.NewRequest(http.MethodGet, address+"/insights/event?id="+found.header.Get("X-Search-Id"), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	p.eventually("the event is in the topic", func() bool {
		page, err := do(t, request)
		return err == nil && page.code == http.StatusOK && strings.Contains(page.body, "<bdi>moby event</bdi>") && strings.Contains(page.body, "partition")
	})
	assert.Contains(t, data(), `"keyword":"moby event"`)

	slices.Sort(delays)
	t.Logf("from the request to its line: median %s, longest %s", delays[len(delays)/2], delays[len(delays)-1])
	stopped := make(chan int, 1)
	go func() { stopped <- p.stop(syscall.SIGTERM) }()
	assert.Empty(t, data(), "the feed ends")
	assert.NoError(t, lines.Err(), "and isn't cut off")
	assert.Zero(t, <-stopped)
	assert.Zero(t, p.logged("requests were cut off"))
}
