package mq

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/wal"
)

// An event of a version that this program doesn't know, and dead letters that
// can't be written for the moment.
func TestEventThatCannotBeSetAsideWaits(t *testing.T) {
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
	var said syncBuffer
	s := newSpool(t, dir, []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, topic, SpoolOptions{}, WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "finds no place among the dead letters") }, time.Minute, time.Millisecond)
	assert.EqualValues(t, 3, s.EventStats().Waiting, "nothing is released before it has a place")
	require.NoError(t, os.Remove(filepath.Join(dir, deadLettersName)))
	stats := settledStats(t, s)
	assert.EqualValues(t, 1, stats.DeadLettered)
	assert.EqualValues(t, 2, stats.Delivered)
}
