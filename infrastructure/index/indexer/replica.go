package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
)

const (
	// readBatch is the number of books that are read at once. buildBatch and followBatch are
	// how many are indexed in one step: the larger, the less work, and the longer a change waits.
	// A small step leaves a processor to those who write and search.
	readBatch   = 500
	buildBatch  = 4000
	followBatch = 400
	// page is the number of versions that are read at once.
	page = 10_000
	// pause is the pause after a failure of the catalogue.
	pause = time.Second
)

// replica is an index with the books that it still lacks.
type replica struct {
	name    string // of its folder
	engine  index.Engine
	books   gateway.BookSource
	pending *queue
	log     *slog.Logger
	total   int // of books to index, while it is built; Indexer.mu guards it

	generation model.Generation // of the content

	cancel context.CancelFunc // ends follow, if it answers searches
	ended  chan struct{}

	unreadable bool // the catalogue, when follow last read it
}

func newReplica(name string, engine index.Engine, books gateway.BookSource, log *slog.Logger) *replica {
	return &replica{name: name, engine: engine, books: books, pending: newQueue(), log: log, generation: engine.Position().Generation}
}

// compare queues all books whose versions in catalogue and index differ, and those that only one
// of them has. It returns the number of books in the catalogue.
func (r *replica) compare(ctx context.Context) (books int, err error) {
	all, err := r.engine.Versions()
	if err != nil {
		return 0, err
	}
	indexed := map[uint]int64{}
	for id, version := range all {
		if _, twice := indexed[id]; twice {
			version = -1 // no book has it
		}
		indexed[id] = version
	}
	for after := uint(0); ; {
		versions, err := r.books.BookVersions(ctx, after, page)
		if err != nil {
			return 0, err
		}
		for _, b := range versions {
			if version, ok := indexed[b.ID]; !ok || version != b.Version {
				r.pending.add(b.ID)
			}
			delete(indexed, b.ID)
			after = b.ID
		}
		books += len(versions)
		if len(versions) < page {
			break
		}
	}
	for id := range indexed {
		r.pending.add(id)
	}
	return books, nil
}

// follow indexes what is queued until ctx ends, which is no error, or the engine fails. With
// once it ends when nothing is queued any more.
func (r *replica) follow(ctx context.Context, once bool) error {
	step := followBatch
	if once {
		step = buildBatch
	}
	for {
		ids := r.pending.take(step)
		if len(ids) == 0 {
			if once {
				return nil
			}
			select {
			case <-ctx.Done():
				return nil
			case <-r.pending.more:
			}
			continue
		}
		err := r.index(ctx, ids)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			r.pending.settle()
			r.unreadable = false
			continue
		case errors.Is(err, errEngine):
			return err
		}
		r.pending.putBack()
		r.couldNotRead(err)
		sleep(ctx, pause)
	}
}

// errEngine says that the engine failed, and not the catalogue.
var errEngine = errors.New("the search engine failed")

// index reads books and puts them into the index. It deletes those that the catalogue doesn't have.
func (r *replica) index(ctx context.Context, ids []uint) error {
	books, err := r.read(ctx, ids)
	if err != nil {
		return err
	}
	at := index.Position{Generation: r.generation, Version: r.engine.Position().Version}
	there := make(map[uint]bool, len(books))
	for _, b := range books {
		there[b.ID] = true
		at.Version = max(at.Version, b.Version)
	}
	gone := slices.DeleteFunc(slices.Clone(ids), func(id uint) bool { return there[id] })
	if err := r.engine.Apply(books, gone, at); err != nil {
		return fmt.Errorf("%w: %w", errEngine, err)
	}
	return nil
}

// read reads the books with these ids that exist, with all processors.
func (r *replica) read(ctx context.Context, ids []uint) ([]*model.Book, error) {
	parts := slices.Collect(slices.Chunk(ids, readBatch))
	read := make([][]*model.Book, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, part := range parts {
		group.Go(func() (err error) {
			read[i], err = r.books.GetBooks(ctx, part)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(read...), err
}

// couldNotRead logs the first of several failures of the catalogue.
func (r *replica) couldNotRead(err error) {
	if !r.unreadable && model.ErrorCode(err) != model.UnavailableNow { // the database has logged those
		r.log.Warn("books can't be read for the search index; retrying", "error", err)
	}
	r.unreadable = true
}
