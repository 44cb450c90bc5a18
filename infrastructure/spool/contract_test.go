package spool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestMain(m *testing.M) { mqtest.Main(m) }

func TestSpoolIsAHelper(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, brokers []string, topic string) (mq.Helper, func()) {
		s := newSpool(t, t.TempDir(), brokers, topic, Options{})
		return s, func() { closeSpool(t, s) }
	}
	mqtest.RunHelper(t, open, mqtest.HelperFeatures{Durable: true})
}

// newSpool opens a spool in front of producers, and closes them after the test.
func newSpool(t *testing.T, dir string, brokers []string, topic string, options Options, opts ...mq.Option) *Spool {
	t.Helper()
	events := newProducer(t, brokers, topic, append(opts, logOf(options))...)
	s := spoolFor(t, dir, events, newProducer(t, brokers, mq.DeadLetterTopic(topic), append(opts, logOf(options), mq.OnDemand())...), topic, options)
	events.Connect()
	return s
}

// spoolFor opens a spool of the instance "test" in front of brokers.
func spoolFor(t *testing.T, dir string, events, dead Broker, topic string, options Options) *Spool {
	t.Helper()
	options.Topic, options.DeadTopic, options.Instance = topic, mq.DeadLetterTopic(topic), "test"
	s, err := Open(dir, events, dead, options)
	require.NoError(t, err)
	t.Cleanup(func() { closeSpool(t, s) })
	return s
}

func newProducer(t *testing.T, brokers []string, topic string, opts ...mq.Option) *mq.Producer {
	t.Helper()
	p, err := mq.NewProducer(brokers, topic, opts...)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func logOf(options Options) mq.Option { return mq.WithLogger(options.withDefaults().Log) }

// closeSpool doesn't wait for Kafka.
func closeSpool(t *testing.T, s *Spool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.NoError(t, s.Close(ctx))
}

func spooled(t *testing.T, s *Spool, key, value string) {
	t.Helper()
	ok, err := s.SendEvent(key, []byte(value))
	require.NoError(t, err)
	require.True(t, ok)
}

// settledStats waits until the spool is empty.
func settledStats(t *testing.T, s *Spool) model.EventStats {
	t.Helper()
	require.Eventually(t, func() bool { return s.EventStats().Waiting == 0 }, 30*time.Second, time.Millisecond)
	return s.EventStats()
}

// unreachable is a broker that never answers.
type unreachable struct{}

func (unreachable) Partitions(ctx context.Context) (int32, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

func (unreachable) Deliver(context.Context, []*mq.Record, int32, func(*mq.Record, error)) ([]*mq.Record, error) {
	return nil, errors.New("delivered without a partition count")
}

func (unreachable) State() mq.State { return mq.Unreachable }
