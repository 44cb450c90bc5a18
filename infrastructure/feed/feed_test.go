package feed_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/feed"
	"literank.com/event-books/infrastructure/mq"
)

// shop is a database and a topic whose failures a test decides.
type shop struct {
	gateway.Outbox
	mu         sync.Mutex
	generation model.Generation
	highest    int64
	pending    []*model.Change
	database   error // of every read

	id      string // of the topic; "" if there is none
	records []*mq.Record
	kafka   error // of every call
	behind  bool  // the position is gone
	opened  int
	changed chan struct{} // closed when anything changes
}

func newShop() *shop {
	return &shop{generation: model.Generation{Database: "db", Restored: "1"}, id: "topic", changed: make(chan struct{})}
}

func (s *shop) do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *shop) Generation(context.Context) (model.Generation, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation, s.highest, s.database
}

func (s *shop) ChangesAfter(_ context.Context, after int64, limit int) (found []*model.Change, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.pending {
		if c.Version > after && len(found) < limit {
			found = append(found, c)
		}
	}
	return found, s.database
}

// enter commits a change, as another process does.
func (s *shop) enter(id uint, version int64) {
	s.do(func() {
		s.highest = max(s.highest, version)
		s.pending = append(s.pending, &model.Change{BookID: id, Version: version, Kind: model.BookUpdated, Time: time.Now()})
	})
}

// publish writes a record, as a relay does.
func (s *shop) publish(t *testing.T, id uint, version int64) {
	t.Helper()
	c := model.Change{BookID: id, Version: version, Kind: model.BookUpdated, Time: time.Now(), Book: &model.Book{ID: id}}
	value, headers, err := c.Encode(s.generation)
	require.NoError(t, err)
	s.write(&mq.Record{Key: c.Key(), Value: value, Headers: headers})
}

func (s *shop) write(r *mq.Record) {
	s.do(func() {
		r.Offset = int64(len(s.records))
		s.records = append(s.records, r)
	})
}

// stream follows the shop's topic.
type stream struct {
	*shop
	at mq.Position
}

func (s *shop) open() (feed.Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return &stream{shop: s}, s.kafka
}

func (s *stream) failure() error {
	switch {
	case s.kafka != nil:
		return s.kafka
	case s.id == "":
		return mq.ErrNoTopic
	}
	return nil
}

func (s *stream) End(context.Context) (mq.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mq.Position{Topic: s.id, Next: map[int32]int64{0: int64(len(s.records))}}, s.failure()
}

func (s *stream) Follow(ctx context.Context, from mq.Position, handle func(*mq.Record) error) error {
	s.mu.Lock()
	s.at = mq.Position{Topic: s.id, Next: map[int32]int64{0: from.Next[0]}}
	s.mu.Unlock()
	for {
		s.mu.Lock()
		if s.behind {
			s.behind = false
			s.mu.Unlock()
			return mq.ErrBehind
		}
		next, changed := s.at.Next[0], s.changed
		var r *mq.Record
		if s.kafka == nil && next < int64(len(s.records)) {
			r = s.records[next]
		}
		s.mu.Unlock()
		if r == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			continue
		}
		if err := handle(r); err != nil {
			return err
		}
		s.mu.Lock()
		s.at.Next[0]++
		s.mu.Unlock()
	}
}

func (s *stream) Position() mq.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mq.Position{Topic: s.at.Topic, Next: map[int32]int64{0: s.at.Next[0]}}
}

func (s *stream) Confirm(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failure() != nil:
		return s.failure()
	case s.at.Next == nil:
		return errors.New("Follow hasn't begun")
	case s.at.Topic != s.id:
		return mq.ErrBehind
	case s.at.Next[0] < int64(len(s.records)):
		return errors.New("the end isn't reached yet")
	}
	return nil
}

func (*stream) Close() {}

// copies is a reader that notes what it gets.
type copies struct {
	takes    time.Duration // for a change
	mu       sync.Mutex
	versions map[uint]int64
	rebuilt  int
}

func (c *copies) apply(change *model.Change) {
	time.Sleep(c.takes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[change.BookID] = max(c.versions[change.BookID], change.Version)
}

func (c *copies) rebuild() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rebuilt++
}

func (c *copies) version(id uint) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[id]
}

func (c *copies) rebuilds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rebuilt
}

