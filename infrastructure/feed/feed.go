// Package feed brings the catalogue's changes to the parts of a process that keep copies of
// books, such as its cache. They come in three ways: this process's own changes at once,
// those of others from the topic of changes, and from the outbox while Kafka is away. A
// change may come more than once, and out of order; its version tells what is newer.
package feed

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	// outboxEvery and confirmEvery are how often the outbox is read, and the end of the
	// topic asked for.
	outboxEvery  = 500 * time.Millisecond
	confirmEvery = time.Second
	// confirmTimeout bounds one attempt, and stuckAfter a series that fails.
	confirmTimeout = 3 * time.Second
	stuckAfter     = 30 * time.Second
	// currentFor bounds the age of changes that readers may lack while the feed is current.
	currentFor = 5 * time.Second
	// pause is the pause after a failure.
	pause = 500 * time.Millisecond
	// page is the number of changes that are read from the outbox at once.
	page = 1000
)

// Handlers take changes, by their kind. A kind of a later version counts as BookUpdated.
// They may be called concurrently, must return soon, and must ignore a change that isn't
// newer than what they know of the book.
type Handlers map[model.ChangeKind]func(change *model.Change)

// Reader is a part of the process that keeps copies of books.
type Reader struct {
	Handlers
	// Rebuild is called when changes were missed: the copies must be read from the database
	// again. It must return soon.
	Rebuild func()
}

// Stream is the topic of changes. mq.Stream is the one for Kafka, and has the contract.
type Stream interface {
	End(ctx context.Context) (mq.Position, error)
	Follow(ctx context.Context, from mq.Position, handle func(*mq.Record) error) error
	Position() mq.Position
	Confirm(ctx context.Context) error
	Close()
}

// Feed brings changes to readers. Its methods may be called concurrently.
type Feed struct {
	outbox  gateway.Outbox
	open    func() (Stream, error)
	readers []Reader
	log     *slog.Logger
	// odd limits the log lines about records that are no changes, foreign those about
	// changes of another catalogue.
	odd, foreign rate.Sometimes

	// polled is when the outbox was last read. Changes before known reached the readers: by
	// reading the outbox, or else by reading the topic afterwards. newest is the time of the
	// newest change. All are in unix nanoseconds.
	polled, known, newest atomic.Int64

	mu         sync.Mutex
	generation model.Generation
	seen       int64 // the highest version that the outbox has shown

	position *mq.Position // only readTopic uses it
	failing  atomic.Bool  // the topic, since a failure that was logged
}

// New returns a feed. Run runs it. open opens the topic of changes.
func New(outbox gateway.Outbox, open func() (Stream, error), log *slog.Logger, readers ...Reader) *Feed {
	return &Feed{outbox: outbox, open: open, readers: readers, log: log,
		odd: rate.Sometimes{First: 1, Interval: time.Minute}, foreign: rate.Sometimes{First: 1, Interval: time.Minute}}
}

// Current reports whether the readers know all changes but those of the last seconds.
func (f *Feed) Current() bool {
	return time.Now().UnixNano()-f.known.Load() < int64(currentFor)
}

// Newest is the time of the newest change that the readers got, or zero.
func (f *Feed) Newest() time.Time {
	if n := f.newest.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Apply brings changes to the readers. When it returns, they show them.
func (f *Feed) Apply(changes []*model.Change) {
	for _, change := range changes {
		for _, reader := range f.readers {
			handle, known := reader.Handlers[change.Kind]
			if !known {
				handle = reader.Handlers[model.BookUpdated]
			}
			handle(change)
		}
		f.advance(change.Time.UnixNano())
	}
}

// advance takes the time of a change, unless the clock that gave it is ahead.
func (f *Feed) advance(at int64) {
	at = min(at, time.Now().UnixNano())
	for newest := f.newest.Load(); at > newest && !f.newest.CompareAndSwap(newest, at); newest = f.newest.Load() {
	}
}

// rebuild makes the readers begin anew.
func (f *Feed) rebuild() {
	for _, reader := range f.readers {
		reader.Rebuild()
	}
}

// Run reads outbox and topic until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	var group sync.WaitGroup
	begun := make(chan struct{})
	group.Go(func() { f.readOutbox(ctx, begun) })
	group.Go(func() {
		select {
		case <-begun: // the topic is read after the database is known
			f.readTopic(ctx)
		case <-ctx.Done():
		}
	})
	group.Wait()
}

