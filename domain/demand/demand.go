// Package demand defines what shoppers look for and the shop doesn't have: which keywords belong to
// one entry of the order list, and which entries come first. It must not know where keywords come
// from or how entries are stored.
package demand

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
)

// State is what becomes of an entry.
type State string

const (
	Open    State = "open"
	Ordered State = "ordered"
	Ignored State = "ignored"
	// Done is what staff say, and what an entry becomes when the shop has a book for it.
	Done State = "done"
)

// States are all states.
var States = [...]State{Open, Ordered, Ignored, Done}

// Waiting reports whether the entry still waits for a book.
func (s State) Waiting() bool { return s == Open || s == Ordered }

// MaxNote is the longest note, in code points.
const MaxNote = 200

// Keyword is a keyword that found nothing as typed.
type Keyword struct {
	// Number is that of the trends, 0 if it is only known from requests.
	Number int64
	Folded string
	Numbers
	// Visitors are the daily visitors that found nothing, each as a number of its own.
	Visitors []uint64
	// Meant is the folded keyword to which the search engine corrects it, or empty.
	Meant string
}

// Numbers are those of searches that found nothing.
type Numbers struct {
	// Searches found nothing as typed; Rescued are those of them that showed books all the same.
	Searches, Rescued int64
	// Week are the searches of the last days, WeekBefore those of as many days before.
	Week, WeekBefore int64
	// LastAsked is the begin of the half hour of the last search.
	LastAsked time.Time
}

// Add adds other numbers.
func (n *Numbers) Add(other Numbers) {
	n.Searches += other.Searches
	n.Rescued += other.Rescued
	n.Week += other.Week
	n.WeekBefore += other.WeekBefore
	if other.LastAsked.After(n.LastAsked) {
		n.LastAsked = other.LastAsked
	}
}

// Stored is what is kept of a keyword that somebody has requested, or that isn't open any more.
type Stored struct {
	// Keyword is as it was typed.
	Keyword string
	State   State
	Note    string
	// Requests are visitors who asked the shop for it, RequestedAt is the last time.
	Requests    int64
	RequestedAt time.Time
	// DecidedAt is when staff last set the state; zero if they never did.
	DecidedAt time.Time
	// ClosedAt is when the entry became done, Book the one that was found, or 0.
	ClosedAt time.Time
	Book     uint
}

// decided reports whether more is known of the keyword than requests.
func (s *Stored) decided() bool { return s != nil && (!s.DecidedAt.IsZero() || !s.ClosedAt.IsZero()) }

// Request is a visitor's wish for a book.
type Request struct {
	Keyword model.Keyword
	// Once is the same for all requests of a visitor for a keyword, so that one is stored.
	Once [sha256.Size]byte
	At   time.Time
}

// Entry is one thing that shoppers look for, in all its spellings.
type Entry struct {
	// ID stands for the folded keyword.
	ID string
	Stored
	Numbers
	DailyVisitors int64
	// ISBN is the keyword if that is a valid one.
	ISBN string
	// Keywords are all spellings, those searched most first. The first one gives the entry its
	// name, unless another one was decided on.
	Keywords []*Keyword
}

// ID returns the id of the entry that a keyword gives its name.
func ID(keyword string) string {
	sum := sha256.Sum256([]byte(model.Fold(keyword)))
	return hex.EncodeToString(sum[:8])
}

// isbnOf returns the ISBN that a folded keyword is. A short number is rather something else.
func isbnOf(folded string) string {
	if isbn, ok := model.ParseISBN(folded); ok && len(folded) >= 10 {
		return isbn
	}
	return ""
}

// Rescued reports whether every search showed other books, and nobody has asked for this one.
func (e *Entry) Rescued() bool {
	return e.Requests == 0 && e.ISBN == "" && e.Searches > 0 && e.Numbers.Rescued == e.Searches
}

// rank is the group of the entry: ISBNs, requests, others, and those with other books.
func (e *Entry) rank() int {
	switch {
	case e.Rescued():
		return 3
	case e.ISBN != "":
		return 0
	case e.Requests > 0:
		return 1
	}
	return 2
}

// Texts returns the spellings, the entry's name first.
func (e *Entry) Texts() []string {
	texts := []string{e.Stored.Keyword}
	for _, k := range e.Keywords {
		if !slices.Contains(texts, k.Folded) {
			texts = append(texts, k.Folded)
		}
	}
	return texts
}