// start runs a feed until stop is called.
func start(t *testing.T, s *shop, c *copies) (f *feed.Feed, stop func()) {
	handlers := feed.Handlers{model.BookCreated: c.apply, model.BookUpdated: c.apply, model.BookDeleted: c.apply}
	f = feed.New(s, s.open, slog.New(slog.DiscardHandler), feed.Reader{Handlers: handlers, Rebuild: c.rebuild})
	assert.False(t, f.Current(), "nothing is confirmed yet")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.Run(ctx); close(ended) }()
	time.Sleep(2 * time.Second)
	return f, func() { cancel(); <-ended }
}

// run runs test with a feed of a shop, in a time of its own.
func run(t *testing.T, test func(t *testing.T, s *shop, f *feed.Feed, c *copies)) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newShop(), &copies{versions: map[uint]int64{}}
		f, stop := start(t, s, c)
		defer stop()
		test(t, s, f, c)
	})
}

func TestChangesComeInAllWays(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		require.True(t, f.Current())
		begun := c.rebuilds()
		f.Apply([]*model.Change{{BookID: 1, Version: 10, Kind: model.BookCreated, Time: time.Now()}})
		assert.EqualValues(t, 10, c.version(1), "own changes come at once")
		s.publish(t, 2, 11)
		synctest.Wait()
		assert.EqualValues(t, 11, c.version(2), "those of others from the topic")
		s.enter(3, 12)
		time.Sleep(time.Second)
		assert.EqualValues(t, 12, c.version(3), "or from the outbox")
		assert.True(t, f.Current())
		assert.Equal(t, begun, c.rebuilds())
		assert.WithinDuration(t, time.Now(), f.Newest(), 2*time.Second)
		f.Apply([]*model.Change{{BookID: 1, Version: 13, Kind: "priced", Time: time.Now()}})
		assert.EqualValues(t, 13, c.version(1), "an unknown kind is an update")
	})
}

func TestWithoutKafkaTheOutboxIsRead(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		begun := c.rebuilds()
		s.do(func() { s.kafka = errors.New("away") })
		for id := range uint(2500) { // more than a page
			s.enter(id+1, int64(id+1))
		}
		time.Sleep(time.Second)
		assert.EqualValues(t, 2500, c.version(2500))
		time.Sleep(8 * time.Second)
		assert.False(t, f.Current(), "others may have published changes")
		s.do(func() { s.kafka = nil })
		s.publish(t, 7, 9000)
		time.Sleep(2 * time.Second)
		assert.True(t, f.Current())
		assert.EqualValues(t, 9000, c.version(7), "the topic is read on from the position")
		assert.Equal(t, begun, c.rebuilds())
		time.Sleep(40 * time.Second)
		s.do(func() { s.kafka = errors.New("away") })
		time.Sleep(time.Minute) // the stream is opened again
		s.publish(t, 7, 9001)
		s.do(func() { s.kafka = nil })
		time.Sleep(2 * time.Second)
		assert.EqualValues(t, 9001, c.version(7))
		assert.True(t, f.Current())
		assert.Equal(t, begun, c.rebuilds())
	})
}

func TestWithoutTheDatabaseNothingIsCurrent(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		begun := c.rebuilds()
		s.do(func() { s.database = errors.New("away") })
		time.Sleep(6 * time.Second)
		assert.False(t, f.Current())
		s.do(func() { s.database = nil })
		s.enter(1, 5)
		time.Sleep(2 * time.Second)
		assert.True(t, f.Current())
		assert.EqualValues(t, 5, c.version(1))
		assert.Equal(t, begun, c.rebuilds())
	})
}

// While the database was away, a change went from the outbox to the topic. Until the topic
// is read, it is unknown, though both were read within the last seconds.
func TestTheTopicIsConfirmedAfterTheOutbox(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		s.do(func() { s.database = errors.New("away") })
		time.Sleep(6 * time.Second)
		require.False(t, f.Current())
		s.do(func() { s.kafka = errors.New("slow") })
		s.publish(t, 1, 40)
		s.do(func() { s.database, s.highest = nil, 40 })
		time.Sleep(time.Second)
		assert.Zero(t, c.version(1))
		assert.False(t, f.Current())
		s.do(func() { s.kafka = nil })
		time.Sleep(2 * time.Second)
		assert.EqualValues(t, 40, c.version(1))
		assert.True(t, f.Current())
	})
}

