// Package cache keeps rows of books in memory, in front of the catalogue's reads by id. The
// catalogue's changes say which entries are out of date. Entries come from the database
// alone, so a wrong record in the topic costs a read, and no truth.
package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Books is a BookManager that answers reads from memory where it can.
type Books struct {
	gateway.BookManager
	entries atomic.Pointer[entries]
	options Options

	evicted      *stats.Counter // otter counts changes as reads, too
	hits, misses atomic.Uint64
}

type entries = otter.Cache[uint, *model.Book]

// Options are the settings of a cache.
type Options struct {
	// MaxBytes bounds the cache.
	MaxBytes int
	// MaxAge is how long an entry is kept; 0 = for ever. It is for databases that other
	// programs write to: what they change back before anyone notices, such as a book that
	// comes and goes, is no change.
	MaxAge time.Duration
	// Current returns false while changes may be missing. Then reads don't use the cache.
	Current func() bool
}

// New returns a cache in front of next.
func New(next gateway.BookManager, options Options) *Books {
	c := &Books{BookManager: next, options: options, evicted: stats.NewCounter()}
	c.Clear()
	return c
}

// Clear drops everything, because changes were missed. What is being read is not kept.
func (c *Books) Clear() {
	options := otter.Options[uint, *model.Book]{
		MaximumWeight: uint64(c.options.MaxBytes),
		Weigher:       func(_ uint, b *model.Book) uint32 { return size(b) },
		StatsRecorder: c.evicted,
		Logger:        &otter.NoopLogger{}, // errors of reading are returned
	}
	if c.options.MaxAge > 0 {
		options.ExpiryCalculator = otter.ExpiryCreating[uint, *model.Book](c.options.MaxAge)
	}
	dropped := c.entries.Swap(otter.Must(&options))
	if dropped != nil {
		dropped.StopAllGoroutines()
	}
}

// Close ends the cache's goroutine.
func (c *Books) Close() { c.entries.Load().StopAllGoroutines() }

// size returns about how many bytes an entry takes.
func size(b *model.Book) uint32 {
	const fixed = 512 // the struct, and what otter keeps for an entry
	n := fixed + len(b.Title) + len(b.Author) + len(b.PublishedAt) + len(b.Description) + len(b.ISBN) + len(b.Language) +
		len(b.Publisher) + len(b.Series) + len(b.Edition) + len(b.Price) + len(b.Currency) + len(b.BuyURL) + len(b.CoverURL)
	for _, list := range [][]string{b.Subjects, b.AuthorAliases} {
		for _, text := range list {
			n += 16 + len(text)
		}
	}
	return uint32(min(n, 1<<31))
}

// GetBook reads a book. Of several calls at once for a book that isn't cached, one reads it.
func (c *Books) GetBook(ctx context.Context, id uint) (*model.Book, error) {
	if !c.options.Current() {
		return c.BookManager.GetBook(ctx, id)
	}
	missed := 0
	b, err := c.entries.Load().Get(ctx, id, otter.LoaderFunc[uint, *model.Book](func(ctx context.Context, id uint) (*model.Book, error) {
		missed = 1
		b, err := c.BookManager.GetBook(ctx, id)
		if model.ErrorCode(err) == model.NotFound {
			err = fmt.Errorf("%w: %w", otter.ErrNotFound, err) // GetBooks may wait for this, too
		}
		return b, err
	}))
	c.count(1, missed)
	if errors.Is(err, otter.ErrNotFound) && model.ErrorCode(err) != model.NotFound {
		return c.BookManager.GetBook(ctx, id) // this has waited for a GetBooks, which left the book out
	}
	if err != nil {
		return nil, err
	}
	return own(b), nil
}

// GetBooks reads books. See gateway.BookManager.
func (c *Books) GetBooks(ctx context.Context, ids []uint) ([]*model.Book, error) {
	if !c.options.Current() {
		return c.BookManager.GetBooks(ctx, ids)
	}
	missed := 0
	found, err := c.entries.Load().BulkGet(ctx, ids, otter.BulkLoaderFunc[uint, *model.Book](func(ctx context.Context, ids []uint) (map[uint]*model.Book, error) {
		missed = max(missed, len(ids)) // otter asks again for books that change meanwhile
		return c.read(ctx, ids)
	}))
	c.count(len(ids), missed)
	if err != nil {
		return nil, err
	}
	books := make([]*model.Book, 0, len(ids))
	for _, id := range ids {
		if b, ok := found[id]; ok {
			books = append(books, own(b))
		}
	}
	return books, nil
}

// ChangeBook changes a book. See gateway.BookManager. If it fails, the entry is dropped:
// whoever reads the book again gets the state that the change was refused for.
func (c *Books) ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	b, err := c.BookManager.ChangeBook(ctx, id, change)
	if err != nil {
		c.Apply(&model.Change{BookID: id})
	}
	return b, err
}

func (c *Books) read(ctx context.Context, ids []uint) (map[uint]*model.Book, error) {
	books, err := c.BookManager.GetBooks(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[uint]*model.Book, len(books))
	for _, b := range books {
		found[b.ID] = b
	}
	return found, nil
}

func (c *Books) count(reads, missed int) {
	c.hits.Add(uint64(reads - missed))
	c.misses.Add(uint64(missed))
}

// own returns a copy that its reader may change.
func own(b *model.Book) *model.Book {
	copied := *b
	copied.Subjects = slices.Clone(b.Subjects)
	copied.AuthorAliases = slices.Clone(b.AuthorAliases)
	if b.Stock != nil {
		copied.Stock = new(*b.Stock)
	}
	return &copied
}

// Apply drops the entry that a change makes out of date, and makes reads of the book that
// are under way begin again. A change that isn't newer than the entry does nothing, unless
// it has no version.
func (c *Books) Apply(change *model.Change) {
	c.entries.Load().Compute(change.BookID, func(entry *model.Book, found bool) (*model.Book, otter.ComputeOp) {
		if found && change.Version != 0 && entry.Version >= change.Version {
			return entry, otter.CancelOp
		}
		return nil, otter.InvalidateOp
	})
}

// Stats counts reads and evictions since the start, and the bytes in use.
type Stats struct {
	Hits, Misses, Evictions, Bytes uint64
}

// Stats returns what the cache has done.
func (c *Books) Stats() Stats {
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(),
		Evictions: c.evicted.Snapshot().Evictions, Bytes: c.entries.Load().WeightedSize(),
	}
}
