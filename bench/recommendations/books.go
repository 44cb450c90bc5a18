package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"literank.com/event-books/application/recommending"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/infrastructure/database"
)

// books is the catalogue of a shop that isn't running.
type books struct{ db *database.DB }

func openBooks(ctx context.Context, folder string) (*books, error) {
	db, err := database.OpenSQLite(filepath.Join(folder, "books.db"), slog.Default())
	if err != nil {
		return nil, err
	}
	return &books{db}, db.Migrate(ctx)
}

func (b *books) close() error { return b.db.Close() }

// recommender compares contents, too. The database finds similar books.
func (b *books) recommender(counts gateway.InterestReader) *recommending.Recommender {
	return recommending.New(counts, b.db, recommending.NewContents(b.db, b.db, slog.Default()))
}
