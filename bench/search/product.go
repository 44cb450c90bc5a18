//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
)

const (
	// buildBatch is the number of books that are indexed at once when an index is built.
	buildBatch = 2000
	// changesPerSecond is how often a book changes while the search engine is measured.
	changesPerSecond = 20
	// changedBefore is the share of books that change before.
	changedBefore = 0.05
	// changeBatch is the number of those that change at once.
	changeBatch = 50
)

// product measures the search engine: 5 % of the books have changed since it was built, and more
// change meanwhile.
func (b *bench) product(ctx context.Context, sets []*set) (o *outcome, err error) {
	folder := b.kept
	if folder == "" {
		if folder, err = os.MkdirTemp("", "event-books-search-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	before := anonymous()
	x, err := bleve.Open(filepath.Join(folder, "index"), slog.Default())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	o = &outcome{}
	if x.Segments() == 0 {
		if err := b.profiled("index", func() error { return b.build(ctx, x, o) }); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := errors.Join(x.Sync(), x.Compact(ctx)); err != nil { // as the shop does
			return nil, err
		}
		if err := settled(ctx, x); err != nil {
			return nil, err
		}
		log.Printf("compacted in %.1f s: %d segments", time.Since(began).Seconds(), x.Segments())
	}
	random := rand.New(rand.NewPCG(5, 5))
	began := time.Now()
	for range int(float64(b.wanted) * changedBefore / changeBatch) {
		var changed []*model.Book
		for range changeBatch {
			changed = append(changed, b.changed(random.IntN(b.wanted)))
		}
		if err := x.Apply(changed, nil, index.Position{}); err != nil {
			return nil, err
		}
	}
	log.Printf("5 %% changed in %.1f s", time.Since(began).Seconds())
	if err := settled(ctx, x); err != nil {
		return nil, err
	}
	log.Printf("%d segments", x.Segments())
	stopped, done := make(chan struct{}), sync.WaitGroup{}
	var changing error
	done.Go(func() { changing = b.changes(x, stopped) })
	err = b.profiled("search", func() error {
		o.times, err = b.measure(ctx, sets, func(ctx context.Context, k kind, query string) error { return searchProduct(ctx, x, k, query) })
		return err
	})
	close(stopped)
	done.Wait()
	if err = errors.Join(err, changing); err != nil {
		return nil, err
	}
	o.parts = x.Segments()
	o.memory = anonymous() - before
	o.disk, err = sizeOf(folder)
	return o, err
}

// settled waits until no segments are merged any more.
func settled(ctx context.Context, x *bleve.Index) error {
	for since := time.Now(); time.Since(since) < time.Second; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if x.Merging() {
			since = time.Now()
		}
	}
	return nil
}

// profiled runs a part of the measurement, and writes a CPU profile of it if that is wanted.
func (b *bench) profiled(part string, run func() error) error {
	if b.profile == "" {
		return run()
	}
	f, err := os.Create(b.profile + "." + part)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

// build indexes all books.
func (b *bench) build(ctx context.Context, x *bleve.Index, o *outcome) error {
	began := time.Now()
	for n := 0; n < b.wanted && ctx.Err() == nil; {
		var books []*model.Book
		for ; n < b.wanted && len(books) < buildBatch; n++ {
			books = append(books, b.book(n))
		}
		if err := x.Apply(books, nil, index.Position{}); err != nil {
			return err
		}
	}
	took := time.Since(began)
	o.perSecond = float64(b.wanted) / took.Seconds()
	log.Printf("%d books indexed in %.1f s: %.0f/s", b.wanted, took.Seconds(), o.perSecond)
	return ctx.Err()
}

// changed returns the n-th book after a change.
func (b *bench) changed(n int) *model.Book {
	book := b.book(n)
	book.Popularity++
	book.Version++
	return book
}

// changes changes books until it is stopped.
func (b *bench) changes(x *bleve.Index, stopped <-chan struct{}) error {
	ticker := time.NewTicker(time.Second / changesPerSecond)
	defer ticker.Stop()
	random := rand.New(rand.NewPCG(20, 20))
	for {
		select {
		case <-stopped:
			return nil
		case <-ticker.C:
			if err := x.Apply([]*model.Book{b.changed(random.IntN(b.wanted))}, nil, index.Position{}); err != nil {
				return fmt.Errorf("change a book: %w", err)
			}
		}
	}
}

func searchProduct(ctx context.Context, x *bleve.Index, k kind, query string) error {
	if k == typing {
		_, err := x.Suggest(ctx, model.Keyword(query), 8)
		return err
	}
	keyword, err := model.ParseKeyword(query)
	if err != nil {
		return err
	}
	_, err = x.SearchBooks(ctx, model.Search{Keyword: keyword, Limit: 10, WithFacets: k == faceted})
	return err
}
