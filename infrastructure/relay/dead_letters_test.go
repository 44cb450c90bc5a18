package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/relay"
)

var searches = model.Shard{Group: "trends", Stream: "lr-book-searches", Number: 2}

// reject makes dead letters of records with these keys. Their offsets count from 10.
func reject(t *testing.T, db *database.DB, keys ...string) {
	t.Helper()
	claim, err := db.Claim(t.Context(), searches)
	require.NoError(t, err)
	require.NoError(t, db.Advance(t.Context(), searches, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		for i, key := range keys {
			tx.Reject(&model.Record{
				Shard: searches, Position: int64(10 + i), Key: key, Value: []byte(key + "\x00"), Time: time.UnixMilli(1_790_000_000_123).UTC(),
				Headers: []model.Header{{Key: "own", Value: []byte("\xff")}, {Key: "dead_reason", Value: []byte("of an earlier death")}},
			}, errors.New("it is odd"))
		}
		return gateway.Step{Checkpoint: claim}, nil
	}))
}

// startDead runs a relay of dead letters.
func startDead(t *testing.T, letters gateway.DeadLetters, to relay.Producer, log *slog.Logger) (stop func()) {
	t.Helper()
	d := relay.NewDeadLetters(letters, to, searches.Group, searches.Stream, log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { d.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func relayed(t *testing.T, db *database.DB) func() bool {
	return func() bool {
		letters, err := db.UnrelayedDeadLetters(t.Context(), searches.Group, searches.Stream, 1)
		require.NoError(t, err)
		return len(letters) == 0
	}
}

func (k *topic) keys() (keys []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.records {
		keys = append(keys, r.Key)
	}
	return keys
}

func TestDeadLettersAreSent(t *testing.T) {
	db, k := newDB(t), &topic{}
	reject(t, db, "one", "two")
	stop := startDead(t, db, k, slog.New(slog.DiscardHandler))
	eventually(t, relayed(t, db))
	require.Equal(t, []string{"one", "two"}, k.keys())
	header := func(key, value string) mq.Header { return mq.Header{Key: key, Value: []byte(value)} }
	assert.Equal(t, &mq.Record{
		Key: "two", Value: []byte("two\x00"), Time: time.UnixMilli(1_790_000_000_123).UTC(),
		Headers: []mq.Header{
			header("own", "\xff"), header("dead_reason", "it is odd"), header("dead_topic", "lr-book-searches"),
			header("dead_partition", "2"), header("dead_offset", "11"), header("dead_group", "trends"),
		},
	}, k.records[1])
	stop()
	startDead(t, db, k, slog.New(slog.DiscardHandler))
	reject(t, db, "three")
	eventually(t, relayed(t, db))
	assert.Equal(t, []string{"one", "two", "three"}, k.keys(), "none is sent again")
	letters, err := db.DeadLetters(t.Context(), 0, 10)
	require.NoError(t, err)
	assert.Len(t, letters, 3, "they can still be put back")
}

func TestFailedDeadLettersAreSentLater(t *testing.T) {
	db, k, log := newDB(t), &topic{}, &testbed.Output{}
	var attempts atomic.Int32
	k.deliver = func([]*mq.Record) (int, error) { // the first attempts take nothing, later ones a single record
		if attempts.Add(1) < 3 {
			return 0, errors.New("broken line")
		}
		return 1, errors.New("broken line")
	}
	reject(t, db, "one", "two", "three")
	startDead(t, db, k, slog.New(slog.NewTextHandler(log, nil)))
	eventually(t, func() bool { return len(k.keys()) == 2 })
	k.set(func() { k.deliver = nil })
	eventually(t, relayed(t, db))
	assert.Equal(t, []string{"one", "two", "three"}, k.keys())
	eventually(t, func() bool { return strings.Contains(log.String(), "dead letters are sent to their topic again") })
	assert.Equal(t, 1, strings.Count(log.String(), "dead letters can't be sent to their topic; retrying"), "a series is logged once")
}

// forgetful is a database on which a process dies before it has noted what it sent.
type forgetful struct {
	*database.DB
	failures atomic.Int32
}

func (f *forgetful) MarkRelayed(ctx context.Context, ids []int64) error {
	if f.failures.Add(-1) >= 0 {
		return errors.New("killed")
	}
	return f.DB.MarkRelayed(ctx, ids)
}

func TestKilledBeforeTheNote(t *testing.T) {
	db, k := newDB(t), &topic{}
	reject(t, db, "one")
	killed := &forgetful{DB: db}
	killed.failures.Store(1)
	startDead(t, killed, k, slog.New(slog.DiscardHandler))
	eventually(t, relayed(t, db))
	assert.Equal(t, []string{"one", "one"}, k.keys())
}

// A stop notes what Kafka has taken, so that the next start doesn't send it again.
func TestAStopNotesWhatWasSent(t *testing.T) {
	db, k := newDB(t), &topic{}
	reject(t, db, "one", "two")
	ctx, cancel := context.WithCancel(t.Context())
	k.deliver = func([]*mq.Record) (int, error) { cancel(); return 1, ctx.Err() }
	relay.NewDeadLetters(db, k, searches.Group, searches.Stream, slog.New(slog.DiscardHandler)).Run(ctx)
	letters, err := db.UnrelayedDeadLetters(t.Context(), searches.Group, searches.Stream, 10)
	require.NoError(t, err)
	require.Len(t, letters, 1)
	assert.Equal(t, "two", letters[0].Record.Key)
}

// strict rejects records with one key.
type strict struct {
	*topic
	key string
}

func (s strict) Deliver(ctx context.Context, records []*mq.Record, partitions int32, report func(*mq.Record, error)) ([]*mq.Record, error) {
	fine := slices.DeleteFunc(slices.Clone(records), func(r *mq.Record) bool {
		if r.Key == s.key {
			report(r, errors.New("too large"))
		}
		return r.Key == s.key
	})
	return s.topic.Deliver(ctx, fine, partitions, report)
}

func TestARejectedDeadLetterHoldsNothingUp(t *testing.T) {
	db, k, log := newDB(t), &topic{}, &testbed.Output{}
	reject(t, db, "one", "large", "two")
	startDead(t, db, strict{k, "large"}, slog.New(slog.NewTextHandler(log, nil)))
	eventually(t, relayed(t, db))
	assert.Equal(t, []string{"one", "two"}, k.keys())
	assert.Regexp(t, `Kafka rejects a dead letter; it is in the database only.* id=2 bytes=6 error="too large"`, log.String())
	letters, err := db.DeadLetters(t.Context(), 0, 10)
	require.NoError(t, err)
	assert.Len(t, letters, 3, "it isn't lost")
}
