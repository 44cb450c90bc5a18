package mq

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/wal"
)

// An event of a version that this program doesn't know, and dead letters that
// can't be written for the moment.
func TestReviewEventThatCannotBeSetAsideIsLost(t *testing.T) {
	dir, topic := t.TempDir(), newTopic()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	for _, record := range [][]byte{
		append(appendHead(nil, "/s", "k", nil), "[0]"...), []byte("\x63 an event of version 99, of which nothing is known"), append(appendHead(nil, "/s", "k", nil), "[1]"...),
	} {
		_, err = log.Append(record)
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	require.NoError(t, os.Mkdir(filepath.Join(dir, deadLettersName), 0o700))
	s := newSpool(t, dir, []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, topic, SpoolOptions{})
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) && s.log.Stats().Waiting > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	stats := s.EventStats()
	assert.EqualValues(t, 1, stats.Waiting+stats.DeadLettered+stats.Lost, "the event is neither in the spool, nor among the dead letters, nor counted: %+v", stats)
}
