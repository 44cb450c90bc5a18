// Command eval measures how well the search engine finds the books of TEST_DATA_DIR: by their
// titles as they are, quoted and misspelt, and by the names of their authors. It indexes three
// catalogues together and prints a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/bleve"
)

func main() {
	var e eval
	flag.IntVar(&e.show, "show", 0, "print the first `n` failures of each measure")
	flag.StringVar(&e.keep, "index", "", "keep the index in `folder`, and use the one that is there")
	flag.IntVar(&e.every, "every", 1, "use every `n`th query only")
	only := flag.String("only", "", "measure only what has this in its `name`")
	profile := flag.String("profile", "", "write a CPU profile of the searches to `file`")
	flag.Parse()
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if e.dir = os.Getenv("TEST_DATA_DIR"); e.dir == "" {
		fmt.Println("skipped: TEST_DATA_DIR is not set")
		return
	}
	if err := e.run(ctx, *only, *profile); err != nil {
		stop()
		log.Fatal(err)
	}
}

// eval is an index of the catalogues, and what is measured with it.
type eval struct {
	dir         string
	show, every int
	keep        string

	index  *bleve.Index
	books  map[uint]*model.Book
	ids    []uint          // in order
	folded map[string]bool // all titles, folded
	scores []*score
}

func (e *eval) run(ctx context.Context, only, profile string) (err error) {
	folder := e.keep
	if folder == "" {
		if folder, err = os.MkdirTemp("", "event-books-eval-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	if e.index, err = bleve.Open(filepath.Join(folder, "index"), slog.Default()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.index.Close()) }()
	began := time.Now()
	if err := e.load(ctx); err != nil {
		return err
	}
	log.Printf("%d books loaded in %.1f s", len(e.books), time.Since(began).Seconds())
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, m := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"titles", e.titles}, {"typos", e.typos}, {"inverted names", e.invertedNames}, {"aliases", e.aliases},
		{"rare words", e.rareWords}, {"rare words beside typos", e.rareBesideTypos},
		{"library", e.library}, {"relations", e.relations}, {"suggestions", e.suggestions}, {"editions", e.editions},
	} {
		if !strings.Contains(m.name, only) {
			continue
		}
		began := time.Now()
		if err := m.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		log.Printf("%s: %.1f s", m.name, time.Since(began).Seconds())
	}
	fmt.Println("\n| queries | number | asked | reached |\n|---|---|---|---|")
	for _, s := range e.scores {
		fmt.Println(s)
	}
	return nil
}

// search runs one query and returns the books found, as many as limit.
func (e *eval) search(ctx context.Context, query string, limit int) ([]*model.Book, *model.SearchResult, error) {
	keyword, err := model.ParseKeyword(query)
	if err != nil {
		return nil, nil, fmt.Errorf("%q: %w", query, err)
	}
	result, err := e.index.SearchBooks(ctx, model.Search{Keyword: keyword, Limit: limit})
	if err != nil {
		return nil, nil, fmt.Errorf("%q: %w", query, err)
	}
	books := make([]*model.Book, len(result.IDs))
	for i, id := range result.IDs {
		books[i] = e.books[id]
	}
	return books, result, nil
}
