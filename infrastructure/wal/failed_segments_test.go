package wal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// When a disk has failed for a while and works again, the log takes records
// again, also if nothing waits in it.
func TestFailedSegmentsFillTheLogForGood(t *testing.T) {
	d := newDisk()
	l, err := Open("", Options{Segment: small, Max: 10 * small, files: d})
	require.NoError(t, err)
	defer l.Close()
	appendSome(t, l, 1, 1, 100)
	readSome(t, l.NewReader(), 1)
	require.NoError(t, l.Release(1))
	d.mu.Lock()
	d.failWrite = func(name string) error { // as a compressing or copy-on-write file system without space: zeros go in, records don't
		if strings.HasSuffix(name, segmentName) {
			return errNoSpace
		}
		return nil
	}
	d.mu.Unlock()
	for range 20 {
		_, err := l.Append(data(2, 100))
		require.Error(t, err)
	}
	d.mu.Lock()
	d.failWrite = nil
	d.mu.Unlock()
	assert.Zero(t, l.Stats().Waiting)
	for range 5 {
		_, err = l.Append(data(2, 100))
	}
	assert.NoError(t, err, "nothing waits, the disk works, and no record is ever taken again")
}
