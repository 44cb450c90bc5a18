package mq_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestMain(m *testing.M) { mqtest.Main(m) }

func newQueue(t *testing.T, brokers []string, topic string, opts ...mq.Option) *mq.KafkaQueue {
	t.Helper()
	q, err := mq.NewKafkaQueue(brokers, topic, append([]mq.Option{mq.WithInstance("test")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = q.Close() }) // tests that care close it themselves
	return q
}

func newProducer(t *testing.T, brokers []string, topic string, opts ...mq.Option) *mq.Producer {
	t.Helper()
	p, err := mq.NewProducer(brokers, topic, opts...)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func logTo(w interface{ Write([]byte) (int, error) }) mq.Option {
	return mq.WithLogger(slog.New(slog.NewTextHandler(w, nil)))
}

func TestKafkaQueueIsAHelper(t *testing.T) {
	open := func(t *testing.T, brokers []string, topic string) (mq.Helper, func()) {
		q := newQueue(t, brokers, topic)
		return q, func() { assert.NoError(t, q.Close()) }
	}
	mqtest.RunHelper(t, open, mqtest.HelperFeatures{})
}

func TestProducerIsABroker(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		open := func(t *testing.T, topic string, partitions int) mqtest.Broker {
			return newProducer(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: partitions, Retention: 10 * 365 * 24 * time.Hour}))
		}
		mqtest.Run(t, mqtest.Subject{
			Open: open,
			Read: func(t *testing.T, topic string, n int) []*mq.Record { return mqtest.Read(t, brokers, topic, n) },
			Interruptible: func(t *testing.T, topic string) (mqtest.Broker, func() func(), func(int) []*mq.Record) {
				line, address := mqtest.BehindLine(t)
				brokers := []string{address}
				p := newProducer(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: time.Hour}),
					mq.WithTimeouts(100*time.Millisecond, 300*time.Millisecond))
				return p, line.Hold, func(n int) []*mq.Record { return mqtest.Read(t, brokers, topic, n) }
			},
			Unreachable: func(t *testing.T) mqtest.Broker { return newProducer(t, []string{"127.0.0.1:1"}, "x") },
		}, mqtest.Features{
			TooLarge:      mq.MaxRecordBytes,
			RefusesFuture: t.Name() == "TestProducerIsABroker/Kafka", // kfake takes any time
		})
	})
}
