// Package indexer keeps a search engine's index in step with the catalogue. Changes tell it
// which books to read again; it reads them from the database, so an index never shows what
// the catalogue didn't have. After a start, and whenever changes were missed, it compares the
// versions of all books with those in the index. An index that is missing, damaged, or of
// another catalogue or format is built anew in the background.
package indexer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
)

// Options are what an Indexer needs.
type Options struct {
	// Folder is where indexes are, each in a folder of its own.
	Folder string
	// Open opens the index in a folder, or makes an empty one there.
	Open func(folder string) (index.Engine, error)
	// Books is the catalogue.
	Books gateway.BookSource
	// Fallback answers searches while no index can.
	Fallback gateway.BookIndex
	Log      *slog.Logger
}

// Indexer is a gateway.BookIndex. Run must run for it to be more than its fallback.
type Indexer struct {
	Options
	folders folders

	// asked has an element if the index must be compared with the catalogue. anew has one if
	// it must be built again.
	asked, anew chan struct{}

	mu      sync.RWMutex
	serving *replica   // nil: the fallback answers
	next    *replica   // being built
	failed  []*replica // not closed yet
	problem string     // why the last attempt failed
	built   time.Time  // when the last index was complete
	took    time.Duration
}

var _ gateway.BookIndex = (*Indexer)(nil)

// New returns an indexer. Until Run has opened or built an index, the fallback answers.
func New(options Options) *Indexer {
	return &Indexer{Options: options, folders: folders{options.Folder}, asked: make(chan struct{}, 1), anew: make(chan struct{}, 1)}
}

// Apply queues the changed book. It is a handler of feed.
func (x *Indexer) Apply(change *model.Change) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range []*replica{x.serving, x.next} {
		if r != nil {
			r.pending.add(change.BookID)
		}
	}
}

// Compare makes the indexer compare the index with the catalogue, because changes may have
// been missed. It returns at once.
func (x *Indexer) Compare() { signal(x.asked) }

// Rebuild makes the indexer build the index anew. It returns at once.
func (x *Indexer) Rebuild() { signal(x.anew) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Await waits until searches show the changes, or ctx ends. Apply must have had them before. They
// overtake others.
func (x *Indexer) Await(ctx context.Context, changes []*model.Change) {
	r := x.current()
	if r == nil {
		return // the database answers
	}
	ids := make([]uint, len(changes))
	for i, change := range changes {
		ids[i] = change.BookID
	}
	r.pending.hurry(ids)
	r.pending.wait(ctx, ids)
}

// SearchBooks implements gateway.BookIndex.
func (x *Indexer) SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	return ask(x, ctx, func(engine gateway.BookIndex) (*model.SearchResult, error) { return engine.SearchBooks(ctx, s) })
}

// Suggest implements gateway.BookIndex.
func (x *Indexer) Suggest(ctx context.Context, typed model.Keyword, limit int) ([]model.Suggestion, error) {
	return ask(x, ctx, func(engine gateway.BookIndex) ([]model.Suggestion, error) { return engine.Suggest(ctx, typed, limit) })
}

// Explain implements gateway.BookIndex.
func (x *Indexer) Explain(ctx context.Context, s model.Search, book uint) (*model.Explanation, error) {
	return ask(x, ctx, func(engine gateway.BookIndex) (*model.Explanation, error) { return engine.Explain(ctx, s, book) })
}

// Capabilities implements gateway.BookIndex.
func (x *Indexer) Capabilities() model.Capabilities {
	if r := x.current(); r != nil {
		return r.engine.Capabilities()
	}
	return x.Fallback.Capabilities()
}

// ask asks the engine that answers. If that fails or is replaced meanwhile, it asks the next one.
func ask[T any](x *Indexer, ctx context.Context, question func(gateway.BookIndex) (T, error)) (T, error) {
	for {
		r := x.current()
		if r == nil {
			return question(x.Fallback)
		}
		answer, err := question(r.engine)
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
		if failure := r.engine.Failed(); failure != nil {
			x.drop(r, failure)
		} else if errors.Is(err, index.ErrQuestion) {
			return question(x.Fallback)
		} else if x.current() == r {
			return answer, err
		}
	}
}

// drop stops a replica from answering. Run sets it aside and builds another one.
func (x *Indexer) drop(r *replica, failure error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.serving != r {
		return
	}
	x.serving, x.failed = nil, append(x.failed, r)
	x.problem = failure.Error()
	x.Log.Error("the search index failed; the database answers searches until another one is built", "error", failure)
	if x.next == nil {
		signal(x.anew)
	}
}

const (
	// askEvery is the time between two attempts to ask a catalogue that isn't there yet.
	askEvery = 50 * time.Millisecond
	// watchEvery is the time between two looks at the engine's health and at the folder.
	watchEvery = 500 * time.Millisecond
	// rebuildAfter is the pause after a failed build.
	rebuildAfter = 10 * time.Second
)

