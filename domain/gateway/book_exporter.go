package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookExporter reads the whole catalogue in pages.
type BookExporter interface {
	// ExportBooks returns up to 1,000 books with ids above after, ordered by
	// id, as rows that an import recognises. At the end it returns none.
	ExportBooks(ctx context.Context, after uint) ([]*model.ImportRow, error)
}
