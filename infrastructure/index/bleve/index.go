// Package bleve is the embedded search engine. Bleve's scorch stores the index: its segments,
// their term dictionaries and posting lists. The query plan is our own. It doesn't score each
// hit; it intersects the posting lists, which are roaring bitmaps, and ranks the books in
// tiers, within a tier by columns in memory.
//
// Chambi, Lemire, Kaser, Godin: Better bitmap performance with Roaring bitmaps, 2016.
package bleve

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"

	"literank.com/event-books/domain/model"
)

// Index is an index in a folder. Its methods may be called concurrently.
type Index struct {
	store        bleve.Index
	queue        *bleve.AnalysisQueue
	dictionaries *dictionaries

	writing sync.Mutex // one batch or refresh at a time

	mu      sync.RWMutex
	current *view // nil after Close
}

// Open opens the index in a folder, or makes an empty one there.
func Open(folder string) (*Index, error) {
	x := &Index{queue: bleve.NewAnalysisQueue(1), dictionaries: newDictionaries()}
	store, err := scorch.NewScorch(scorch.Name, map[string]any{
		"path": folder,
		// A batch is visible before it is on disk. Content and position are stored together.
		"unsafe_batch":       true,
		"numSnapshotsToKeep": 1,
	}, x.queue)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	x.store = store
	if err := store.Open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the index: %w", err), x.closeStore())
	}
	if err := x.refresh(); err != nil {
		return nil, errors.Join(err, x.closeStore())
	}
	return x, nil
}

func (x *Index) closeStore() error {
	err := x.store.Close()
	x.queue.Close()
	return err
}

// Close writes the index to disk and closes it. It doesn't wait for searches.
func (x *Index) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	last := x.current
	x.current = nil
	x.mu.Unlock()
	if last == nil {
		return nil
	}
	return errors.Join(x.persist(), last.release(), x.closeStore())
}

// persist waits until all batches are on disk.
func (x *Index) persist() error {
	persisted := make(chan error, 1)
	batch := bleve.NewBatch()
	batch.SetInternal([]byte("persisted"), nil) // an empty batch would call nobody
	batch.SetPersistedCallback(func(err error) { persisted <- err })
	if err := x.store.Batch(batch); err != nil {
		return fmt.Errorf("write the index to disk: %w", err)
	}
	if err := <-persisted; err != nil {
		return fmt.Errorf("write the index to disk: %w", err)
	}
	return nil
}

// ErrClosed is returned by all methods after Close.
var ErrClosed = errors.New("the index is closed")

// refresh makes the newest state the current view.
func (x *Index) refresh() error {
	reader, err := x.store.Reader()
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return errors.Join(fmt.Errorf("read the index: it is a %T", reader), reader.Close())
	}
	x.mu.RLock()
	before := x.current
	x.mu.RUnlock()
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

// view returns the current view, held.
func (x *Index) view() (*view, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.current == nil || !x.current.hold() {
		return nil, ErrClosed
	}
	return x.current, nil
}

// Put adds books, or replaces them. A search that begins afterwards finds them.
func (x *Index) Put(books ...*model.Book) error {
	batch := bleve.NewBatch()
	for _, b := range books {
		batch.Update(newDocument(b))
	}
	return x.apply(batch)
}

// Delete removes books. A search that begins afterwards doesn't find them.
func (x *Index) Delete(ids ...uint) error {
	batch := bleve.NewBatch()
	for _, id := range ids {
		batch.Delete(strconv.FormatUint(uint64(id), 10))
	}
	return x.apply(batch)
}

func (x *Index) apply(batch *bleve.Batch) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.RLock()
	closed := x.current == nil
	x.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	if err := x.store.Batch(batch); err != nil {
		return fmt.Errorf("write to the index: %w", err)
	}
	return x.refresh()
}

// SearchBooks implements gateway.BookIndex.
func (x *Index) SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	v, err := x.view()
	if err != nil {
		return nil, err
	}
	defer v.release() // the index isn't closed while it is searched, or the error concerns Close
	return v.search(ctx, s)
}
