package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
)

// pairs is the folder with pairs of books, seen from the top of the repository.
const pairs = "domain/work/testdata"

// editions tells works apart, and groups the editions of one.
func (e *eval) editions(context.Context) error {
	merged, grouped := e.newScore("two works: merged", "0 %"), e.newScore("two editions of one work: grouped", "90 %")
	merged.bad = true
	for file, s := range map[string]*score{"apart.csv": merged, "together.csv": grouped} {
		f, err := os.Open(filepath.Join(pairs, file))
		if errors.Is(err, fs.ErrNotExist) {
			log.Printf("editions aren't measured: there is no %s here", pairs)
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := csv.NewReader(f).ReadAll()
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, r := range rows[1:] {
			a, b := &model.Book{Title: r[0], Author: r[1], Language: r[2]}, &model.Book{Title: r[3], Author: r[4], Language: r[5]}
			keyA, okA := work.Key(a)
			keyB, okB := work.Key(b)
			e.add(s, okA && okB && keyA == keyB, r[0]+" / "+r[3], []*model.Book{a, b}, &model.SearchResult{})
		}
	}
	return nil
}
