package gateway

import (
	"io"

	"literank.com/event-books/domain/model"
)

// BookFile is a file of books, open for reading. It is used by one goroutine.
type BookFile interface {
	// Next returns the next row. A *model.RowError rejects one row; the next
	// call returns the row after it. io.EOF is the end of the file. After any
	// other error the rest of the file can't be read.
	Next() (*model.ImportRow, error)
	// CanRewind reports whether the file's path leads to the same file when it
	// is opened again: a pipe or standard input can be read only once.
	CanRewind() bool
	// Rewind goes back to the beginning by opening the file again.
	Rewind() error

	// KeepRejected opens the file, at path, that keeps the rejected rows of
	// this one. job identifies the import: rows that another job left there
	// aren't used. alone is false if another process is doing the same job at
	// the moment. Then the rows of both stay apart until they are finished.
	KeepRejected(path, job string) (rows RejectedRows, alone bool)
	// RejectedPath is the default path for KeepRejected, beside the file.
	RejectedPath() string

	// Format names the format, the encoding and the compression for people:
	// "JSON Lines in UTF-8, gzip".
	Format() string
	// Source names the catalogue that the file's ids belong to. It is empty if
	// the ids belong to no known catalogue; then they aren't used.
	Source() string
	// Columns returns the columns that feed a field of a book, and the names of
	// the others. For JSON Lines and ONIX it knows those that were read so far.
	Columns() (used []Column, ignored []string)
	// Progress returns how many bytes of the file were read and how many it
	// has; size is 0 if that isn't known. Compressed bytes count.
	Progress() (read, size int64)

	io.Closer
}

// Column is a column of a CSV file, a key of JSON Lines or an element of ONIX.
type Column struct {
	// Name is the column's name in the file, Field the name of the field of a
	// book that it feeds.
	Name, Field string
}
