package mq_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// Records are marked as read after they were handled: those that failed come again.
func TestSubscribeReadsAgainWhatFailed(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: time.Hour}))
		for i := range 5 {
			_, err := q.SendEvent(strconv.Itoa(i), []byte("[]"))
			require.NoError(t, err)
		}
		s := mq.Subscription{Group: topic, Topic: topic, MaxAge: time.Hour, Log: slog.New(slog.DiscardHandler)}
		subscribe := func(handle func(records []*mq.Record) error) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			return mq.Subscribe(ctx, mq.Kafka{Brokers: brokers}, s, func(_ context.Context, records []*mq.Record) error { return handle(records) })
		}
		failure := errors.New("failure")
		require.ErrorIs(t, subscribe(func([]*mq.Record) error { return failure }), failure)
		var keys []string
		require.ErrorIs(t, subscribe(func(records []*mq.Record) error {
			for _, r := range records {
				keys = append(keys, r.Key)
			}
			if len(keys) >= 5 {
				_, err := q.SendEvent("last", []byte("[]"))
				assert.NoError(t, err)
			}
			if keys[len(keys)-1] == "last" {
				return failure
			}
			return nil
		}), failure)
		assert.Equal(t, []string{"0", "1", "2", "3", "4", "last"}, keys)
		require.ErrorIs(t, subscribe(func(records []*mq.Record) error {
			assert.Equal(t, "last", records[0].Key, "the others are marked")
			return failure
		}), failure)

		ctx, stop := context.WithCancel(t.Context())
		var once sync.Once
		s.Joined = func(partitions []int32) { once.Do(stop); assert.Equal(t, []int32{0}, partitions) }
		assert.NoError(t, mq.Subscribe(ctx, mq.Kafka{Brokers: brokers}, s, func(context.Context, []*mq.Record) error { return nil }))
	})
}

func TestSenderThatIsClosed(t *testing.T) {
	brokers := []string{mqtest.Shared(t)}
	topic := mqtest.NewTopic()
	require.NoError(t, mq.CreateTopics(mq.Kafka{Brokers: brokers}, mq.TopicConfig{Partitions: 1, Replication: 1, Retention: time.Hour, MaxBytes: 1 << 20}, slog.New(slog.DiscardHandler), topic))
	s, err := mq.OpenSender(mq.Kafka{Brokers: brokers}, topic)
	require.NoError(t, err)
	var reports sync.WaitGroup
	var senders sync.WaitGroup
	for i := range 50 {
		senders.Go(func() {
			reports.Add(1)
			if s.Send(t.Context(), &mq.Record{Key: strconv.Itoa(i), Value: []byte("x"), Time: time.Now()}, func(error) { reports.Done() }) != nil {
				reports.Done()
			}
		})
	}
	s.Close()
	senders.Wait()
	reports.Wait() // each record that was taken is reported once
	s.Close()
	assert.Error(t, s.Send(t.Context(), &mq.Record{Key: "late"}, func(error) { t.Error("it is reported") }))
	_, err = mq.OpenSender(mq.Kafka{Brokers: []string{mqtest.Nowhere(t)}}, topic)
	assert.ErrorContains(t, err, "connect to Kafka")
}
