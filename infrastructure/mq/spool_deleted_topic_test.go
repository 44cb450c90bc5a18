package mq

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A topic that is deleted while nothing is sent is made anew, and Close is
// bounded meanwhile.
func TestDeletedTopic(t *testing.T) {
	address := embedded(t, t.TempDir(), "127.0.0.1:0")
	topic := newTopic()
	admin := createTopic1(t, []string{address}, topic, nil)
	s := newSpool(t, t.TempDir(), []string{address}, topic, SpoolOptions{})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	require.NoError(t, admin.DeleteTopic(topic))
	p, err := s.queue.connection(t.Context())
	require.NoError(t, err)
	go func() { _ = p.client.RefreshMetadata() }() // as every 30 s
	time.Sleep(2 * time.Second)
	spooled(t, s, "k", "[1]")
	time.Sleep(45 * time.Second)
	assert.Zero(t, s.EventStats().Waiting, "45 s later: %+v", s.EventStats())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	closed := make(chan error, 1)
	go func() { closed <- s.Close(ctx) }()
	select {
	case <-closed:
		assert.Less(t, time.Since(begun), 10*time.Second)
	case <-time.After(20 * time.Second):
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for g := range strings.SplitSeq(string(buf), "\n\n") {
			if strings.Contains(g, "sender") {
				t.Log(g)
			}
		}
		t.Error("Close takes more than 20 s instead of one")
	}
}
