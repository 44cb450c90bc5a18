package model

import (
	"strconv"
	"time"

	"github.com/google/uuid"
)

// ClickEvent says that a visitor opened a book of a search's result. It repeats the facts
// of the search, so nobody needs the search's event to count it. Its record has the search's
// id as its key, and CloudEvents 1.0 headers in binary mode.
type ClickEvent struct {
	// ID is ClickID: all clicks on one book of a result have the same one.
	ID string
	// TraceParent names the trace of the click's request, or is empty.
	TraceParent string
	// Source and Sequence are those of a SearchEvent, but the source ends in /clicks.
	Source   string
	Sequence uint64
	Time     time.Time
	// SearchID and SearchTime are ID and Time of the search; Keyword, Offset, Surface and
	// Tag are the search's as well.
	SearchID   string
	SearchTime time.Time
	Keyword    Keyword
	Offset     int
	Surface    Surface
	Tag        string
	// ClientID and Visitor are those of the search and of the click: a link that another
	// visitor was shown makes no click.
	ClientID string
	Visitor  string
	// Language is the first one that the click's browser asks for, as BCP 47 tag, or empty.
	Language string
	// Agent is who opened the book.
	Agent Agent
	Book  uint
	// Ordinal is the place of the book in the whole result, from 1.
	Ordinal int
}

// Key returns the key of the click's record.
func (e *ClickEvent) Key() string { return e.SearchID }

// ClickID returns the id of the clicks on a book of a search's result: a UUIDv5 in the
// namespace of the search.
func ClickID(search string, book uint) string {
	namespace, err := uuid.Parse(search)
	if err != nil { // another program's
		namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte(search))
	}
	return uuid.NewSHA1(namespace, []byte(strconv.FormatUint(uint64(book), 10))).String()
}

// VisitorErasedEvent says that a visitor asked to be forgotten. The visitor's searches and
// clicks up to Time stop counting. Its record has the visitor as its key.
type VisitorErasedEvent struct {
	// ID is a UUIDv7.
	ID string
	// TraceParent names the trace of the request, or is empty.
	TraceParent string
	Source      string
	Sequence    uint64
	Time        time.Time
	// Visitor is the ClientID or the Visitor of searches.
	Visitor string
}

// Key returns the key of the erasure's record.
func (e *VisitorErasedEvent) Key() string { return e.Visitor }
