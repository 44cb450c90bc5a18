package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookExporter gives out the whole catalogue.
type BookExporter interface {
	// ExportBooks returns up to 1,000 books with ids above after, in the order
	// of their ids, as rows that an import recognises; none at the end.
	ExportBooks(ctx context.Context, after uint) ([]*model.ImportRow, error)
}
