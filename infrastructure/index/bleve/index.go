// Package bleve is the embedded search engine. Bleve's scorch stores the index: its segments,
// their term dictionaries and posting lists. The query plan is our own. It doesn't score each
// hit; it intersects the posting lists, which are roaring bitmaps, and ranks the books in
// tiers, within a tier by columns in memory.
//
// Chambi, Lemire, Kaser, Godin: Better bitmap performance with Roaring bitmaps, 2016.
package bleve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"
	bleve "github.com/blevesearch/bleve_index_api"
	bolt "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
)

// Index is an index in a folder. Its methods may be called concurrently.
type Index struct {
	store        *scorch.Scorch
	queue        *bleve.AnalysisQueue
	dictionaries *dictionaries
	background   *background
	position     atomic.Pointer[index.Position]

	changing sync.Mutex // held by refresh, write and Close

	mu      sync.RWMutex
	current *view // nil after Close
}

var _ index.Engine = (*Index)(nil)

// positionKey is where the position is stored, next to the content.
var positionKey = []byte("position")

// mergePlan keeps fewer segments than Bleve does by default, because a search reads the
// dictionaries of each. With 20 changes a second there are about eleven, and merging takes 5 % of a
// processor; with Bleve's floor of 2,000 books it would take 40 %. Segments of half a million books
// or more, which Compact makes, are left alone: merging them takes a minute, in which small ones
// pile up.
var mergePlan = map[string]int{"MaxSegmentsPerTier": 3, "SegmentsPerMergeTask": 20, "FloorSegmentSize": 50, "MaxSegmentSize": 1_000_000}

// compactPlan merges all segments into one.
var compactPlan = &mergeplan.MergePlanOptions{MaxSegmentsPerTier: 1, SegmentsPerMergeTask: 1 << 20, TierGrowth: 1,
	MaxSegmentSize: mergeplan.MaxSegmentSizeLimit, FloorSegmentSize: mergeplan.MaxSegmentSizeLimit}

// Open opens the index in a folder, or makes an empty one there. Its error wraps
// index.ErrDamaged or index.ErrFormat if the folder has something else.
func Open(folder string, log *slog.Logger) (_ *Index, err error) {
	x := &Index{queue: bleve.NewAnalysisQueue(1), dictionaries: newDictionaries()}
	x.background = newBackground(x, folder, log)
	defer func() {
		if thrown := recover(); thrown != nil { // Bleve can't close what it can't load
			x.background.end()
			x.queue.Close()
			err = fmt.Errorf("%w: %v", index.ErrDamaged, thrown)
		}
		if err != nil {
			err = fmt.Errorf("open the index in %s: %w", folder, err)
		}
	}()
	if err := x.background.deaths.check(); err != nil {
		return nil, err
	}
	existed, err := check(folder)
	if err != nil {
		return nil, err
	}
	x.background.deaths.enter(opening)
	defer x.background.deaths.leave(opening)
	store, err := scorch.NewScorch(scorch.Name, map[string]any{
		"path": folder,
		// A batch is visible before it is on disk. Content and position are stored together.
		"unsafe_batch":           true,
		"numSnapshotsToKeep":     1,
		"scorchMergePlanOptions": mergePlan,
		"bolt_timeout":           "1s", // another process may have the folder
		"eventCallbackName":      callbacks,
		"asyncErrorCallbackName": callbacks,
	}, x.queue)
	if err != nil {
		x.queue.Close()
		return nil, err
	}
	x.store = store.(*scorch.Scorch)
	x.background.begin()
	if err := x.open(existed); err != nil {
		return nil, errors.Join(err, x.closeStore())
	}
	go x.background.refreshMerged()
	return x, nil
}

// open opens the store. existed says that it has been opened before.
func (x *Index) open(existed bool) error {
	if err := x.store.Open(); err != nil {
		if _, outside := errors.AsType[*fs.PathError](err); outside && !errors.Is(err, fs.ErrNotExist) || errors.Is(err, bolt.ErrTimeout) {
			return err
		}
		return fmt.Errorf("%w: %w", index.ErrDamaged, err)
	}
	if err := x.refresh(); err != nil {
		return fmt.Errorf("%w: %w", index.ErrDamaged, err)
	}
	stored, err := x.current.snapshot.GetInternal(positionKey)
	if err != nil {
		return fmt.Errorf("read the position of the index: %w", err)
	}
	var at index.Position
	switch {
	case stored == nil && existed: // Bleve ignores a state of which a file is missing
		return fmt.Errorf("%w: it has no position", index.ErrDamaged)
	case stored != nil:
		if err := json.Unmarshal(stored, &at); err != nil {
			return fmt.Errorf("read the position of the index: %w: %w", index.ErrDamaged, err)
		}
	}
	x.position.Store(&at)
	return nil
}

