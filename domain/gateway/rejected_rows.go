package gateway

import "literank.com/event-books/domain/model"

// RejectedRows keeps the rows of a file that can't be taken, so that they can
// be mended and imported again. It is used by one goroutine.
type RejectedRows interface {
	// Keep adds a row.
	Keep(row *model.RowError) error
	// Sync makes what is kept outlast a crash and returns how much that is, in bytes.
	Sync() (size int64, err error)
	// Resume keeps the first size bytes of what an interrupted import has
	// left, and reports whether they are there.
	Resume(size int64) (ok bool, err error)
	// Finish is the last call of an import that came to its end; whole: that
	// was the end of the file.
	Finish(whole bool) error
}
