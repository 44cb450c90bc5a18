package mq_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// streamed is a topic, and a Stream of it.
type streamed struct {
	*mq.Stream
	topic string
	admin sarama.ClusterAdmin
	send  func(t *testing.T, key string)
}

func newStream(t *testing.T, brokers []string, partitions int32) *streamed {
	t.Helper()
	s := &streamed{topic: mqtest.NewTopic(), admin: mqtest.Admin(t, brokers)}
	s.create(t, partitions)
	q := newQueue(t, brokers, s.topic)
	s.send = func(t *testing.T, key string) {
		t.Helper()
		require.Eventually(t, func() bool {
			ok, _ := q.SendEvent(key, []byte("[]"))
			return ok
		}, time.Minute, 50*time.Millisecond)
	}
	var err error
	s.Stream, err = mq.OpenStream(mq.Kafka{Brokers: brokers}, s.topic)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (s *streamed) create(t *testing.T, partitions int32) {
	t.Helper()
	require.Eventually(t, func() bool {
		return s.admin.CreateTopic(s.topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false) == nil
	}, time.Minute, 50*time.Millisecond)
}

// end returns the end as soon as the topic has leaders.
func (s *streamed) end(t *testing.T) (end mq.Position) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		end, err = s.End(t.Context())
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	return end
}

// follow follows in the background, and returns the keys and the error.
func (s *streamed) follow(t *testing.T, from mq.Position) (keys chan string, ended chan error, stop context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	keys, ended = make(chan string, 1000), make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, from, func(r *mq.Record) error {
			keys <- r.Key
			return nil
		})
	}()
	return keys, ended, stop
}

func (s *streamed) confirm(t *testing.T) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	return s.Confirm(ctx)
}

func TestStreamGoesOnFromItsPosition(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		s := newStream(t, brokers, 3)
		s.send(t, "before")
		from := s.end(t)
		for i := range 20 {
			s.send(t, strconv.Itoa(i))
		}
		keys, ended, stop := s.follow(t, from)
		require.Eventually(t, func() bool { return s.confirm(t) == nil }, time.Minute, 10*time.Millisecond)
		seen := map[string]bool{}
		for len(keys) > 0 {
			seen[<-keys] = true
		}
		assert.Len(t, seen, 20, "Confirm waits for what was written before")
		assert.NotContains(t, seen, "before")
		stop()
		require.NoError(t, <-ended)

		position := s.Position()
		assert.Equal(t, s.end(t), position)
		s.send(t, "later")
		keys, ended, stop = s.follow(t, position)
		assert.Equal(t, "later", <-keys)
		assert.NoError(t, s.confirm(t))
		stop()
		require.NoError(t, <-ended)

		last, err := s.Last(t.Context())
		require.NoError(t, err)
		var newest []string
		for _, r := range last {
			newest = append(newest, r.Key)
		}
		assert.Contains(t, newest, "later")
		assert.LessOrEqual(t, len(newest), 3)
	})
}

func TestStreamNoticesWhatItCannotRead(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		t.Run("no topic", func(t *testing.T) {
			s, err := mq.OpenStream(mq.Kafka{Brokers: brokers}, mqtest.NewTopic())
			require.NoError(t, err)
			defer s.Close()
			_, err = s.End(t.Context())
			assert.ErrorIs(t, err, mq.ErrNoTopic)
			assert.ErrorIs(t, s.Follow(t.Context(), mq.Position{}, nil), mq.ErrNoTopic)
		})
		t.Run("deleted records", func(t *testing.T) {
			s := newStream(t, brokers, 1)
			from := s.end(t)
			s.send(t, "a")
			s.send(t, "b")
			if s.admin.DeleteRecords(s.topic, map[int32]int64{0: 1}) != nil {
				from.Next[0] = 7 // the embedded broker deletes none
			}
			_, ended, _ := s.follow(t, from)
			assert.ErrorIs(t, <-ended, mq.ErrBehind)
		})
		t.Run("a longer topic of the same name", func(t *testing.T) {
			s := newStream(t, brokers, 1)
			s.send(t, "a")
			from := s.end(t)
			_, ended, stop := s.follow(t, from)
			require.Eventually(t, func() bool { return s.confirm(t) == nil }, time.Minute, 10*time.Millisecond)
			require.NoError(t, s.admin.DeleteTopic(s.topic))
			s.create(t, 1)
			for range 5 {
				s.send(t, "b")
			}
			s.end(t)
			assert.ErrorIs(t, s.confirm(t), mq.ErrBehind)
			stop()
			<-ended
			assert.ErrorIs(t, s.Follow(t.Context(), from, nil), mq.ErrBehind)
		})
		t.Run("more partitions", func(t *testing.T) {
			s := newStream(t, brokers, 1)
			s.send(t, "a")
			_, ended, stop := s.follow(t, s.end(t))
			require.Eventually(t, func() bool { return s.confirm(t) == nil }, time.Minute, 10*time.Millisecond)
			require.NoError(t, s.admin.CreatePartitions(s.topic, 4, nil, false))
			s.end(t)
			assert.ErrorIs(t, s.confirm(t), mq.ErrPartitions)
			stop()
			require.NoError(t, <-ended)

			for i := range 20 { // one of them lies in a new partition
				s.send(t, strconv.Itoa(i))
			}
			keys, _, _ := s.follow(t, s.Position())
			require.Eventually(t, func() bool { return s.confirm(t) == nil }, time.Minute, 10*time.Millisecond)
			assert.Len(t, keys, 20, "new partitions are read from their oldest record")
		})
	})
}

// A broker that has just died is still in the client's list.
func TestStreamAsksAnotherBroker(t *testing.T) {
	alive := sarama.NewMockBroker(t, 1)
	defer alive.Close()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	alive.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{
			{ApiKey: 2, MaxVersion: 5}, {ApiKey: 3, MaxVersion: 10}, // offsets, metadata
		}),
		"MetadataRequest": sarama.NewMockMetadataResponse(t).SetBroker(alive.Addr(), 1).
			SetBroker(dead.Addr().String(), 2).SetLeader("topic", 0, 1),
		"OffsetRequest": sarama.NewMockOffsetResponse(t).SetOffset("topic", 0, sarama.OffsetNewest, 5),
	})
	s, err := mq.OpenStream(mq.Kafka{Brokers: []string{alive.Addr()}}, "topic")
	require.NoError(t, err)
	defer s.Close()
	for range 20 {
		end, err := s.End(t.Context())
		require.NoError(t, err)
		assert.Equal(t, map[int32]int64{0: 5}, end.Next)
	}
}