// Run opens or builds the index and keeps it up to date until ctx ends, then closes it.
func (x *Indexer) Run(ctx context.Context) {
	generation := x.awaitCatalogue(ctx)
	if ctx.Err() != nil {
		return
	}
	x.open(generation)
	defer func() {
		x.stop(x.replace(nil))
		x.putAway()
	}()
	x.Compare()
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { x.watch(ctx) })
	for ctx.Err() == nil {
		if x.current() == nil {
			x.Rebuild()
		}
		select {
		case <-ctx.Done():
		case <-x.anew:
			x.build(ctx)
		case <-x.asked:
			x.compare(ctx)
		}
	}
}

// current returns the replica that answers, or nil.
func (x *Indexer) current() *replica {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.serving
}

// awaitCatalogue waits until the catalogue answers.
func (x *Indexer) awaitCatalogue(ctx context.Context) model.Generation {
	for ctx.Err() == nil {
		generation, _, err := x.Books.Generation(ctx)
		if err == nil {
			return generation
		}
		sleep(ctx, askEvery)
	}
	return model.Generation{}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// open opens the index of the last run, if it belongs to the catalogue.
func (x *Indexer) open(generation model.Generation) {
	name, err := x.folders.current()
	if err != nil || name == "" {
		if err != nil {
			x.Log.Warn("the folder of the search index can't be read", "error", err)
		}
		return
	}
	engine, err := x.Open(x.folders.path(name))
	if err != nil {
		x.refused(name, err)
		return
	}
	if at := engine.Position(); at.Generation.Database != generation.Database {
		x.Log.Warn("the search index belongs to another catalogue; it is built anew")
		x.close(name, engine)
		return
	}
	r := newReplica(name, engine, x.Books, x.Log)
	x.replace(r)
	x.start(r, false)
}

// start keeps the replica that answers up to date until stop. One that was just built is compacted
// meanwhile.
func (x *Indexer) start(r *replica, built bool) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.ended = cancel, make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.follow(ctx, false); err != nil {
			x.drop(r, errors.Join(err, r.engine.Failed()))
		}
	})
	if built {
		running.Go(func() {
			begun := time.Now()
			err := r.engine.Compact(ctx)
			switch {
			case ctx.Err() != nil || r.engine.Failed() != nil:
			case err != nil:
				x.Log.Warn("the search index can't be compacted; searches take longer", "error", err)
			case r.total > 0:
				x.Log.Info("the search index is compacted", "seconds", time.Since(begun).Round(time.Millisecond).Seconds())
			}
		})
	}
	go func() {
		running.Wait()
		close(r.ended)
	}()
}

// replace makes another replica answer, or none, and returns the one before.
func (x *Indexer) replace(r *replica) (before *replica) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before, x.serving, x.next = x.serving, r, nil
	return before
}

// replaceIfComplete makes the replica that was built answer, unless it lacks changes. Then
// nobody who has seen a change sees the state before it.
func (x *Indexer) replaceIfComplete(r *replica) (before *replica, ok bool) {
	x.mu.Lock() // keeps changes out
	defer x.mu.Unlock()
	if r.pending.left() > 0 {
		return nil, false
	}
	before, x.serving, x.next, x.problem = x.serving, r, nil, ""
	return before, true
}

// stop ends a replica that answers no more.
func (x *Indexer) stop(r *replica) {
	if r == nil {
		return
	}
	r.cancel()
	<-r.ended
	x.close(r.name, r.engine)
}

func (x *Indexer) close(name string, engine index.Engine) {
	if err := engine.Close(); err != nil {
		x.Log.Warn("the search index wasn't closed well", "folder", x.folders.path(name), "error", err)
	}
}

// refused decides what becomes of an index that can't be opened.
func (x *Indexer) refused(name string, cause error) {
	switch {
	case errors.Is(cause, index.ErrFormat):
		x.Log.Info("another version of this program wrote the search index; it is built anew")
	case errors.Is(cause, index.ErrDamaged):
		x.setAside(name, cause)
	default:
		x.Log.Warn("the search index can't be opened; another one is built", "error", cause)
	}
}

// setAside puts an index away that can't be used.
func (x *Indexer) setAside(name string, cause error) {
	path, err := x.folders.setAside(name)
	if err != nil {
		x.Log.Warn("the search index can't be used, or moved away; it is built anew", "error", errors.Join(cause, err))
		return
	}
	x.Log.Warn("the search index can't be used; it is built anew", "error", cause, "kept_in", path)
}

// compare queues what the index lacks.
func (x *Indexer) compare(ctx context.Context) {
	r := x.current()
	generation, _, err := x.Books.Generation(ctx)
	if err != nil {
		x.again(ctx, err, x.Compare)
		return
	}
	if r == nil || r.generation != generation {
		if r != nil {
			x.Log.Info("the catalogue was restored from a backup, or replaced; the search index is built anew")
		}
		x.Rebuild()
		return
	}
	if _, err := r.compare(ctx); err != nil {
		x.again(ctx, err, x.Compare)
		return
	}
	if lacks := r.pending.left(); lacks > 0 {
		x.Log.Info("the search index catches up with the catalogue", "books", lacks)
	}
}

