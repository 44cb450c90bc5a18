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
	// external id, else by its ISBN, else by its FormerISBN, else by its
	// fingerprint and ordinal or by one of its Alternatives; of several books it
	// takes the oldest. The rows must be valid and must differ in identity. If it
	// returns an error, it stored nothing and the call can be repeated.
	ImportBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
	// PreviewBooks returns what ImportBooks would return, and stores nothing.
	PreviewBooks(ctx context.Context, rows []*model.ImportRow) ([]model.ImportResult, error)
	// Authors returns the author lines of up to 10,000 books with ids above after,
	// ordered by id, and the last of these ids. At the end it returns none.
	Authors(ctx context.Context, after uint) (authors []string, last uint, err error)
}
