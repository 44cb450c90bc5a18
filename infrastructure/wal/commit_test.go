package wal

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bubble runs a test of a log on a disk in memory, whose syncs take so long by a
// clock that moves only while everybody waits.
func bubble(t *testing.T, syncs time.Duration, test func(t *testing.T, d *memoryDisk, l *Log)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.delay = syncs
		l, err := Open("", Options{Segment: 128 << 10, files: d})
		require.NoError(t, err)
		synctest.Wait() // the first spare is made
		test(t, d, l)
		require.NoError(t, l.Close())
	})
}

// write has so many writers append, each one record after the other, and each a
// little later than the one before.
func write(t *testing.T, l *Log, writers, each int) {
	t.Helper()
	const apart = 10 * time.Microsecond
	var working sync.WaitGroup
	for writer := range writers {
		working.Go(func() {
			for n := range each {
				time.Sleep(time.Duration(writer) * apart)
				_, err := l.Append(data(uint64(n), 10))
				assert.NoError(t, err)
			}
		})
	}
	working.Wait()
}

// Few writers wait for each other, so that one sync does for all of them.
func TestFewWritersShareSyncs(t *testing.T) {
	const writers, each = 8, 100
	bubble(t, 100*time.Microsecond, func(t *testing.T, d *memoryDisk, l *Log) {
		before := d.syncsSoFar()
		write(t, l, writers, each)
		assert.LessOrEqual(t, d.syncsSoFar()-before, each+each/10, "syncs for %d records", writers*each)
	})
}

// A writer that is alone waits for the others once after they have gone.
func TestWriterWaitsOnceForThoseWhoHaveGone(t *testing.T) {
	const sync, alone = 100 * time.Microsecond, 20
	bubble(t, sync, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10)
		begun := time.Now()
		write(t, l, 1, alone)
		assert.LessOrEqual(t, time.Since(begun), alone*sync+siblingPause)
	})
}