func (x *Index) closeStore() error {
	x.background.end()
	err := x.store.Close() // ends the merger
	x.background.mergeEnded()
	x.queue.Close()
	return err
}

// Close writes the index to disk and closes it. It doesn't wait for searches.
func (x *Index) Close() error {
	x.changing.Lock()
	defer x.changing.Unlock()
	x.mu.Lock()
	last := x.current
	x.current = nil
	x.mu.Unlock()
	if last == nil {
		return nil
	}
	var err error
	if x.Failed() == nil {
		err = x.persist()
	}
	return errors.Join(err, last.release(), x.closeStore())
}

// Sync implements index.Engine.
func (x *Index) Sync() (err error) {
	defer x.recovered(&err)
	held, err := x.view() // the store isn't closed meanwhile
	if err != nil {
		return err
	}
	defer held.release() // an error concerns Close
	return x.persist()
}

// Compact implements index.Engine. Meanwhile, Bleve merges no other segments. It would retry for
// ever after an error, so the first one ends it.
func (x *Index) Compact(ctx context.Context) error {
	held, err := x.view()
	if err != nil {
		return err
	}
	if err := held.release(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := x.background.failures()
	merged := make(chan error, 1)
	go func() { // Bleve doesn't look at ctx before its merger is free, only at whether it was closed
		var err error
		defer func() { merged <- err }()
		defer x.recovered(&err)
		err = x.store.ForceMerge(ctx, compactPlan)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-x.background.broken:
		return x.Failed()
	case err = <-failed:
	case err = <-merged:
	}
	if err != nil {
		return fmt.Errorf("merge the segments of the index: %w", err)
	}
	return nil
}

// persist waits until all batches are on disk.
func (x *Index) persist() error {
	persisted := make(chan error, 1)
	batch := bleve.NewBatch()
	batch.SetInternal([]byte("persisted"), nil) // an empty batch would call nobody
	batch.SetPersistedCallback(func(err error) { persisted <- err })
	failed := x.background.failures()
	err := x.batch(batch)
	if err == nil {
		select {
		case err = <-persisted:
		case err = <-failed:
		}
	}
	if err != nil {
		return fmt.Errorf("write the index to disk: %w", err)
	}
	return nil
}

// ErrClosed is returned by all methods after Close.
var ErrClosed = errors.New("the index is closed")

// refresh makes the newest state the current view.
func (x *Index) refresh() error {
	x.changing.Lock()
	defer x.changing.Unlock()
	x.mu.RLock()
	before := x.current
	x.mu.RUnlock()
	if before == nil && x.position.Load() != nil {
		return ErrClosed
	}
	reader, err := x.store.Reader()
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return errors.Join(fmt.Errorf("read the index: it is a %T", reader), reader.Close())
	}
	next, err := newView(snapshot, before, x.dictionaries)
	if err != nil {
		return errors.Join(fmt.Errorf("read the index: %w", err), snapshot.Close())
	}
	x.mu.Lock()
	x.current = next
	x.mu.Unlock()
	if before != nil {
		return before.release()
	}
	return nil
}

