package mq_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestLargeEventsArrive(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		q := newQueue(t, brokers, topic)
		want := map[string]int{"small": 2, "middle": mq.UnknownBatchBytes, "large": 3 << 20, "largest": mq.MaxRecordBytes - 2000, "too large": mq.MaxRecordBytes}
		for _, key := range []string{"too large", "largest", "large", "middle", "small"} {
			ok, err := q.SendEvent(key, make([]byte, want[key]))
			if key == "too large" {
				assert.False(t, ok)
				assert.ErrorIs(t, err, mq.ErrLost)
				continue
			}
			require.NoError(t, err, key)
			assert.True(t, ok)
		}
		for _, r := range mqtest.Read(t, brokers, topic, 4) {
			assert.Len(t, r.Value, want[r.Key], r.Key)
		}
	})
}

func TestQueueConnectsOnceKafkaIsThere(t *testing.T) {
	address, topic := mqtest.Nowhere(t), mqtest.NewTopic()
	q := newQueue(t, []string{address}, topic)
	ok, err := q.SendEvent("early", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, mq.ErrLost)
	mqtest.Embedded(t, t.TempDir(), address)
	ok, err = q.SendEvent("late", []byte("[]"))
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "late", mqtest.Read(t, []string{address}, topic, 1)[0].Key)
}

// A broker that takes connections and stops to answer.
func TestFrozenKafka(t *testing.T) {
	line, address := mqtest.BehindLine(t)
	const timeout = 50 * time.Millisecond
	release := line.Hold()
	q := newQueue(t, []string{address}, "x").WithQueueTimeout(timeout)
	ok, err := q.SendEvent("k", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, mq.ErrLost, "there never was a connection")
	release()
	require.Eventually(t, func() bool {
		ok, _ := q.SendEvent("k", []byte("[]"))
		return ok
	}, time.Minute, time.Millisecond)
	defer line.Hold()()
	begun := time.Now()
	ok, err = q.SendEvent("k", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, mq.ErrUnconfirmed)
	assert.Less(t, time.Since(begun), 30*time.Second, "bounded by multiples of %s", timeout)
}

func TestClosedQueue(t *testing.T) {
	q := newQueue(t, []string{mqtest.Shared(t)}, mqtest.NewTopic())
	_, err := q.SendEvent("k", []byte("[]"))
	require.NoError(t, err)
	require.NoError(t, q.Close())
	require.NoError(t, q.Close(), "again")
	ok, err := q.SendEvent("k", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, mq.ErrLost)
}

func TestArgumentsAreChecked(t *testing.T) {
	_, err := mq.NewKafkaQueue(nil, "x")
	assert.Error(t, err)
	_, err = mq.NewKafkaQueue([]string{"a:1"}, "")
	assert.Error(t, err)
	_, err = mq.NewProducer(nil, "x")
	assert.Error(t, err)
	_, err = mq.NewProducer([]string{"a:1"}, "")
	assert.Error(t, err)
}

// Close waits for calls under way. sarama would panic if it didn't.
func TestQueueIsClosedWhileEventsAreSent(t *testing.T) {
	topic := mqtest.NewTopic()
	for range 5 {
		q := newQueue(t, []string{mqtest.Shared(t)}, topic)
		_, err := q.SendEvent("first", []byte("[]"))
		require.NoError(t, err)
		var sending sync.WaitGroup
		begun := make(chan struct{}, 20)
		for range cap(begun) {
			sending.Go(func() {
				begun <- struct{}{}
				for {
					if ok, err := q.SendEvent("k", []byte("[]")); !ok {
						assert.ErrorIs(t, err, mq.ErrLost)
						return
					}
				}
			})
		}
		<-begun
		assert.NoError(t, q.Close())
		sending.Wait()
	}
}
