package mq_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestTailGoesOnWhenTheTopicIsMadeAnew(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		admin := mqtest.Admin(t, brokers)
		detail := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}
		require.NoError(t, admin.CreateTopic(topic, detail, false))
		q := newQueue(t, brokers, topic)
		send := func(key string) {
			require.Eventually(t, func() bool {
				ok, _ := q.SendEvent(key, []byte("[]"))
				return ok
			}, time.Minute, 50*time.Millisecond)
		}
		for range 5 {
			send("before")
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		keys, ended := make(chan string), make(chan error, 1)
		go func() {
			ended <- mq.Tail(ctx, mq.Kafka{Brokers: brokers}, topic, mq.Start{Beginning: true}, nil, func(r *mq.Record) error {
				select {
				case keys <- r.Key:
				case <-ctx.Done():
				}
				return nil
			})
		}()
		for range 5 {
			select {
			case key := <-keys:
				require.Equal(t, "before", key)
			case err := <-ended:
				t.Fatal("the tail ended: ", err)
			case <-ctx.Done():
				t.Fatal("the first records did not come")
			}
		}
		require.NoError(t, admin.DeleteTopic(topic))
		require.Eventually(t, func() bool { return admin.CreateTopic(topic, detail, false) == nil }, time.Minute, 50*time.Millisecond)
		send("after")
		select {
		case key := <-keys:
			assert.Equal(t, "after", key)
		case <-ctx.Done():
			t.Error("the record of the new topic did not come")
		}
		stop()
		assert.NoError(t, <-ended)
	})
}

func TestTailBeginsWhereItIsTold(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: 24 * 365 * time.Hour}))
		hour := time.Now().Truncate(time.Hour)
		send := func(key string, at time.Time) {
			ok, err := q.SendEvent(key, []byte("[]"), mq.Header{Key: "ce_time", Value: []byte(at.Format(time.RFC3339Nano))})
			require.NoError(t, err)
			require.True(t, ok)
		}
		send("old", hour.Add(-2*time.Hour))
		send("recent", hour.Add(-time.Hour))
		for _, test := range []struct {
			from mq.Start
			want string
		}{
			{mq.Start{Beginning: true}, "old"},
			{mq.Start{At: hour.Add(-90 * time.Minute)}, "recent"},
			{mq.Start{At: hour.Add(24 * time.Hour)}, "next"},
			{mq.Start{}, "next"},
		} {
			stop := errors.New("stop")
			var first string
			ready := make(chan struct{})
			got := make(chan error, 1)
			go func() {
				got <- mq.Tail(t.Context(), mq.Kafka{Brokers: brokers}, topic, test.from, func() { close(ready) }, func(r *mq.Record) error {
					first = r.Key
					return stop
				})
			}()
			<-ready
			if test.want == "next" {
				send("next", time.Now())
			}
			require.ErrorIs(t, <-got, stop)
			assert.Equal(t, test.want, first)
		}
		err := mq.Tail(t.Context(), mq.Kafka{Brokers: brokers}, mqtest.NewTopic(), mq.Start{}, nil, nil)
		assert.ErrorIs(t, err, mq.ErrNoTopic)
	})
}

func TestTailSaysThatNobodyAnswers(t *testing.T) {
	err := mq.Tail(t.Context(), mq.Kafka{Brokers: []string{"127.0.0.1:1"}}, "x", mq.Start{}, nil, nil)
	assert.ErrorContains(t, err, "connect to Kafka")
}
