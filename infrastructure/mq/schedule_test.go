package mq_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// TestPromise3RandomSchedules drives drainer and window together: a shop sends events with copies, in the
// order that the drainer keeps, and owners come and go, fail at any moment, and go back to any
// position. Each event must be handled exactly once.
func TestPromise3RandomSchedules(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) { randomSchedule(t, seed) }) // its pauses take no time
	}
}

func randomSchedule(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 9))
	log, keys := randomLog(random)
	l := newLedger()
	broken := errors.New("broken")
	l.fail = func(bool) error {
		if random.IntN(4) == 0 {
			return &model.Error{Code: model.UnavailableNow, Cause: broken}
		}
		return nil
	}
	for next := int64(0); next < int64(len(log)); {
		shard := mq.ClaimShard(t.Context(), noting, l)
		if random.IntN(3) == 0 { // rewinding is always safe
			shard.GoTo(random.Int64N(next + 1))
		}
		for range 1 + random.IntN(5) {
			if next = shard.Next(); next == int64(len(log)) {
				break
			}
			end := min(next+1+random.Int64N(50), int64(len(log)))
			ctx, cancel := context.WithCancel(t.Context())
			if random.IntN(5) == 0 {
				cancel() // the session ends, so a failure ends the claim
			}
			err := shard.Handle(ctx, log[next:end])
			cancel()
			if err != nil {
				break
			}
		}
		next = l.row(0).Next
	}
	want := map[string]int{}
	for _, key := range keys {
		want[key] = 1
	}
	require.Equal(t, want, l.handled, "seed %d", seed)
	assert.Equal(t, int64(len(keys)), l.row(0).Handled, "seed %d", seed)
}

// randomLog returns the records of a partition, with some of them more than once, and their
// keys. A record that failed alone may be overtaken, by less than the window is wide. Records of
// another program come once.
func randomLog(random *rand.Rand) (log []*mq.Record, keys []string) {
	at := time.UnixMilli(1_700_000_000_000)
	add := func(r mq.Record) {
		r.Offset, r.Time = int64(len(log)), at
		at = at.Add(time.Millisecond)
		log = append(log, &r)
	}
	for start := range 3 {
		source := fmt.Sprint("/shop/", start)
		var sent []mq.Record
		sequence := uint64(0)
		for range 300 {
			switch {
			case len(sent) > 0 && random.IntN(3) == 0:
				add(sent[random.IntN(len(sent))]) // a copy
			case random.IntN(20) == 0:
				key := fmt.Sprint("foreign ", len(log))
				keys = append(keys, key)
				add(mq.Record{Key: key, Headers: []mq.Header{{Key: "ce_type", Value: []byte("test")}}})
			default:
				sequence += 1 + random.Uint64N(3) // the others are on other partitions
				key := fmt.Sprint(source, " ", sequence)
				keys = append(keys, key)
				r := mq.Record{Key: key, Headers: mq.AppendSource([]mq.Header{{Key: "ce_type", Value: []byte("test")}}, source, sequence)}
				sent = append(sent, r)
				add(r)
				if n := len(log); n > 1 && random.IntN(4) == 0 { // it overtakes the one before
					log[n-1], log[n-2] = log[n-2], log[n-1]
					log[n-1].Offset, log[n-2].Offset = int64(n-1), int64(n-2)
				}
			}
		}
	}
	return log, keys
}
