package wal

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testSync is how long the disk of a bubble takes for a sync.
const testSync = 100 * time.Microsecond

// bubble runs a test of a log on a disk in memory, with a clock that moves only
// while everybody waits.
func bubble(t *testing.T, options Options, test func(t *testing.T, d *memoryDisk, l *Log)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.delay = testSync
		options.Segment, options.files = 128<<10, d
		l, err := Open("", options)
		require.NoError(t, err)
		time.Sleep(10 * testSync) // a spare is made
		synctest.Wait()
		test(t, d, l)
		require.NoError(t, l.Close())
	})
}

// write has so many writers append, each one record after the other, and the nth
// n times apart after its last. It returns what the appends took together.
func write(t *testing.T, l *Log, writers, each int, apart time.Duration) (took time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var working sync.WaitGroup
	for writer := range writers {
		working.Go(func() {
			for n := range each {
				time.Sleep(time.Duration(writer+1) * apart)
				begun := time.Now()
				_, err := l.Append(data(uint64(n), 10))
				assert.NoError(t, err)
				mu.Lock()
				took += time.Since(begun)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return took
}

// Few writers wait for each other, so that one sync does for all of them, and no
// longer than until the last has come.
func TestFewWritersShareSyncs(t *testing.T) {
	const writers, each, apart = 8, 100, 10 * time.Microsecond
	bubble(t, Options{}, func(t *testing.T, d *memoryDisk, l *Log) {
		before, begun := d.syncsSoFar(), time.Now()
		write(t, l, writers, each, apart)
		assert.LessOrEqual(t, d.syncsSoFar()-before, each+each/10, "syncs for %d records", writers*each)
		assert.LessOrEqual(t, time.Since(begun), each*(testSync+writers*apart)*11/10)
	})
}

// Being woken for nothing, as by a writer whose record went with the group
// before, doesn't let it forget how many are around.
func TestWokenForNothing(t *testing.T) {
	const writers, each, apart = 8, 100, 10 * time.Microsecond
	bubble(t, Options{}, func(t *testing.T, d *memoryDisk, l *Log) {
		ctx, cancel := context.WithCancel(t.Context())
		var waking sync.WaitGroup
		waking.Go(func() {
			for ctx.Err() == nil {
				notify(l.wake)
				time.Sleep(apart / 2)
			}
		})
		before := d.syncsSoFar()
		write(t, l, writers, each, apart)
		assert.LessOrEqual(t, d.syncsSoFar()-before, each+each/10, "syncs for %d records", writers*each)
		cancel()
		waking.Wait()
	})
}

// How far the log has come is noted soon, without anybody asking.
func TestPositionIsNoted(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, d *memoryDisk, l *Log) {
		noted := func() uint64 {
			again := &Log{files: d}
			require.NoError(t, again.openPosition())
			return again.position.synced
		}
		d.failWrites(onlyPosition)
		write(t, l, 1, 10, 0)
		time.Sleep(noteEvery)
		synctest.Wait()
		assert.Zero(t, noted())
		d.failWrites(nil)
		time.Sleep(noteEvery)
		synctest.Wait()
		assert.EqualValues(t, 10, noted())
	})
}

// Where no sync is shared nobody waits.
func TestUnsyncedWritersDoNotWait(t *testing.T) {
	bubble(t, Options{Unsynced: true}, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10, 0)
		assert.Zero(t, write(t, l, 8, 10, 10*time.Microsecond))
	})
}

// A writer that is alone hardly waits for others that have gone.
func TestWriterHardlyWaitsForThoseWhoHaveGone(t *testing.T) {
	const alone = 20
	bubble(t, Options{}, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10, 10*time.Microsecond)
		assert.LessOrEqual(t, write(t, l, 1, alone, 0), alone*testSync+2*siblingPause)
	})
}

// Writers that come together at times and not again at once are no siblings:
// the second hardly ever waits for a third.
func TestPairsHardlyWaitForMore(t *testing.T) {
	const pairs, apart = 1000, testSync / 2
	bubble(t, Options{}, func(t *testing.T, _ *memoryDisk, l *Log) {
		var took time.Duration
		for range pairs {
			took += write(t, l, 2, 1, apart)
			time.Sleep(time.Millisecond)
		}
		const first, second = testSync, apart + testSync
		assert.LessOrEqual(t, took, pairs*(first+second)+(2*pairs/mostSkipped+10)*siblingPause)
	})
}

// What waits for siblings is written when the log is closed.
func TestCloseWhileSiblingsAreAwaited(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10, 10*time.Microsecond)
		pending, err := l.Start(data(1, 10))
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, l.Close())
		_, err = pending.Wait()
		assert.NoError(t, err)
	})
}
