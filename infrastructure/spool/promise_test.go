package spool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/bench/control"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/wal"
)

// promise is a sentence that users rely on. kept returns an error if it is broken.
// The control replaces a part of the spool by one that lacks the mechanism; then
// kept must return an error.
type promise struct {
	sentence string
	control  parts
	kept     func(t *testing.T, p parts) error
}

// parts say which parts of the spool a test replaces; the zero value replaces none.
type parts struct {
	// helper replaces the spool as a whole.
	helper func(t *testing.T, dir string, brokers []string, topic string, options Options) mq.Helper
	// broker replaces the topic of events.
	broker func(p *mq.Producer, brokers []string, topic string) Broker
	// log replaces the bounds of the log.
	log func(bounds *wal.Options)
}

// TestPromises checks the promises of docs/promise.md that one process can show.
// The others are in e2e and wal.
func TestPromises(t *testing.T) {
	pastTheSpool := parts{helper: func(t *testing.T, _ string, brokers []string, topic string, _ Options) mq.Helper {
		q, err := mq.NewKafkaQueue(brokers, topic)
		require.NoError(t, err)
		return q
	}}
	for _, p := range []promise{
		{"2 first copies of a key keep their order", parts{broker: newOvertaking}, keepsOrder},
		{"2 a record keeps the partition count under which it was first tried", parts{broker: newHasty}, keepsPartitions},
		{"4 a record that Kafka will never take holds nothing up", parts{broker: newStubborn}, holdsNothingUp},
		{"5 Kafka frozen slows no search", pastTheSpool, isNotSlowed},
		{"5 at its bound the spool takes no more, and what is lost is counted", parts{log: func(b *wal.Options) { b.Max = 0 }}, keepsItsBound},
		{"5 a tenth of the disk is left free", parts{log: func(b *wal.Options) { b.Reserve = nil }}, leavesSpace},
		{"6 what can be flushed is flushed", parts{broker: newHopeless}, flushes},
		{"6 what is not flushed is in the spool", pastTheSpool, keepsTheRest},
	} {
		t.Run(p.sentence, func(t *testing.T) {
			t.Parallel()
			t.Run("kept", func(t *testing.T) { assert.NoError(t, p.kept(t, parts{})) })
			t.Run("control", func(t *testing.T) {
				assert.Error(t, p.kept(t, p.control), "the test does not notice that the mechanism is missing")
			})
		})
	}
}

func newOvertaking(p *mq.Producer, brokers []string, topic string) Broker {
	return &control.Overtaking{Broker: p, Brokers: brokers, Topic: topic}
}

// hasty is a Broker that uses added partitions at once.
type hasty struct{ *mq.Producer }

func newHasty(p *mq.Producer, _ []string, _ string) Broker { return hasty{p} }

func (h hasty) Deliver(ctx context.Context, events []*mq.Record, _ int32, report func(*mq.Record, error)) ([]*mq.Record, error) {
	present, err := h.Partitions(ctx)
	if err != nil {
		return events, err
	}
	return h.Producer.Deliver(ctx, events, present, report)
}

// stubborn is a Broker that retries rejected events instead of reporting them.
type stubborn struct{ *mq.Producer }

func newStubborn(p *mq.Producer, _ []string, _ string) Broker { return stubborn{p} }

func (s stubborn) Deliver(ctx context.Context, events []*mq.Record, partitions int32, report func(*mq.Record, error)) ([]*mq.Record, error) {
	var again []*mq.Record
	left, err := s.Producer.Deliver(ctx, events, partitions, func(event *mq.Record, rejection error) {
		if rejection != nil {
			again = append(again, event)
			return
		}
		report(event, nil)
	})
	return append(again, left...), err
}

// hopeless is a Broker that always calls itself unreachable.
type hopeless struct{ *mq.Producer }

func newHopeless(p *mq.Producer, _ []string, _ string) Broker { return hopeless{p} }

func (hopeless) State() mq.State { return mq.Unreachable }

// open opens the Helper. The spool is nil if another Helper replaces it.
func (p parts) open(t *testing.T, dir string, brokers []string, topic string, options Options, opts ...mq.Option) (mq.Helper, *Spool) {
	t.Helper()
	if p.helper != nil {
		return p.helper(t, dir, brokers, topic, options), nil
	}
	producer := newProducer(t, brokers, topic, opts...)
	var events Broker = producer
	if p.broker != nil {
		events = p.broker(producer, brokers, topic)
	}
	options.Topic, options.DeadTopic = topic, mq.DeadLetterTopic(topic)
	options = options.withDefaults()
	bounds := bounds(dir, options, newMetrics(""))
	if p.log != nil {
		p.log(&bounds)
	}
	log, err := wal.Open(dir, bounds)
	require.NoError(t, err)
	s, err := start(dir, log, newMetrics(""), events, newProducer(t, brokers, mq.DeadLetterTopic(topic)), options)
	require.NoError(t, err)
	t.Cleanup(func() { closeSpool(t, s) })
	return s, s
}

// emptied waits until nothing of the spool is left.
func emptied(t *testing.T, s *Spool, within time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return s.Empty(ctx)
}

