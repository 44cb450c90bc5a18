package live

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestMain(m *testing.M) { mqtest.Main(m) }

// topic is a topic of searches, and those who watch it.
type topic struct {
	*Searches
	t    *testing.T
	send func(keyword string)
	log  *testbed.Output
}

func newTopic(t *testing.T, brokers []string) *topic {
	t.Helper()
	name, log := mqtest.NewTopic(), &testbed.Output{}
	mqtest.CreateTopic(t, brokers, name, nil)
	queue, err := mq.NewKafkaQueue(brokers, name)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, queue.Close()) })
	s := &topic{Searches: New(mq.Kafka{Brokers: brokers}, name, slog.New(slog.NewJSONHandler(log, nil))), t: t, log: log}
	s.send = func(keyword string) {
		t.Helper()
		require.Eventually(t, func() bool {
			ok, _ := queue.SendEvent(keyword, []byte("[]"))
			return ok
		}, time.Minute, 10*time.Millisecond)
	}
	t.Cleanup(s.Stopping)
	return s
}

// watch watches as soon as the topic has leaders.
func (s *topic) watch(ctx context.Context) <-chan *model.LiveSearch {
	s.t.Helper()
	var searches <-chan *model.LiveSearch
	require.Eventually(s.t, func() (ok bool) {
		var err error
		searches, err = s.Watch(ctx)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return searches
}

func next(t *testing.T, searches <-chan *model.LiveSearch) string {
	t.Helper()
	select {
	case s, open := <-searches:
		require.True(t, open, "the feed goes on")
		return string(s.Keyword)
	case <-time.After(time.Minute):
		require.Fail(t, "no search came")
	}
	return ""
}

func closed(t *testing.T, searches <-chan *model.LiveSearch) {
	t.Helper()
	require.Eventually(t, func() bool {
		select {
		case _, open := <-searches:
			return !open
		default:
			return false
		}
	}, time.Minute, time.Millisecond)
}

func TestAllWhoWatchSeeEachSearch(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		s := newTopic(t, brokers)
		s.send("before")
		first := s.watch(t.Context())
		ctx, leave := context.WithCancel(t.Context())
		second := s.watch(ctx)
		for i := range 3 {
			s.send(fmt.Sprint("search ", i))
			assert.Equal(t, fmt.Sprint("search ", i), next(t, first), "and not what came before")
			assert.Equal(t, fmt.Sprint("search ", i), next(t, second))
		}
		leave()
		closed(t, second)
		s.send("later")
		assert.Equal(t, "later", next(t, first))
		s.Stopping()
		closed(t, first)
		_, err := s.Watch(t.Context())
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	})
}

// Nobody reads the topic while nobody watches.
func TestWatchingAgain(t *testing.T) {
	s := newTopic(t, []string{mqtest.Shared(t)})
	for i := range 3 {
		ctx, leave := context.WithCancel(t.Context())
		searches := s.watch(ctx)
		s.send(fmt.Sprint("search ", i))
		assert.Equal(t, fmt.Sprint("search ", i), next(t, searches))
		leave()
		closed(t, searches)
		s.mu.Lock()
		assert.Nil(t, s.stop)
		s.mu.Unlock()
		s.send("unseen")
	}
}

func TestSlowReadersAreDropped(t *testing.T) {
	s := newTopic(t, []string{mqtest.Shared(t)})
	slow, quick := s.watch(t.Context()), s.watch(t.Context())
	for i := range ahead + 1 {
		s.send(fmt.Sprint(i))
		assert.Equal(t, fmt.Sprint(i), next(t, quick))
	}
	s.send("last")
	assert.Equal(t, "last", next(t, quick))
	seen := 0
	for range slow {
		seen++
	}
	assert.Equal(t, ahead, seen, "what fits was kept")
}

func TestWatchersAreBounded(t *testing.T) {
	s := newTopic(t, []string{mqtest.Shared(t)})
	ctx, leave := context.WithCancel(t.Context())
	var all []<-chan *model.LiveSearch
	for range maxWatchers {
		all = append(all, s.watch(ctx))
	}
	_, err := s.Watch(ctx)
	assert.Equal(t, model.Overloaded, model.ErrorCode(err))
	leave()
	for _, searches := range all {
		closed(t, searches)
	}
	s.watch(t.Context())
}

func TestWatchingWhileKafkaIsAway(t *testing.T) {
	log := &testbed.Output{}
	s := New(mq.Kafka{Brokers: []string{mqtest.Nowhere(t)}}, "searches", slog.New(slog.NewJSONHandler(log, nil)))
	_, err := s.Watch(t.Context())
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	assert.NotContains(t, err.Error(), "127.0.0.1", "no address for users")
	s.Stopping()
}
