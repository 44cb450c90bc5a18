package gateway

import (
	"io"

	"literank.com/event-books/domain/model"
)

// BookSource reads the books of one file, one after the other. It is used by
// one goroutine.
type BookSource interface {
	// Next returns the next row. A *model.RowError rejects one row, and the
	// next call goes on behind it; io.EOF is the end; any other error means
	// that the rest can't be read.
	Next() (*model.ImportRow, error)
	io.Closer
}
