package mqtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

// Broker repeats spool.Broker, because the tests of package spool import this
// package.
type Broker interface {
	Partitions(ctx context.Context) (int32, error)
	Deliver(ctx context.Context, events []*mq.Record, partitions int32, report func(event *mq.Record, rejection error)) (left []*mq.Record, err error)
	State() mq.State
}

// Subject is the kind of broker that Run tests.
type Subject struct {
	// Open returns a Broker for a topic, which is created with that number of
	// partitions if it is missing.
	Open func(t *testing.T, topic string, partitions int) Broker
	// Read returns the first n records of a topic, in order within each
	// partition.
	Read func(t *testing.T, topic string, n int) []*mq.Record
	// Unreachable returns a Broker that nobody answers.
	Unreachable func(t *testing.T) Broker
	// Interruptible returns a Broker for a topic with one partition. After
	// interrupt, nothing reaches the broker until restore is called.
	Interruptible func(t *testing.T, topic string) (b Broker, interrupt func() (restore func()), read func(n int) []*mq.Record)
}

// Features are what brokers do differently.
type Features struct {
	// TooLarge is the size of a value that the broker rejects, in bytes.
	TooLarge int
	// RefusesFuture: the broker refuses timestamps that are hours ahead.
	RefusesFuture bool
}

// Run is the contract of spool.Broker.
func Run(t *testing.T, subject Subject, features Features) {
	t.Run("delivers in order and reports each event once", func(t *testing.T) { deliversInOrder(t, subject) })
	t.Run("delivers records as they are", func(t *testing.T) { deliversRecords(t, subject) })
	t.Run("chooses the partition by key and count alone", func(t *testing.T) { choosesPartitions(t, subject) })
	t.Run("reports what it rejects, and delivers the rest", func(t *testing.T) { rejects(t, subject, features) })
	t.Run("sends refused times again", func(t *testing.T) { restamps(t, subject, features) })
	t.Run("keeps the order through an interruption", func(t *testing.T) { outlastsInterruption(t, subject) })
	t.Run("returns everything when the context ends", func(t *testing.T) { returnsWhenEnded(t, subject) })
}

// deliver sends events until the broker settles all of them, and returns the
// rejections.
func deliver(t *testing.T, b Broker, partitions int32, events []*mq.Record) (rejections map[string]error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reported, rejections := map[*mq.Record]bool{}, map[string]error{}
	for left, pause := events, 10*time.Millisecond; len(left) > 0; {
		var err error
		before := left
		left, err = b.Deliver(ctx, left, partitions, func(event *mq.Record, rejection error) {
			assert.False(t, reported[event], "%s is reported twice", event.Key)
			reported[event] = true
			if rejection != nil {
				rejections[event.Key] = rejection
			}
		})
		require.NoError(t, ctx.Err(), "last error: %v", err)
		next := 0 // of left
		for _, event := range before {
			if next < len(left) && event == left[next] {
				next++
				continue
			}
			assert.True(t, reported[event], "%s is neither reported nor returned in its order", event.Key)
		}
		require.Equal(t, len(left), next, "events are returned in their order")
		if err != nil {
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
		}
	}
	assert.Len(t, reported, len(events))
	return rejections
}

func deliversInOrder(t *testing.T, subject Subject) {
	const records, keys, partitions = 3000, 10, 3
	topic := NewTopic()
	b := subject.Open(t, topic, partitions)
	count, err := b.Partitions(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, partitions, count)
	var events []*mq.Record
	for i := range records {
		events = append(events, &mq.Record{Key: fmt.Sprint(i % keys), Value: fmt.Appendf(nil, "[%d]", i/keys), Time: time.Now()})
	}
	assert.Empty(t, deliver(t, b, partitions, events))
	assert.Equal(t, mq.Reachable, b.State())
	KeysInOrder(t, subject.Read(t, topic, records))
}

func deliversRecords(t *testing.T, subject Subject) {
	topic := NewTopic()
	b := subject.Open(t, topic, 1)
	sent := []*mq.Record{
		{Key: "Ёж 🍕", Value: []byte(`[{"id":1}]`), Time: time.Date(2026, 3, 1, 12, 30, 0, 123_000_000, time.UTC), Headers: []mq.Header{{Key: "ce_id", Value: []byte("1")}, {Key: "empty"}, {Key: "bytes", Value: []byte{0, 255}}}},
		{Key: "", Value: []byte{}, Time: time.Date(2026, 3, 1, 12, 30, 1, 0, time.UTC)},
	}
	assert.Empty(t, deliver(t, b, 1, sent))
	for i, got := range subject.Read(t, topic, len(sent)) {
		assert.Equal(t, sent[i].Key, got.Key)
		assert.Equal(t, string(sent[i].Value), string(got.Value))
		assert.True(t, sent[i].Time.Equal(got.Time), "%s", got.Time)
		require.Len(t, got.Headers, len(sent[i].Headers))
		for n, h := range sent[i].Headers {
			assert.Equal(t, h.Key, got.Headers[n].Key)
			assert.Equal(t, string(h.Value), string(got.Headers[n].Value))
		}
	}
}

