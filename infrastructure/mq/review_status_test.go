package mq

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/wal"
)

// What waits can be told also where the oldest event can't be read.
func TestReviewStatusWithAnEventOfALaterVersion(t *testing.T) {
	dir := t.TempDir()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	_, err = log.Append([]byte("\x63 an event of version 99, of which nothing is known"))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	status, err := InspectSpool(dir)
	require.NoError(t, err, "spool status fails, and tells nothing")
	assert.EqualValues(t, 1, status.Events)
}
