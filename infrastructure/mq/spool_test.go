package mq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/spool"
)

// newSpool opens a spool in front of producers that it returns. Its tests are
// here, and not in package spool, because they reach into a producer.
func newSpool(t *testing.T, brokers []string, topic string) (*spool.Spool, *mq.Producer) {
	t.Helper()
	events := newProducer(t, brokers, topic)
	s, err := spool.Open(t.TempDir(), events, newProducer(t, brokers, mq.DeadLetterTopic(topic)), spool.Options{Topic: topic, DeadTopic: mq.DeadLetterTopic(topic)})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		assert.NoError(t, s.Close(ctx))
	})
	return s, events
}

func spooled(t *testing.T, s *spool.Spool, key, value string) {
	t.Helper()
	ok, err := s.SendEvent(key, []byte(value))
	require.NoError(t, err)
	require.True(t, ok)
}

func emptied(t *testing.T, s *spool.Spool) {
	t.Helper()
	require.Eventually(t, func() bool { return s.EventStats().Waiting == 0 }, time.Minute, time.Millisecond)
}

func TestAddedPartitionsAreUsedWhenAllBeforeIsSettled(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		admin := mqtest.CreateTopic(t, brokers, topic, nil)
		s, producer := newSpool(t, brokers, topic)
		spooled(t, s, "k", "[0]")
		emptied(t, s)
		require.NoError(t, admin.CreatePartitions(topic, 5, nil, false))
		session, err := producer.Session(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			_ = session.Refresh(topic)
			n, err := producer.Partitions(t.Context())
			return err == nil && n == 5
		}, time.Minute, 10*time.Millisecond)
		for i := range 50 {
			spooled(t, s, fmt.Sprint(i), "[0]")
		}
		used := map[int32]bool{}
		for _, r := range mqtest.Read(t, brokers, topic, 51) {
			used[r.Partition] = true
		}
		assert.Greater(t, len(used), 2)
	})
}

// A topic that is deleted while nothing is sent is created anew, and Close is
// bounded meanwhile.
func TestDeletedTopic(t *testing.T) {
	t.Parallel()
	brokers, topic := []string{mqtest.Shared(t)}, mqtest.NewTopic()
	admin := mqtest.CreateTopic(t, brokers, topic, nil)
	s, producer := newSpool(t, brokers, topic)
	spooled(t, s, "k", "[0]")
	emptied(t, s)
	require.NoError(t, admin.DeleteTopic(topic))
	session, err := producer.Session(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // as by the refresh every 30 s
		_ = session.Refresh()
		return !session.Knows(topic)
	}, time.Minute, 10*time.Millisecond)
	spooled(t, s, "k", "[1]")
	emptied(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	assert.NoError(t, s.Close(ctx))
	assert.Less(t, time.Since(begun), 10*time.Second)
}