func TestMissedChangesAskForARebuild(t *testing.T) {
	for name, miss := range map[string]func(s *shop){
		"records are deleted": func(s *shop) { s.behind = true },
		"another topic":       func(s *shop) { s.id, s.records = "other", nil },
		"another generation":  func(s *shop) { s.generation.Restored = "2" },
		"versions go back":    func(s *shop) { s.highest, s.pending = 0, nil },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
				s.enter(1, 40)
				time.Sleep(time.Second)
				begun := c.rebuilds()
				s.do(func() { miss(s) })
				time.Sleep(3 * time.Second)
				assert.Greater(t, c.rebuilds(), begun)
				assert.True(t, f.Current())
				begun = c.rebuilds()
				s.publish(t, 1, 50)
				synctest.Wait()
				assert.EqualValues(t, 50, c.version(1))
				time.Sleep(time.Minute)
				assert.Equal(t, begun, c.rebuilds(), "once")
			})
		})
	}
}

// Reading what was missed may take long. That is no failure of the topic.
func TestALongTopicIsReadToItsEnd(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		c.takes = time.Second
		var before, after int
		s.do(func() { before = s.opened })
		for version := range int64(90) {
			s.publish(t, 1, version+1)
		}
		time.Sleep(80 * time.Second)
		assert.False(t, f.Current())
		time.Sleep(12 * time.Second)
		assert.True(t, f.Current())
		s.do(func() { after = s.opened })
		assert.Equal(t, before, after, "it isn't opened again")
	})
}

func TestEachSeriesOfFailuresIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		s := newShop()
		f := feed.New(s, s.open, slog.New(slog.NewTextHandler(&lines, nil)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { f.Run(ctx); close(ended) }()
		for outage := range 3 {
			s.do(func() { s.kafka = errors.New("away") })
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			assert.Equal(t, outage+1, strings.Count(lines.String(), "can't be read"), lines.String())
			s.do(func() { s.kafka = nil })
			time.Sleep(time.Minute)
			require.True(t, f.Current())
		}
		stop()
		<-ended
	})
}

func TestATopicThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newShop(), &copies{versions: map[uint]int64{}}
		s.id = ""
		f, stop := start(t, s, c)
		defer stop()
		assert.True(t, f.Current(), "nothing was published")
		s.publish(t, 1, 3) // the topic is created and filled before anybody looks
		s.do(func() { s.id = "new" })
		time.Sleep(3 * time.Second)
		assert.EqualValues(t, 3, c.version(1), "a new topic is read from its first record")
		assert.True(t, f.Current())
	})
}

func TestATopicThatIsAway(t *testing.T) {
	for name, back := range map[string]string{"comes back": "topic", "is created anew": "other"} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
				s.publish(t, 1, 2)
				begun := c.rebuilds()
				s.do(func() { s.id = "" })
				time.Sleep(10 * time.Second)
				assert.False(t, f.Current(), "others may see the topic")
				if back == "other" {
					s.do(func() { s.records = nil })
				}
				s.publish(t, 1, 3)
				s.do(func() { s.id = back })
				time.Sleep(3 * time.Second)
				assert.True(t, f.Current())
				assert.EqualValues(t, 3, c.version(1))
				assert.Equal(t, back == "other", c.rebuilds() > begun)
			})
		})
	}
}

func TestOddRecordsAreSkipped(t *testing.T) {
	run(t, func(t *testing.T, s *shop, f *feed.Feed, c *copies) {
		for _, r := range []*mq.Record{
			{Key: "x"}, {Key: "1", Value: []byte("no JSON")}, {Key: "1", Value: make([]byte, 1<<20)}, {Key: "1", Value: []byte(`[]`)},
			{Key: "1", Value: []byte(`{"type":"books.event.updated","value":{"id":2},"version":9}`)},
			{Key: "1", Value: []byte(`{"type":"books.event.updated","value":{"id":1},"version":9}`),
				Headers: []mq.Header{{Key: "ce_source", Value: []byte("/event-books/catalogue/other/1")}}},
		} {
			s.write(r)
		}
		s.write(&mq.Record{Key: "2", Value: []byte(`{"type":"books.event.updated","value":{"id":2},"version":9}`)})
		gone := model.Change{BookID: 3, Version: 10, Kind: model.BookDeleted}
		s.write(&mq.Record{Key: "3", Headers: gone.Tombstone(s.generation)}) // without the deletion before it
		synctest.Wait()
		assert.Zero(t, c.version(1))
		assert.EqualValues(t, 9, c.version(2))
		assert.EqualValues(t, 10, c.version(3), "a tombstone is a deletion")
	})
}
