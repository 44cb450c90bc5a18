package mq

import (
	"context"
	"slices"
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
	require.Eventually(t, func() bool { // as by the refresh every 30 s
		_ = p.client.RefreshMetadata()
		known, _ := p.client.Topics()
		return !slices.Contains(known, topic)
	}, time.Minute, 10*time.Millisecond)
	spooled(t, s, "k", "[1]")
	require.Eventually(t, func() bool { return s.EventStats().Waiting == 0 }, time.Minute, 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	assert.NoError(t, s.Close(ctx))
	assert.Less(t, time.Since(begun), 10*time.Second)
}