// readOutbox polls the outbox. It closes begun once it knows the database.
func (f *Feed) readOutbox(ctx context.Context, begun chan struct{}) {
	first := sync.OnceFunc(func() { close(begun) })
	failing := false
	for ctx.Err() == nil {
		asked := time.Now()
		err := f.poll(ctx)
		switch {
		case err == nil:
			f.polled.Store(asked.UnixNano())
			first()
		case ctx.Err() == nil && !failing && model.ErrorCode(err) != model.UnavailableNow: // the database has logged those
			f.log.Warn("the outbox can't be read; retrying", "error", err)
		}
		failing = err != nil
		sleep(ctx, outboxEvery)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// poll applies what entered the outbox since the last poll.
func (f *Feed) poll(ctx context.Context) error {
	generation, highest, err := f.outbox.Generation(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	known, seen := f.generation, f.seen
	f.mu.Unlock()
	switch {
	case known == model.Generation{}: // the readers have nothing yet
		seen = highest
	case known != generation || highest < seen:
		seen = highest
		f.log.Warn("the database was restored from a backup, or replaced; copies of books are read again")
		f.rebuild()
	}
	for {
		changes, err := f.outbox.ChangesAfter(ctx, seen, page)
		if err != nil {
			return err
		}
		f.Apply(changes)
		if len(changes) > 0 {
			seen = changes[len(changes)-1].Version
		}
		if len(changes) < page {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.generation, f.seen = generation, seen
	return nil
}

// readTopic follows the topic, and opens it again after a failure.
func (f *Feed) readTopic(ctx context.Context) {
	for ctx.Err() == nil {
		wait := pause
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case errors.Is(err, mq.ErrBehind):
			f.log.Warn("changes were missed; copies of books are read again", "cause", err)
			f.position = nil
			f.known.Store(0)
		case errors.Is(err, errNothingPublished):
			wait = confirmEvery
		case errors.Is(err, mq.ErrPartitions):
			f.log.Info("the topic of changes has other partitions")
		case err != nil && !f.failing.Swap(true):
			f.log.Warn("the topic of changes can't be read; retrying", "error", err)
		}
		sleep(ctx, wait)
	}
}

// works notes that the topic can be read, and logs that after a failure.
func (f *Feed) works() {
	if f.failing.Load() && f.failing.Swap(false) {
		f.log.Info("the topic of changes can be read again")
	}
}

// errNothingPublished: there is no topic, and there never was one.
var errNothingPublished = errors.New("there is no topic of changes yet")

// follow reads the topic from the position kept, or from its end if there is none.
func (f *Feed) follow(ctx context.Context) error {
	polled := f.polled.Load()
	s, err := f.open()
	if err != nil {
		return err
	}
	defer s.Close()
	end, err := s.End(ctx)
	switch {
	case errors.Is(err, mq.ErrNoTopic) && (f.position == nil || f.position.Topic == ""):
		f.position = &mq.Position{} // a new topic is read from its oldest record
		f.known.Store(polled)
		f.works()
		return errNothingPublished
	case err != nil:
		return err
	case f.position == nil: // what was read before, without the topic, may be out of date
		f.position = &end
		f.rebuild()
	case f.position.Topic != "" && f.position.Topic != end.Topic:
		f.log.Warn("the topic of changes was created anew; copies of books are read again")
		f.position = &mq.Position{Topic: end.Topic}
		f.rebuild()
	}
	from := *f.position
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Follow(ctx, from, f.handle) })
	group.Go(func() error { return f.confirm(ctx, s) })
	err = group.Wait()
	if at := s.Position(); at.Next != nil && !errors.Is(err, mq.ErrBehind) {
		f.position = &at
	}
	return err
}

// confirm asks again and again whether everything in the topic is read. It gives up if that
// fails for long without any progress.
func (f *Feed) confirm(ctx context.Context, s Stream) error {
	last, next := time.Now(), s.Position().Next
	for ctx.Err() == nil {
		asked, polled := time.Now(), f.polled.Load()
		bounded, cancel := context.WithTimeout(ctx, confirmTimeout)
		err := s.Confirm(bounded)
		cancel()
		switch {
		case err == nil:
			last = asked
			f.known.Store(polled)
			f.works()
		case errors.Is(err, mq.ErrBehind), errors.Is(err, mq.ErrPartitions), errors.Is(err, mq.ErrNoTopic):
			return err
		default:
			if at := s.Position().Next; !maps.Equal(at, next) {
				last, next = asked, at
			}
			if time.Since(last) > stuckAfter {
				return err
			}
		}
		sleep(ctx, confirmEvery)
	}
	return nil
}

// handle applies a record. One that isn't a change of this catalogue is logged and skipped.
func (f *Feed) handle(r *mq.Record) error {
	change, err := model.DecodeChangeHead(r.Key, r.Headers, r.Value)
	if err != nil {
		f.odd.Do(func() {
			f.log.Warn("a record in the topic of changes is no change", "partition", r.Partition, "offset", r.Offset, "error", err)
		})
		return nil
	}
	f.mu.Lock()
	own := model.Generation{Database: f.generation.Database}.Source()
	f.mu.Unlock()
	if source := r.Header("ce_source"); source != "" && !strings.HasPrefix(source, own) {
		f.foreign.Do(func() {
			f.log.Warn("another catalogue publishes to the topic of changes; set mq.topic_prefix to keep them apart", "source", source[:min(len(source), 200)])
		})
		return nil
	}
	f.Apply([]*model.Change{change})
	return nil
}
