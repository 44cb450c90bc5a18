package mq

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/wal"
)

// The consumers' windows are 65,536 sequences wide: nothing further above the
// oldest event that isn't settled may be sent.
func TestSequencesFarApartShareABatch(t *testing.T) {
	dir := t.TempDir()
	s := newSpool(t, dir, []string{"127.0.0.1:1"}, newTopic(), SpoolOptions{MaxBytes: MinSpoolBytes})
	large := make([]byte, 9<<20)
	for ok := true; ok; {
		ok, _ = s.SendEvent("k", large)
	}
	spooled(t, s, "k", "[0]") // a small one has still space
	for range 70_000 {
		ok, _ := s.SendEvent("k", large)
		require.False(t, ok)
	}
	spooled(t, s, "k", "[1]")
	closeSpool(t, s)
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	defer log.Close()
	reading := &Spool{log: log, flush: make(chan struct{})}
	reading.draining, reading.stopDrain = context.WithCancelCause(t.Context())
	r := &batchReader{spool: reading, reader: log.NewReader()}
	for log.Stats().Waiting > 0 {
		b, err := r.next()
		require.NoError(t, err)
		first, last := b.events[0], b.events[len(b.events)-1]
		assert.LessOrEqual(t, last.sequence-first.sequence, uint64(65_536), "sent while the first isn't settled")
		require.NoError(t, log.Release(b.last))
	}
}
