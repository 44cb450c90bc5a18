package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookImporter takes many books into the catalogue at once.
type BookImporter interface {
	// ImportBooks creates, updates or deletes a book for each row, at most
	// model.MaxImportBatch, in one transaction, and returns one result per
	// row in their order. A book is recognised by, in this order, its source
	// and external id; its ISBN; else its fingerprint and ordinal. Rows are
	// valid and differ in identity from each other. When it returns an error
	// nothing was stored, and the call can be repeated.
	ImportBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
	// PreviewBooks tells what ImportBooks would do, and stores nothing.
	PreviewBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
}
