package mq

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		ahead := &Record{Time: now.Add(5 * time.Hour)}
		later := &Record{Time: now.Add(6 * time.Hour)}
		var ts timestamps
		assert.Equal(t, ahead.Time, ts.of(ahead))
		assert.True(t, ts.refuse(ahead, ahead.Time))
		for _, back := range []time.Duration{1, 2, 4} {
			sent := ts.of(ahead)
			assert.Equal(t, ahead.Time.Add(-back*time.Hour), sent)
			assert.False(t, ts.isSafe(ahead))
			assert.True(t, ts.refuse(ahead, sent))
		}
		taken := ts.of(ahead)
		assert.Equal(t, ahead.Time.Add(-8*time.Hour), taken)
		ts.took(ahead, taken)
		assert.Equal(t, taken, ts.of(later))
		assert.True(t, ts.isSafe(later))
		assert.Equal(t, now, ts.of(&Record{Time: now}), "an event that isn't ahead keeps its time")

		time.Sleep(refusedFor)
		assert.Equal(t, later.Time, ts.of(later), "somebody may have set the clock")
		assert.True(t, ts.refuse(later, later.Time))
		assert.Equal(t, taken, ts.of(later))

		ts.doubt(later, taken)
		assert.Equal(t, later.Time.Add(-time.Hour), ts.of(later), "Kafka's rules have changed")
		tries := 0
		for ts.refuse(later, ts.of(later)) {
			assert.False(t, ts.of(later).Before(time.Unix(0, 0)))
			tries++
		}
		assert.Less(t, tries, 20, "it ends")
		assert.Equal(t, later.Time, ts.of(later), "the next one begins anew")
	})
}

// A record that waited for too long goes with the present.
func TestTimestampsOfOldRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := func(ago time.Duration) *Record { return &Record{Time: time.Now().Add(-ago)} }
		deliver := func(ts *timestamps, r *Record) (sent time.Time, tries int) {
			for tries = 1; ; tries++ {
				if sent = ts.of(r); time.Since(sent) < time.Hour {
					ts.took(r, sent)
					return sent, tries
				}
				require.True(t, ts.refuse(r, sent))
			}
		}
		var ts timestamps
		sent, tries := deliver(&ts, old(3*time.Hour))
		assert.Equal(t, time.Now(), sent)
		assert.Less(t, tries, 25)
		older, newer, fresh := old(4*time.Hour), old(2*time.Hour), old(0)
		assert.True(t, ts.isSafe(older))
		sent, tries = deliver(&ts, newer)
		assert.Equal(t, time.Now(), sent)
		assert.Equal(t, 2, tries)
		sent, tries = deliver(&ts, fresh)
		assert.Equal(t, fresh.Time, sent)
		assert.Equal(t, 1, tries)
		time.Sleep(2 * time.Hour)
		sent, _ = deliver(&ts, newer)
		assert.Equal(t, time.Now(), sent)
	})
}

// After the present has helped old records, the clock may be ahead: a record goes alone until
// an earlier time passes.
func TestTimestampsAheadAfterOldRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts timestamps
		old := &Record{Time: time.Now().Add(-3 * time.Hour)}
		for sent := ts.of(old); ; sent = ts.of(old) {
			if sent.Equal(time.Now()) {
				ts.took(old, sent)
				break
			}
			require.True(t, ts.refuse(old, sent))
		}
		ahead := &Record{Time: time.Now().Add(5 * time.Hour)}
		require.True(t, ts.refuse(ahead, ahead.Time))
		assert.True(t, ts.isSafe(ahead), "the last timestamp that Kafka took")
		require.True(t, ts.refuse(ahead, ts.of(ahead)))
		assert.False(t, ts.isSafe(ahead))
		assert.Equal(t, ahead.Time.Add(-time.Hour), ts.of(ahead))
	})
}