func choosesPartitions(t *testing.T, subject Subject) {
	const keys = 30
	topic := NewTopic()
	b := subject.Open(t, topic, 3)
	for _, partitions := range []int32{1, 3} {
		var events []*mq.Record
		for i := range keys {
			events = append(events, &mq.Record{Key: fmt.Sprint(i), Value: fmt.Append(nil, partitions), Time: time.Now()})
		}
		assert.Empty(t, deliver(t, b, partitions, events))
	}
	used := map[int32]bool{}
	for _, r := range subject.Read(t, topic, 2*keys) {
		if string(r.Value) == "1" {
			assert.Zero(t, r.Partition, "key %s has one partition to go to", r.Key)
			continue
		}
		used[r.Partition] = true
	}
	assert.Len(t, used, 3)
}

func rejects(t *testing.T, subject Subject, features Features) {
	topic := NewTopic()
	b := subject.Open(t, topic, 1)
	event := func(key string, size int) *mq.Record {
		return &mq.Record{Key: key, Value: make([]byte, size), Time: time.Now()}
	}
	rejections := deliver(t, b, 1, []*mq.Record{event("first", 2), event("too large", features.TooLarge), event("second", 2)})
	assert.Contains(t, rejections, "too large")
	assert.Len(t, rejections, 1)
	var keys []string
	for _, r := range subject.Read(t, topic, 2) {
		keys = append(keys, r.Key)
	}
	assert.Equal(t, []string{"first", "second"}, keys)
}

// restamps: an event whose time the broker refuses goes with an earlier timestamp, and
// keeps its headers.
func restamps(t *testing.T, subject Subject, features Features) {
	event := func(key string, ahead time.Duration) *mq.Record {
		at := time.Now().Add(ahead).Truncate(time.Millisecond)
		return &mq.Record{Key: key, Value: []byte("[]"), Time: at, Headers: []mq.Header{{Key: "ce_time", Value: []byte(at.String())}}}
	}
	for name, events := range map[string][]*mq.Record{
		"a clock that is always ahead": {event("a", 20*time.Hour), event("b", 20*time.Hour+time.Second), event("c", 20*time.Hour+2*time.Second)},
		"a clock that was ahead":       {event("a", 0), event("b", 5*time.Hour), event("c", 0), event("d", 6*time.Hour), event("e", time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			topic := NewTopic()
			assert.Empty(t, deliver(t, subject.Open(t, topic, 1), 1, events))
			for i, r := range subject.Read(t, topic, len(events)) {
				assert.Equal(t, events[i].Key, r.Key)
				assert.Equal(t, string(events[i].Headers[0].Value), r.Header("ce_time"))
				if !features.RefusesFuture || time.Until(events[i].Time) < time.Minute {
					assert.True(t, events[i].Time.Equal(r.Time), "%s has the timestamp %s", r.Key, r.Time)
				} else {
					assert.Less(t, time.Until(r.Time), time.Hour+time.Minute, r.Key)
				}
			}
		})
	}
}

func returnsWhenEnded(t *testing.T, subject Subject) {
	b := subject.Unreachable(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Partitions(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	events := []*mq.Record{{Key: "k", Value: []byte("[]"), Time: time.Now()}}
	left, err := b.Deliver(ctx, events, 1, func(*mq.Record, error) { t.Error("an event is reported") })
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, events, left)
	assert.NotEqual(t, mq.Reachable, b.State())
}

func outlastsInterruption(t *testing.T, subject Subject) {
	topic := NewTopic()
	b, interrupt, read := subject.Interruptible(t, topic)
	events := func(from, to int) (events []*mq.Record) {
		for i := from; i < to; i++ {
			events = append(events, &mq.Record{
				Key: "k", Value: fmt.Appendf(nil, "[%d]", i), Time: time.Now(),
				Headers: []mq.Header{{Key: "ce_id", Value: fmt.Append(nil, i)}},
			})
		}
		return events
	}
	assert.Empty(t, deliver(t, b, 1, events(0, 10)))
	const all = 2500 // more than one batch
	restore := interrupt()
	defer restore()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		deliver(t, b, 1, events(10, all-1))
	}()
	require.Eventually(t, func() bool { return b.State() == mq.Unreachable }, time.Minute, time.Millisecond)
	restore()
	<-delivered
	assert.Empty(t, deliver(t, b, 1, events(all-1, all)))
	assert.Equal(t, mq.Reachable, b.State())
	first, copies := FirstCopies(read(all))
	for len(first) < all { // copies took the places of others
		first, copies = FirstCopies(read(all + copies))
	}
	KeysInOrder(t, first)
}
