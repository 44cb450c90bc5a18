package bleve

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"golang.org/x/time/rate"

	"literank.com/event-books/infrastructure/index"
)

// callbacks is the name under which Bleve finds our callbacks. Its registry is for the whole
// process, and must not change later.
const callbacks = "event-books"

func init() {
	scorch.RegistryAsyncErrorCallbacks[callbacks] = func(err error, path string) {
		if b := openIndexes.find(path); b != nil {
			b.report(err)
		}
	}
	scorch.RegistryEventCallbacks[callbacks] = func(e scorch.Event) bool {
		switch e.Kind {
		case scorch.EventKindPreMergeCheck, scorch.EventKindMergerProgress:
			if b := openIndexes.running(e.Scorch); b != nil {
				b.merging(e.Kind == scorch.EventKindPreMergeCheck)
			}
		case scorch.EventKindPersisterProgress:
			if b := openIndexes.running(e.Scorch); b != nil {
				b.written()
			}
		}
		return true
	}
}

// openIndexes are the open indexes of this process.
var openIndexes registry

type registry struct {
	mu   sync.Mutex
	list []*background
}

func (r *registry) find(folder string) *background {
	return r.first(func(b *background) bool { return b.folder == folder })
}

func (r *registry) running(store *scorch.Scorch) *background {
	return r.first(func(b *background) bool { return b.index.store == store })
}

func (r *registry) first(is func(*background) bool) *background {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.list {
		if is(b) {
			return b
		}
	}
	return nil
}

// background takes what Bleve's goroutines say about an index.
type background struct {
	folder string
	index  *Index
	deaths deaths
	log    *slog.Logger
	logged rate.Sometimes // of errors that may pass
	// refused says that the disk refused the last write.
	refused atomic.Bool
	merged  chan struct{} // has an element after a merge
	inMerge atomic.Bool   // only Bleve's merger sets it, until it has ended
	done    chan struct{} // closed at the end
	ending  sync.Once
	broken  chan struct{} // closed by fail

	mu       sync.Mutex
	failure  error
	watchers []chan error
	panics   map[string]bool // questions that panicked
}

func newBackground(x *Index, folder string, log *slog.Logger) *background {
	return &background{folder: folder, index: x, deaths: deaths{folder}, log: log, logged: rate.Sometimes{First: 1, Interval: time.Minute},
		merged: make(chan struct{}, 1), done: make(chan struct{}), broken: make(chan struct{})}
}

// begin makes the index known to the callbacks.
func (b *background) begin() {
	openIndexes.mu.Lock()
	defer openIndexes.mu.Unlock()
	openIndexes.list = append(openIndexes.list, b)
}

// end makes it unknown again.
func (b *background) end() {
	b.ending.Do(func() { close(b.done) })
	openIndexes.mu.Lock()
	defer openIndexes.mu.Unlock()
	openIndexes.list = slices.DeleteFunc(openIndexes.list, func(other *background) bool { return other == b })
}

// retryEvery is the pause between two attempts of Bleve to write to a disk that refuses.
const retryEvery = time.Second

// report takes an error of one of Bleve's goroutines, which waits for the call.
func (b *background) report(err error) {
	b.mu.Lock()
	watchers := b.watchers
	b.watchers = nil
	b.mu.Unlock()
	for _, watcher := range watchers {
		watcher <- err
	}
	if told, ok := errors.AsType[*scorch.ScorchError](err); ok && told.ErrType == scorch.ErrAsyncPanic {
		b.fail(fmt.Errorf("%w: %w", index.ErrDamaged, err))
		return
	}
	if _, missing := os.Stat(filepath.Join(b.folder, rootFile)); missing != nil {
		b.fail(fmt.Errorf("%w: %w", index.ErrDamaged, missing))
		return
	}
	b.refused.Store(true)
	b.logged.Do(func() { b.log.Warn("the search index can't be written to disk; retrying", "error", err) })
	select {
	case <-b.done:
	case <-time.After(retryEvery):
	}
}

// written notes that the index is on disk.
func (b *background) written() {
	if b.refused.Swap(false) {
		b.log.Info("the search index is written to disk again")
	}
}

// panicked notes a question that panicked, and returns the number of different ones.
func (b *background) panicked(question string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.panics == nil {
		b.panics = map[string]bool{}
	}
	b.panics[question] = true
	return len(b.panics)
}

// fail notes the first error after which the index can't be used.
func (b *background) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure == nil {
		b.failure = err
		close(b.broken)
	}
}

func (b *background) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure
}

// failures returns a channel that gets the next error.
func (b *background) failures() <-chan error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make(chan error, 1)
	b.watchers = append(b.watchers, next)
	return next
}

// merging notes that merging begins or ends. Bleve says nothing if it fails or is interrupted.
func (b *background) merging(begins bool) {
	if begins {
		if !b.inMerge.Load() { // otherwise the last attempt failed
			b.deaths.enter(merging)
		}
		b.inMerge.Store(true)
		return
	}
	b.mergeEnded()
	select {
	case b.merged <- struct{}{}:
	default:
	}
}

// mergeEnded notes that the process survived the merge, if there is one.
func (b *background) mergeEnded() {
	if b.inMerge.Load() {
		b.deaths.leave(merging)
	}
	b.inMerge.Store(false)
}

// refreshMerged makes merged segments visible until the index is closed: searches are faster
// then, and the old files can go.
func (b *background) refreshMerged() {
	for {
		select {
		case <-b.done:
			return
		case <-b.merged:
			if err := b.index.refreshSafely(); err != nil && !errors.Is(err, ErrClosed) {
				b.fail(err)
			}
		}
	}
}
