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

// testSync is the duration of a sync on the disk of a bubble.
const testSync = 100 * time.Microsecond

// bubble runs a test on a log whose disk is in memory. Its clock advances only
// while all goroutines wait.
func bubble(t *testing.T, options Options, test func(t *testing.T, d *memoryDisk, l *Log)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.delay = testSync
		options.Segment, options.files = 128<<10, d
		l, err := Open("", options)
		require.NoError(t, err)
		time.Sleep(10 * testSync) // housekeep makes a spare
		synctest.Wait()
		test(t, d, l)
		require.NoError(t, l.Close())
	})
}

// write starts writers that each append records one after the other; writer n
// pauses n times apart before each record. It returns the total duration of all
// appends.
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

// Few writers wait for each other, so one sync covers all of them. The wait ends
// as soon as the last one has arrived.
func TestFewWritersShareSyncs(t *testing.T) {
	const writers, each, apart = 8, 100, 10 * time.Microsecond
	bubble(t, Options{}, func(t *testing.T, d *memoryDisk, l *Log) {
		before, begun := d.syncsSoFar(), time.Now()
		write(t, l, writers, each, apart)
		assert.LessOrEqual(t, d.syncsSoFar()-before, each+each/10, "syncs for %d records", writers*each)
		assert.LessOrEqual(t, time.Since(begun), each*(testSync+writers*apart)*11/10)
	})
}

// A wake-up without pending records, from a writer whose record the group before
// took, doesn't change the expected number of writers.
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

// The log stores its position after noteEvery on its own.
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

// Without syncs to share, nobody waits.
func TestUnsyncedWritersDoNotWait(t *testing.T) {
	bubble(t, Options{Unsynced: true}, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10, 0)
		assert.Zero(t, write(t, l, 8, 10, 10*time.Microsecond))
	})
}

// A lone writer rarely waits for writers that have gone.
func TestLoneWriterRarelyWaits(t *testing.T) {
	const alone = 20
	bubble(t, Options{}, func(t *testing.T, _ *memoryDisk, l *Log) {
		write(t, l, 8, 10, 10*time.Microsecond)
		assert.LessOrEqual(t, write(t, l, 1, alone, 0), alone*testSync+2*siblingPause)
	})
}

// Writers that start together only now and then are no siblings: the second one
// rarely waits for a third.
func TestPairsRarelyWaitForMore(t *testing.T) {
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

// Close writes records whose group still waits for siblings.
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
