package index

import (
	"context"
	"errors"
	"iter"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Engine is a search engine that keeps a copy of the catalogue's books. Its methods may be
// called concurrently, but for each book, one Apply at a time.
type Engine interface {
	gateway.BookIndex
	// Apply adds books, or replaces them, and deletes others; at becomes the position. A search
	// that begins afterwards shows it, and none shows a part of it. After a crash, the index may
	// have a part of it, but never the position without the content.
	Apply(put []*model.Book, deleted []uint, at Position) error
	// Position returns that of the last Apply, or the zero value.
	Position() Position
	// Versions yields ids and versions of all books. The caller must range over them once. A
	// book may come twice after damage.
	Versions() (iter.Seq2[uint, int64], error)
	// Compact reorganises what is on disk (Sync), so that searches are fast after many changes. It
	// takes long; searches and Apply go on meanwhile. It ends early, without an error, if ctx ends.
	Compact(ctx context.Context) error
	// Failed returns what broke the engine, or nil. A broken engine returns errors or wrong
	// answers.
	Failed() error
	// Sync waits until everything that was applied is on disk. It fails if the disk refuses.
	Sync() error
	Close() error
}

var (
	// ErrDamaged says that the files of an index aren't as the engine wrote them, or that it
	// can't read them.
	ErrDamaged = errors.New("the index is damaged")
	// ErrQuestion says that the engine can't answer this question because of a bug; others it
	// can.
	ErrQuestion = errors.New("the search engine can't answer this")
	// ErrFormat says that another version of this program wrote the index.
	ErrFormat = errors.New("the index has another format")
)

// Position says which state of the catalogue an index has. It is stored with the content.
type Position struct {
	Generation model.Generation
	// Version is the highest version of a book that the index has had.
	Version int64
}
