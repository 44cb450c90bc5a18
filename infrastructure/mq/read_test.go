package mq_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func sendAt(t *testing.T, q *mq.KafkaQueue, key string, at time.Time) {
	t.Helper()
	ok, err := q.SendEvent(key, []byte("[]"), mq.Header{Key: "ce_time", Value: []byte(at.Format(time.RFC3339Nano))})
	require.NoError(t, err)
	require.True(t, ok)
}

func TestReadEndsWhereTheTopicEnded(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic, kafka := mqtest.NewTopic(), mq.Kafka{Brokers: brokers}
		_, err := mq.Read(t.Context(), kafka, topic, time.Time{}, nil)
		require.ErrorIs(t, err, mq.ErrNoTopic)

		q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 3, Retention: 24 * 365 * time.Hour}))
		read := func(since time.Time, each func()) (keys []string) {
			trimmed, err := mq.Read(t.Context(), kafka, topic, since, func(r *mq.Record) error {
				keys = append(keys, r.Key)
				each()
				return nil
			})
			require.NoError(t, err)
			require.Zero(t, trimmed)
			return keys
		}
		nothing := func() {}
		noon := time.Now().Truncate(time.Hour)
		for i, key := range []string{"a", "b", "c", "d", "e", "f"} {
			sendAt(t, q, key, noon.Add(time.Duration(i)*time.Minute))
		}
		all := read(time.Time{}, nothing)
		require.ElementsMatch(t, []string{"a", "b", "c", "d", "e", "f"}, all)
		require.ElementsMatch(t, []string{"e", "f"}, read(noon.Add(4*time.Minute), nothing))
		require.Empty(t, read(noon.Add(time.Hour), nothing))
		require.ElementsMatch(t, all, read(time.Time{}, func() { sendAt(t, q, "meanwhile", noon) }))

		stop := errors.New("stop")
		_, err = mq.Read(t.Context(), kafka, topic, time.Time{}, func(*mq.Record) error { return stop })
		require.ErrorIs(t, err, stop)
		ctx, cancel := context.WithCancel(t.Context())
		_, err = mq.Read(ctx, kafka, topic, time.Time{}, func(*mq.Record) error { cancel(); return nil })
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestReadSaysWhatIsMissing(t *testing.T) {
	deleting := func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: 24 * 365 * time.Hour}))
		noon := time.Now().Truncate(time.Hour)
		for i := range 6 {
			sendAt(t, q, "key", noon.Add(time.Duration(i)*time.Minute))
		}
		admin := mqtest.Admin(t, brokers)
		read := func(since time.Time) (trimmed mq.Trimmed, n int) {
			trimmed, err := mq.Read(t.Context(), mq.Kafka{Brokers: brokers}, topic, since, func(*mq.Record) error {
				n++
				return nil
			})
			require.NoError(t, err)
			return trimmed, n
		}
		require.NoError(t, admin.DeleteRecords(topic, map[int32]int64{0: 2}))
		trimmed, n := read(time.Time{})
		assert.Equal(t, 4, n)
		assert.Equal(t, 1, trimmed.Partitions)
		assert.True(t, trimmed.Begin.Equal(noon.Add(2*time.Minute)), trimmed.Begin)
		trimmed, n = read(noon.Add(3 * time.Minute))
		assert.Equal(t, 3, n)
		assert.Zero(t, trimmed)

		require.NoError(t, admin.DeleteRecords(topic, map[int32]int64{0: 6}))
		trimmed, n = read(noon)
		assert.Equal(t, 0, n)
		assert.Equal(t, mq.Trimmed{Partitions: 1}, trimmed)
	}
	// Most records are deleted when the first one has been read.
	overtaken := func(t *testing.T, brokers []string) {
		const records = 40
		topic := mqtest.NewTopic()
		q := newQueue(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 1, Retention: time.Hour}))
		value := []byte(`["` + strings.Repeat("x", 200_000) + `"]`)
		for range records {
			ok, err := q.SendEvent("key", value)
			require.NoError(t, err)
			require.True(t, ok)
		}
		admin := mqtest.Admin(t, brokers)
		var offsets []int64
		trimmed, err := mq.Read(t.Context(), mq.Kafka{Brokers: brokers}, topic, time.Time{}, func(r *mq.Record) error {
			if offsets = append(offsets, r.Offset); len(offsets) == 1 {
				return admin.DeleteRecords(topic, map[int32]int64{0: records - 1})
			}
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, 1, trimmed.Partitions)
		assert.Less(t, len(offsets), records)
		assert.EqualValues(t, records-1, offsets[len(offsets)-1])
	}
	t.Run("kfake", func(t *testing.T) { // the embedded broker lets nobody delete records
		_, brokers := mqtest.FakeKafka(t, kfake.DefaultNumPartitions(1))
		deleting(t, brokers)
		overtaken(t, brokers)
	})
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		deleting(t, strings.Split(brokers, ","))
		overtaken(t, strings.Split(brokers, ","))
	})
}
