// Package live follows the topic of searches while somebody watches. It keeps nothing and needs no
// consumer group. It must not know HTTP or the database.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	// maxWatchers bounds those who watch at once.
	maxWatchers = 200
	// ahead is how many searches a watcher may be behind.
	ahead = 256
	// readyTimeout is how long Watch waits for Kafka.
	readyTimeout = 5 * time.Second
	// pause is the time between two attempts to connect.
	pause = time.Second
	// retryAfter is the time after which there may be room for another watcher.
	retryAfter = 5 * time.Second
)

// Searches implements gateway.LiveSearches. It reads the topic only while somebody watches.
type Searches struct {
	kafka mq.Kafka
	topic string
	log   *slog.Logger

	mu       sync.Mutex
	watchers map[chan *model.LiveSearch]bool
	ready    chan struct{}      // closed while the topic is followed
	stop     context.CancelFunc // ends following; nil while nobody watches
	stopped  bool
	away     bool
}

var _ gateway.LiveSearches = (*Searches)(nil)

// New returns the searches of a topic.
func New(kafka mq.Kafka, topic string, log *slog.Logger) *Searches {
	return &Searches{kafka: kafka, topic: topic, log: log, watchers: map[chan *model.LiveSearch]bool{}, ready: make(chan struct{})}
}

// Watch implements gateway.LiveSearches.
func (s *Searches) Watch(ctx context.Context) (<-chan *model.LiveSearch, error) {
	watcher, ready, err := s.enter()
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	select {
	case <-ready:
	case <-bounded.Done():
		s.leave(watcher)
		return nil, &model.Error{Code: model.UnavailableNow, Message: "searches can't be watched at the moment: Kafka is away", RetryAfter: retryAfter, Cause: bounded.Err()}
	}
	context.AfterFunc(ctx, func() { s.leave(watcher) })
	return watcher, nil
}

func (s *Searches) enter() (watcher chan *model.LiveSearch, ready <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil, &model.Error{Code: model.UnavailableNow, Message: "the shop is stopping", RetryAfter: retryAfter}
	case len(s.watchers) >= maxWatchers:
		return nil, nil, &model.Error{Code: model.Overloaded, Message: "there are too many readers of live searches at the moment", RetryAfter: retryAfter}
	}
	watcher = make(chan *model.LiveSearch, ahead)
	s.watchers[watcher] = true
	if s.stop == nil {
		var following context.Context
		following, s.stop = context.WithCancel(context.Background())
		go s.follow(following)
	}
	return watcher, s.ready, nil
}

// leave closes the channel of a watcher, once. The last one ends following.
func (s *Searches) leave(watcher chan *model.LiveSearch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.watchers[watcher] {
		return
	}
	delete(s.watchers, watcher)
	close(watcher)
	if len(s.watchers) == 0 {
		s.rest()
	}
}

// rest ends following. The caller holds mu.
func (s *Searches) rest() {
	if s.stop != nil {
		s.stop()
		s.stop, s.ready = nil, make(chan struct{})
	}
}

// Stopping ends all watching.
func (s *Searches) Stopping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for watcher := range s.watchers {
		delete(s.watchers, watcher)
		close(watcher)
	}
	s.rest()
}

// follow reads the topic from its end until ctx ends.
func (s *Searches) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.read(ctx)
		if ctx.Err() != nil {
			return
		}
		s.report(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// report logs when following begins to fail.
func (s *Searches) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.away && !errors.Is(err, mq.ErrPartitions) {
		s.away = true
		s.log.Warn("live searches can't be read; retrying", "error", err)
	}
}

// read follows the topic until that fails or ctx ends.
func (s *Searches) read(ctx context.Context) error {
	stream, err := mq.OpenStream(s.kafka, s.topic)
	if err != nil {
		return err
	}
	defer stream.Close()
	end, err := stream.End(ctx)
	if err != nil {
		return err
	}
	s.connected(ctx)
	return stream.Follow(ctx, end, func(r *mq.Record) error {
		s.show(r)
		return nil
	})
}

// connected lets those go on who wait for the topic, unless others wait for another attempt.
func (s *Searches) connected(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if s.away {
		s.away = false
		s.log.Info("live searches are read again")
	}
	select {
	case <-s.ready:
	default:
		close(s.ready)
	}
}

// show passes a search to all watchers, and drops those who are too far behind.
func (s *Searches) show(r *mq.Record) {
	e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
	if err != nil {
		return // consumers make it a dead letter
	}
	search := model.NewLiveSearch(e, r.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	for watcher := range s.watchers {
		select {
		case watcher <- search:
		default:
			delete(s.watchers, watcher)
			close(watcher)
		}
	}
	if len(s.watchers) == 0 {
		s.rest()
	}
}
