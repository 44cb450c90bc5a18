package mq

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
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
		ts.took(taken)
		assert.Equal(t, taken, ts.of(later))
		assert.True(t, ts.isSafe(later))
		assert.Equal(t, now, ts.of(&Record{Time: now}), "an event that isn't ahead keeps its time")

		time.Sleep(refusedFor)
		assert.Equal(t, later.Time, ts.of(later), "somebody may have set the clock")
		assert.True(t, ts.refuse(later, later.Time))
		assert.Equal(t, taken, ts.of(later))

		ts.doubt(taken)
		assert.Equal(t, later.Time.Add(-time.Hour), ts.of(later), "Kafka's rules have changed")
		tries := 0
		for ts.refuse(later, ts.of(later)) {
			tries++
		}
		assert.Less(t, tries, 20, "it ends")
	})
}