func keepsOrder(t *testing.T, p parts) error {
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(2, topic))
	requests := 0
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(kmsg.Request) bool {
		requests++
		return requests < 30 && requests%3 == 0
	}})
	_, s := p.open(t, t.TempDir(), brokers, topic, Options{})
	const events = 2000
	for i := range events {
		spooled(t, s, "k", fmt.Sprint(i))
	}
	if err := emptied(t, s, time.Minute); err != nil {
		return err
	}
	first, _ := mqtest.FirstCopies(mqtest.All(t, brokers, topic, events))
	for i, r := range first {
		if string(r.Value) != fmt.Sprint(i) {
			return fmt.Errorf("%s came at place %d", r.Value, i)
		}
	}
	return nil
}

func keepsPartitions(t *testing.T, p parts) error {
	topic, dir := mqtest.NewTopic(), t.TempDir()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	// Events are tried and not acknowledged.
	failing := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownServerError, Count: -1})
	_, s := p.open(t, dir, brokers, topic, Options{})
	for i := range 20 {
		spooled(t, s, fmt.Sprint(i), "[]")
	}
	require.Eventually(t, s.away, time.Minute, time.Millisecond)
	closeSpool(t, s)
	require.NoError(t, mqtest.Admin(t, brokers).CreatePartitions(topic, 7, nil, false))
	failing.Remove()
	_, s = p.open(t, dir, brokers, topic, Options{})
	if err := emptied(t, s, time.Minute); err != nil {
		return err
	}
	for _, r := range mqtest.Read(t, brokers, topic, 20) {
		if r.Partition != 0 {
			return fmt.Errorf("%s went to partition %d", r.Key, r.Partition)
		}
	}
	return nil
}

func holdsNothingUp(t *testing.T, p parts) error {
	brokers, topic := []string{mqtest.Shared(t)}, mqtest.NewTopic()
	mqtest.CreateTopic(t, brokers, topic, map[string]string{"max.message.bytes": "10000"})
	_, s := p.open(t, t.TempDir(), brokers, topic, Options{})
	_, err := s.SendEvent("poison", make([]byte, 50_000))
	require.NoError(t, err)
	spooled(t, s, "after", "[]")
	if err := emptied(t, s, 15*time.Second); err != nil {
		return err
	}
	if n := s.EventStats().DeadLettered; n != 1 {
		return fmt.Errorf("%d dead letters", n)
	}
	mqtest.Read(t, brokers, mq.DeadLetterTopic(topic), 1)
	return nil
}

func isNotSlowed(t *testing.T, p parts) error {
	line, address := mqtest.BehindLine(t)
	topic := mqtest.NewTopic()
	h, _ := p.open(t, t.TempDir(), []string{address}, topic, Options{})
	_, err := h.SendEvent("before", []byte("[]"))
	require.NoError(t, err)
	mqtest.Read(t, []string{address}, topic, 1)
	release := line.Hold()
	defer release()
	answered := make(chan error, 1)
	go func() {
		_, err := h.SendEvent("frozen", []byte("[]"))
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-time.After(3 * time.Second):
		release()
		<-answered
		return errors.New("it waits for Kafka")
	}
}

func keepsItsBound(t *testing.T, p parts) error {
	_, s := p.open(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", Options{MaxBytes: MinBytes})
	value := make([]byte, 10<<20)
	for i := range MinBytes/len(value) + 1 {
		ok, err := s.SendEvent("k", value)
		if ok {
			continue
		}
		if i == 0 || !errors.Is(err, mq.ErrLost) || s.EventStats().Lost != 1 {
			return fmt.Errorf("event %d: %w, %+v", i, err, s.EventStats())
		}
		return nil
	}
	return errors.New("it takes more than its bound")
}

func flushes(t *testing.T, p parts) error {
	brokers, topic := []string{mqtest.Shared(t)}, mqtest.NewTopic()
	_, s := p.open(t, t.TempDir(), brokers, topic, Options{})
	spooled(t, s, "first", "[]")
	settledStats(t, s)
	const events = 2000
	for i := range events {
		spooled(t, s, fmt.Sprint(i), "["+strings.Repeat("1,", 500)+"1]")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.Close(ctx))
	if n := s.EventStats().Delivered; n != events+1 {
		return fmt.Errorf("%d of %d events were delivered", n, events+1)
	}
	return nil
}

func keepsTheRest(t *testing.T, p parts) error {
	address, topic, dir := mqtest.Nowhere(t), mqtest.NewTopic(), t.TempDir()
	h, s := p.open(t, dir, []string{address}, topic, Options{})
	for i := range 10 {
		_, _ = h.SendEvent("k", fmt.Append(nil, i))
	}
	if s != nil {
		closeSpool(t, s)
	}
	mqtest.Embedded(t, t.TempDir(), address)
	_, s = parts{}.open(t, dir, []string{address}, topic, Options{})
	spooled(t, s, "k", "after")
	if err := emptied(t, s, time.Minute); err != nil {
		return err
	}
	if n := s.EventStats().Delivered; n != 11 {
		return fmt.Errorf("%d of 11 events were delivered", n)
	}
	return nil
}
