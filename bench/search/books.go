//go:build unix

package main

import (
	"errors"
	"io"
	"path/filepath"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
)

// bench is what is measured, and with which books.
type bench struct {
	dir                  string
	wanted, passes, runs int
	only, profile, kept  string

	books []model.Book // of the file
}

// load reads the catalogue. Popularity and year are synthetic: it has neither.
func (b *bench) load() error {
	f, err := catalog.Open(filepath.Join(b.dir, "gutenberg.jsonl.gz"), gateway.FileOptions{})
	if err != nil {
		return err
	}
	defer f.Close()
	for len(b.books) < b.wanted {
		row, err := f.Next()
		var rejected *model.RowError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &rejected):
			continue
		case err != nil:
			return err
		}
		b.books = append(b.books, row.Book)
	}
	return nil
}

// book returns the n-th book, from 0.
func (b *bench) book(n int) *model.Book {
	book := b.books[n%len(b.books)]
	book.ID = uint(n + 1)
	mixed := uint64(n+1) * 0x9E3779B97F4A7C15 >> 32
	book.Popularity = int64(1) << (mixed % 20)
	book.PublishedAt = years[mixed>>8%uint64(len(years))]
	if mixed>>16%3 == 0 {
		book.Availability = model.InStock
	}
	return &book
}

var years = []string{"1813", "1851", "1869", "1887", "1899", "1908", "1913", "1922", "1937", "1954", "1965", "1977", "1984", "1991", "1999", "2004", "2011", "2019"}
