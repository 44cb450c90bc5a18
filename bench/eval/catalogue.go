package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/index"
)

// catalogues are indexed together. Ids of a file count from first.
var catalogues = []struct {
	name, file string
	first      uint
}{
	{"gutenberg", "gutenberg.jsonl.gz", 0},
	{"goodbooks", "goodbooks10k.csv", 1_000_000},
	{"free", "free_programming_books.csv", 2_000_000},
}

// batch is the number of books that are indexed at once.
const batch = 2000

func (e *eval) load(ctx context.Context) error {
	e.books, e.folded = map[uint]*model.Book{}, map[string]bool{}
	kept := e.index.Position() == done
	for _, c := range catalogues {
		if err := e.loadFile(ctx, filepath.Join(e.dir, c.file), c.first, kept); err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
	}
	return e.index.Apply(nil, nil, done)
}

// done is the position of an index that has all books.
var done = index.Position{Version: 1}

// loadFile reads a file, and indexes its books unless the index was kept.
func (e *eval) loadFile(ctx context.Context, file string, first uint, kept bool) error {
	f, err := catalog.Open(file, gateway.FileOptions{})
	if err != nil {
		return err
	}
	defer f.Close()
	var books []*model.Book
	for line := uint(1); ctx.Err() == nil; line++ {
		row, err := f.Next()
		var rejected *model.RowError
		switch {
		case errors.Is(err, io.EOF):
			return e.index.Apply(books, nil, index.Position{})
		case errors.As(err, &rejected):
			continue
		case err != nil:
			return err
		}
		b := row.Book
		b.ID = first + line
		if id, err := strconv.ParseUint(row.ExternalID, 10, 32); err == nil {
			b.ID = first + uint(id)
		}
		e.books[b.ID] = &b
		e.ids = append(e.ids, b.ID)
		e.folded[model.Fold(b.Title)] = true
		if kept {
			continue
		}
		if books = append(books, &b); len(books) == batch {
			if err := e.index.Apply(books, nil, index.Position{}); err != nil {
				return err
			}
			books = nil
		}
	}
	return ctx.Err()
}

// rows reads a file of queries, by column, but only those that are measured.
func (e *eval) rows(name string) ([]map[string]string, error) {
	f, err := os.Open(filepath.Join(e.dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var rows []map[string]string
	for i := 1; i < len(lines); i += e.every {
		row := map[string]string{}
		for column, value := range lines[i] {
			row[lines[0][column]] = value
		}
		rows = append(rows, row)
	}
	return rows, nil
}
