package model

import "time"

// Change says that a book was created, updated or deleted.
type Change struct {
	BookID uint
	// Version orders the changes of all books. It is unique within a generation of the
	// catalogue. Of two changes of a book, the one with the higher version counts.
	Version int64
	Kind    ChangeKind
	Time    time.Time
	// Book is the book as it was at Version or later. It is nil if the book is deleted,
	// or if the change was read without it or has only a part of it.
	Book *Book
}

// BookVersion is the version of the last change of a book, or 0 if the book is older than
// versions are.
type BookVersion struct {
	ID      uint
	Version int64
}

// ChangeKind is the kind of a Change.
type ChangeKind string

const (
	BookCreated ChangeKind = "created"
	BookUpdated ChangeKind = "updated"
	BookDeleted ChangeKind = "deleted"
)

// Generation names a history of versions. It changes when a catalogue was restored from a
// backup: then versions are given a second time, and everything that was derived from
// the catalogue's changes must be built again.
type Generation struct {
	// Database and Restored are random texts. Database belongs to the catalogue's
	// database, Restored changes with each restoring that was noticed.
	Database, Restored string
}
