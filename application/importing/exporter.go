package importing

import (
	"context"
	"fmt"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Exporter writes the catalogue to a file.
type Exporter struct {
	books gateway.BookExporter
}

// NewExporter returns an Exporter that reads from books.
func NewExporter(books gateway.BookExporter) *Exporter { return &Exporter{books: books} }

// Export writes every book to output, ordered by id, and returns their number.
// It may or may not include books that are written during the export.
func (e *Exporter) Export(ctx context.Context, output gateway.BookOutput) (books int, err error) {
	err = output.Write(func(add func(*model.ImportRow) error) error {
		for after := uint(0); ; {
			rows, err := e.books.ExportBooks(ctx, after)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, row := range rows {
				if err := add(row); err != nil {
					return fmt.Errorf("write book %d: %w", row.Book.ID, err)
				}
				books++
			}
			after = rows[len(rows)-1].Book.ID
		}
	})
	return books, err
}
