package gateway

import (
	"io"

	"literank.com/event-books/domain/model"
)

// RejectedRows keeps the rejected rows of one file, in a file of their own, so
// that they can be corrected and imported. It is used by one goroutine.
type RejectedRows interface {
	// Keep adds a row.
	Keep(row *model.RowError) error
	// Sync makes the rows kept so far durable and returns their size in bytes.
	Sync() (size int64, err error)
	// Resume keeps the first size bytes that an interrupted import of the same
	// job left, and drops the rest. ok is false if fewer bytes are there.
	Resume(size int64) (ok bool, err error)
	// Finish is called at most once, when the import is over. complete is false if
	// the file could not be read to its end.
	Finish(complete bool) error
	// Path is the path of the finished file, or empty if no row was kept.
	Path() string
	// Source is the source that the import of the finished file must name, so that
	// its ids are those of the first file. It is empty if none is needed.
	Source() string
	// Closer ends the job. It leaves the rows of an unfinished import for Resume.
	io.Closer
}
