package mq_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// The watch warns only about records that are younger than the retention, once a topic.
func TestTrimWatch(t *testing.T) {
	_, brokers := mqtest.FakeKafka(t)
	topic, other := mqtest.NewTopic(), mqtest.NewTopic()
	config := mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: 24 * 365 * time.Hour})
	q, dead := newQueue(t, brokers, topic, config), newQueue(t, brokers, other, config)
	admin := mqtest.Admin(t, brokers)
	trim := func(topic string, to int64) { require.NoError(t, admin.DeleteRecords(topic, map[int32]int64{0: to})) }

	var lines bytes.Buffer
	watch := mq.NewTrimWatch(mq.Kafka{Brokers: brokers}, []string{topic, other, mqtest.NewTopic()}, time.Hour, slog.New(slog.NewTextHandler(&lines, nil)))
	look := func(trimmed int64, warnings int) {
		t.Helper()
		require.NoError(t, watch.Look(time.Now()))
		assert.Equal(t, trimmed, watch.Trimmed())
		assert.Equal(t, warnings, strings.Count(lines.String(), "level=WARN"), lines.String())
	}
	now := time.Now()
	for _, age := range []time.Duration{3 * time.Hour, 2 * time.Hour, 3 * time.Minute, 2 * time.Minute, time.Minute} {
		sendAt(t, q, "key", now.Add(-age))
	}
	look(0, 0)
	trim(topic, 2) // older than an hour
	look(0, 0)
	trim(topic, 4)
	look(2, 1)
	assert.Contains(t, lines.String(), "topic="+topic)
	look(2, 1)
	for range 3 {
		sendAt(t, q, "key", now)
	}
	trim(topic, 7) // also records that came after the last look
	look(5, 1)

	sendAt(t, dead, "key", now)
	look(5, 1)
	sendAt(t, dead, "key", now)
	trim(other, 1)
	look(6, 2)
	assert.Contains(t, lines.String(), "topic="+other)

	require.NoError(t, admin.DeleteTopic(topic)) // and made anew, it begins at 0
	sendAt(t, newQueue(t, brokers, topic, config), "key", now)
	look(6, 2)
}

func TestTrimWatchWaitsForKafka(t *testing.T) {
	watch := mq.NewTrimWatch(mq.Kafka{Brokers: []string{mqtest.Nowhere(t)}}, []string{"searches"}, time.Hour, slog.New(slog.DiscardHandler))
	require.Error(t, watch.Look(time.Now()))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	watch.Run(ctx)
	assert.Zero(t, watch.Trimmed())
}

// A watch that dialled at each look would log in to Kafka all day.
func TestTrimWatchStaysConnected(t *testing.T) {
	_, brokers := mqtest.FakeKafka(t)
	topic := mqtest.NewTopic()
	newQueue(t, brokers, topic)
	way, err := net.Listen("tcp", "127.0.0.1:0") // clients use it for their first question
	require.NoError(t, err)
	defer way.Close()
	var dials atomic.Int64
	go func() {
		for {
			client, err := way.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			broker, err := net.Dial("tcp", brokers[0])
			if err != nil {
				client.Close()
				continue
			}
			go func() { defer client.Close(); _, _ = io.Copy(client, broker) }()
			go func() { defer broker.Close(); _, _ = io.Copy(broker, client) }()
		}
	}()
	watch := mq.NewTrimWatch(mq.Kafka{Brokers: []string{way.Addr().String()}}, []string{topic}, time.Hour, slog.New(slog.DiscardHandler))
	require.NoError(t, watch.Look(time.Now()))
	first := dials.Load()
	require.Positive(t, first)
	require.NoError(t, watch.Look(time.Now()))
	require.NoError(t, watch.Look(time.Now()))
	assert.Equal(t, first, dials.Load())
}