// refreshSafely is refresh for a goroutine of its own: a panic there would end the process.
func (x *Index) refreshSafely() (err error) {
	defer x.recovered(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see SearchBooks
	return x.refresh()
}

// view returns the current view, held.
func (x *Index) view() (*view, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.current == nil || !x.current.hold() {
		return nil, ErrClosed
	}
	return x.current, nil
}

// Apply implements index.Engine. It uses all processors for large batches.
func (x *Index) Apply(put []*model.Book, deleted []uint, at index.Position) (err error) {
	defer x.recovered(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see SearchBooks
	if err := x.write(put, deleted, at); err != nil {
		return fmt.Errorf("write to the index: %w", err)
	}
	x.position.Store(&at)
	return x.refresh()
}

// write gives the store what Apply was given. Searches see none of it before the next refresh,
// and Close waits: a closed store would never answer.
func (x *Index) write(put []*model.Book, deleted []uint, at index.Position) error {
	x.changing.Lock()
	defer x.changing.Unlock()
	held, err := x.view()
	if err != nil {
		return err
	}
	defer held.release() // an error concerns Close
	position, err := json.Marshal(at)
	if err != nil {
		return err
	}
	last := bleve.NewBatch()
	if len(put) < 2*minSegment {
		fill(last, put)
	} else if err := x.applyParts(put); err != nil { // the position comes after all of them
		return err
	}
	for _, id := range deleted {
		last.Delete(strconv.FormatUint(uint64(id), 10))
	}
	last.SetInternal(positionKey, position)
	return x.batch(last)
}

// minSegment is the least number of books that are worth a segment of their own.
const minSegment = 250

// applyParts makes a large batch into several segments at the same time.
func (x *Index) applyParts(put []*model.Book) error {
	parts := make([][]*model.Book, min(runtime.GOMAXPROCS(0), len(put)/minSegment))
	for _, b := range put { // a book that comes twice stays in order
		part := &parts[b.ID%uint(len(parts))]
		*part = append(*part, b)
	}
	var group errgroup.Group
	for _, part := range parts {
		group.Go(func() (err error) {
			defer x.recovered(&err)
			if len(part) == 0 {
				return nil
			}
			batch := bleve.NewBatch()
			fill(batch, part)
			return x.batch(batch)
		})
	}
	return group.Wait()
}

// batch gives the store a batch. It doesn't wait for a store whose goroutines have failed: that
// may never answer.
func (x *Index) batch(batch *bleve.Batch) error {
	answered := make(chan error, 1)
	go func() {
		var err error
		defer func() { answered <- err }()
		defer x.recovered(&err)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see SearchBooks
		err = x.store.Batch(batch)
	}()
	select {
	case err := <-answered:
		return err
	case <-x.background.broken:
		return x.Failed()
	}
}

func fill(batch *bleve.Batch, books []*model.Book) {
	for _, b := range books {
		batch.Update(newDocument(b))
	}
}

// Position implements index.Engine.
func (x *Index) Position() index.Position { return *x.position.Load() }

// Versions implements index.Engine.
func (x *Index) Versions() (iter.Seq2[uint, int64], error) {
	v, err := x.view()
	if err != nil {
		return nil, err
	}
	return func(yield func(uint, int64) bool) {
		defer v.release() // an error concerns Close
		for _, p := range v.parts {
			for doc, id := range p.columns.ids {
				if p.deleted != nil && p.deleted.Contains(uint32(doc)) {
					continue
				}
				if !yield(uint(id), p.columns.version[doc]) {
					return
				}
			}
		}
	}, nil
}

// Segments returns the number of segments that a search reads, or 0 after Close.
func (x *Index) Segments() int {
	v, err := x.view()
	if err != nil {
		return 0
	}
	defer v.release() // an error concerns Close
	return len(v.parts)
}

// Merging reports whether segments are being merged, or looked at for that.
func (x *Index) Merging() bool { return x.background.inMerge.Load() }

// Failed implements index.Engine.
func (x *Index) Failed() error { return x.background.failed() }

// recovered turns a panic into an error, after which the index has failed: its files are
// damaged, or Bleve or this package has a bug.
func (x *Index) recovered(err *error) {
	if thrown := recover(); thrown != nil {
		*err = fmt.Errorf("%w: %v", index.ErrDamaged, thrown)
		x.background.log.Error("the search index panicked", "error", thrown, "stack", string(debug.Stack()))
		x.background.fail(*err)
	}
}

// manyQuestions is the number of different questions after whose panics an index has failed.
const manyQuestions = 10

// answered is recovered for a question of a client. A question that hits a bug must not cost
// the index, however often it is asked: only faults of the files, and panics of many questions
// do.
func (x *Index) answered(question string, err *error) {
	thrown := recover()
	if thrown == nil {
		return
	}
	*err = fmt.Errorf("%w: %v", index.ErrQuestion, thrown)
	x.background.log.Error("a search panicked", "error", thrown, "stack", string(debug.Stack()))
	if _, fault := thrown.(interface{ Addr() uintptr }); fault || x.background.panicked(question) >= manyQuestions {
		*err = fmt.Errorf("%w: %v", index.ErrDamaged, thrown)
		x.background.fail(*err)
	}
}

// Capabilities implements gateway.BookIndex.
func (x *Index) Capabilities() model.Capabilities {
	return model.Capabilities{Correction: true, Facets: true, Suggestions: true, Works: true, Explanations: true}
}

// Suggest implements gateway.BookIndex.
func (x *Index) Suggest(ctx context.Context, typed model.Keyword, limit int) (_ []model.Suggestion, err error) {
	defer x.answered(string(typed), &err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see SearchBooks
	v, err := x.view()
	if err != nil {
		return nil, err
	}
	defer v.release() // an error concerns Close
	return v.suggest(ctx, typed, limit)
}

// SearchBooks implements gateway.BookIndex.
func (x *Index) SearchBooks(ctx context.Context, s model.Search) (_ *model.SearchResult, err error) {
	defer x.answered(string(s.Keyword), &err)
	// A file that was cut off is read through the memory that it was mapped to.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	v, err := x.view()
	if err != nil {
		return nil, err
	}
	defer v.release() // an error concerns Close
	return v.search(ctx, s)
}