// again retries after a failure, in a while.
func (x *Indexer) again(ctx context.Context, err error, retry func()) {
	if ctx.Err() != nil {
		return
	}
	if model.ErrorCode(err) != model.UnavailableNow { // the database has logged those
		x.Log.Warn("the search index can't be compared with the catalogue; retrying", "error", err)
	}
	sleep(ctx, pause)
	retry()
}

// build builds an index, while the one before goes on answering, and lets it take over.
func (x *Indexer) build(ctx context.Context) {
	x.putAway()
	begun := time.Now()
	r, err := x.openNext(ctx)
	if err == nil {
		err = x.fill(ctx, r)
	}
	if err == nil {
		err = x.takeOver(ctx, r)
	}
	if err == nil {
		x.mu.Lock()
		x.built, x.took = time.Now().UTC(), time.Since(begun).Round(time.Millisecond)
		x.mu.Unlock()
		x.Log.Info("the search index is complete", "books", r.total, "seconds", x.took.Seconds())
		return
	}
	x.mu.Lock()
	x.next = nil
	x.mu.Unlock()
	if r != nil {
		x.close(r.name, r.engine)
	}
	if ctx.Err() != nil {
		return // the next start goes on
	}
	x.couldNotBuild(err)
	if r != nil && errors.Is(err, errEngine) {
		x.setAside(r.name, err)
	}
	sleep(ctx, rebuildAfter)
	x.Rebuild()
}

// putAway closes indexes that have failed, and sets them aside.
func (x *Indexer) putAway() {
	x.mu.Lock()
	failed := x.failed
	x.failed = nil
	x.mu.Unlock()
	for _, r := range failed {
		x.stop(r)
		x.setAside(r.name, r.engine.Failed())
	}
}

// openNext opens the folder of the index to build. It goes on with one of the last run.
func (x *Indexer) openNext(ctx context.Context) (*replica, error) {
	generation, _, err := x.Books.Generation(ctx)
	if err != nil {
		return nil, err
	}
	name, err := x.folders.unfinished()
	if err != nil {
		return nil, err
	}
	engine, err := x.Open(x.folders.path(name))
	if err == nil && engine.Position() != (index.Position{}) && engine.Position().Generation != generation {
		x.close(name, engine)
		err = index.ErrFormat
	}
	if errors.Is(err, index.ErrDamaged) || errors.Is(err, index.ErrFormat) {
		if err := x.folders.remove(name); err != nil {
			return nil, err
		}
		engine, err = x.Open(x.folders.path(name))
	}
	if err != nil {
		return nil, err
	}
	r := newReplica(name, engine, x.Books, x.Log)
	r.generation = generation
	x.mu.Lock()
	x.next = r // from here on, it gets the changes
	x.mu.Unlock()
	return r, nil
}

// fill indexes all books.
func (x *Indexer) fill(ctx context.Context, r *replica) error {
	total, err := r.compare(ctx)
	if err != nil {
		return err
	}
	x.mu.Lock()
	r.total = total
	x.mu.Unlock()
	if err := r.follow(ctx, true); err != nil {
		return err
	}
	return ctx.Err()
}

// takeOver makes a complete index the one that answers.
func (x *Indexer) takeOver(ctx context.Context, r *replica) error {
	if r.engine.Position() == (index.Position{}) { // a catalogue without books
		if err := r.engine.Apply(nil, nil, index.Position{Generation: r.generation}); err != nil {
			return err
		}
	}
	unsynced := r.engine.Sync()
	before, ok := x.replaceIfComplete(r)
	for ; !ok; before, ok = x.replaceIfComplete(r) {
		if err := r.follow(ctx, true); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	x.start(r, true)
	x.stop(before)
	x.putAway()
	err := unsynced
	if err == nil {
		err = x.folders.setCurrent(r.name)
	}
	if err != nil { // such as a full disk
		x.Log.Warn("the new search index answers from memory; the next start builds it again", "error", err)
		return nil
	}
	if err := x.folders.tidy(); err != nil {
		x.Log.Warn("an old search index can't be removed", "error", err)
	}
	return nil
}

// couldNotBuild notes and logs why no index could be built.
func (x *Indexer) couldNotBuild(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	repeated := x.problem == err.Error()
	x.problem = err.Error()
	if !repeated && model.ErrorCode(err) != model.UnavailableNow { // the database has logged those
		x.Log.Error("the search index can't be built; retrying", "error", err)
	}
}

// watch looks for a failed engine and for requests of the command line, and writes the status,
// until ctx ends.
func (x *Indexer) watch(ctx context.Context) {
	var written Status
	for ctx.Err() == nil {
		if r := x.current(); r != nil {
			if err := r.engine.Failed(); err != nil {
				x.drop(r, err)
			}
		}
		if x.folders.takeRequest() {
			x.Log.Info("the search index is built anew, as asked for")
			x.Rebuild()
		}
		status := x.Status()
		if status.Time = written.Time; status != written {
			status.Time = time.Now().UTC()
			if err := x.folders.writeStatus(status); err != nil {
				x.Log.Debug("the status of the search index can't be written", "error", err)
			}
			written = status
		}
		sleep(ctx, watchEvery)
	}
}
