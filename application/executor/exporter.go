package executor

import (
	"context"
	"fmt"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Exporter gives out the books of the catalogue.
type Exporter struct {
	books gateway.BookExporter
}

func NewExporter(books gateway.BookExporter) *Exporter { return &Exporter{books: books} }

// Export calls write for every book, in the order of their ids, and returns
// how many there were. Books that are written meanwhile may be missed or not.
func (e *Exporter) Export(ctx context.Context, write func(*model.ImportRow) error) (books int, err error) {
	for after := uint(0); ; {
		rows, err := e.books.ExportBooks(ctx, after)
		if err != nil || len(rows) == 0 {
			return books, err
		}
		for _, row := range rows {
			if err := write(row); err != nil {
				return books, fmt.Errorf("write book %d: %w", row.Book.ID, err)
			}
			books++
		}
		after = rows[len(rows)-1].Book.ID
	}
}
