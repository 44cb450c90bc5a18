package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookImporter stores many books at once.
type BookImporter interface {
	// ImportBooks creates, updates or deletes a book for each row, at most
	// model.MaxImportBatch of them, in one transaction. It returns one result
	// for each row, in the same order. It recognises a book by its source and
	// external id, else by its ISBN, else by its fingerprint and ordinal. The
	// rows must be valid and must differ in identity. If it returns an error,
	// it stored nothing and the call can be repeated.
	ImportBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
	// PreviewBooks returns what ImportBooks would return, and stores nothing.
	PreviewBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
}
