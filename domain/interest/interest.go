// Package interest defines what recommendations mean: sessions of visitors, weights of days,
// counts of books and pairs, when a pair may be shown, and how books are scored. Every count
// depends on the events alone, whatever the order in which they arrive. It must not know where
// events come from, how counts are stored, or what a recommendation looks like.
package interest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// MaxBooks is how many books of a session count: a visitor who opens thousands makes at most
	// 435 pairs a day.
	MaxBooks = 30
	// KeepDays is how long what single visitors opened is kept.
	KeepDays = 30
	// HalfLife is the number of days after which a count is worth half.
	HalfLife = 60
	// Origin is the day whose weight is 1, 2026-01-01. Weights double every 60 days, so a sum of
	// 2^40 of them overflows a float64 160 years later.
	Origin trend.Day = 20454
)

// Opening is a click event, as it counts for recommendations.
type Opening struct {
	Visitor trend.Visitor
	Book    uint
	At      time.Time
}

// NewOpening returns an event as it counts, and false if it doesn't: nobody knows who opened the
// book, or a program did, or a simulated shopper. record is the time of its record.
func NewOpening(e *model.ClickEvent, record time.Time) (*Opening, bool) {
	c := trend.NewClick(e, record)
	if c.Visitor == "" || c.Book == 0 || e.Agent == model.BotAgent || c.Surface == model.DemoSurface {
		return nil, false
	}
	return &Opening{Visitor: c.Visitor, Book: c.Book, At: c.At}, true
}

// ErasedDay returns the last day that an erasure takes away. An erasure takes whole days: what its
// visitor opens later on the same day doesn't count either.
func ErasedDay(e *trend.Erasure) trend.Day { return trend.DayOf(e.Until) }

// weightBits is the precision of a weight. Sums of such short numbers are exact, so adding and
// taking away give the same count in any order. Only counts of more than 2^37 sessions, or of
// 2^18 over three years, are rounded.
const weightBits = 16

// Weight is what a session of a day adds to a count. It differs from 2^((day-Origin)/60) by less
// than 1/2^16 of it.
func Weight(day trend.Day) float64 {
	fraction, exponent := math.Frexp(math.Exp2(float64(day-Origin) / HalfLife))
	return math.Ldexp(math.Round(math.Ldexp(fraction, weightBits)), exponent-weightBits)
}

// Worth returns what a count is worth on a day: the number of sessions, if all were of that day.
func Worth(count float64, today trend.Day) float64 {
	return count * math.Exp2(-float64(today-Origin)/HalfLife)
}

// Opened is a book and the time at which it was opened, in unix milliseconds.
type Opened struct {
	Book uint
	At   int64
}

func (o Opened) compare(other Opened) int {
	return cmp.Or(cmp.Compare(o.At, other.At), cmp.Compare(o.Book, other.Book))
}

// Session has the first MaxBooks different books that a visitor opened on one UTC day, each with
// the time at which it was first opened, ordered by time and book. It is the same in whatever
// order books are added, since a book that was pushed out can only return with an earlier time.
type Session []Opened

// Add adds a book, and reports whether the session has changed.
func (s *Session) Add(o Opened) bool {
	list := *s
	if i := slices.IndexFunc(list, func(known Opened) bool { return known.Book == o.Book }); i >= 0 {
		if list[i].At <= o.At {
			return false
		}
		list = slices.Delete(list, i, i+1)
	} else if len(list) == MaxBooks {
		if list[MaxBooks-1].compare(o) < 0 {
			return false
		}
		list = list[:MaxBooks-1]
	}
	at, _ := slices.BinarySearchFunc(list, o, Opened.compare)
	*s = slices.Insert(list, at, o)
	return true
}

// Books returns the books, in ascending order.
func (s Session) Books() []uint {
	books := make([]uint, len(s))
	for i, o := range s {
		books[i] = o.Book
	}
	slices.Sort(books)
	return books
}

// Pair is two different books, the one with the smaller id first.
type Pair struct{ A, B uint }

// PairOf returns the pair of two books.
func PairOf(a, b uint) Pair { return Pair{min(a, b), max(a, b)} }

// Compare orders pairs.
func (p Pair) Compare(other Pair) int {
	return cmp.Or(cmp.Compare(p.A, other.A), cmp.Compare(p.B, other.B))
}

// Difference calls book and pair for what a session counts after a change and didn't before, with
// 1, and for what it no longer counts, with -1. before and after are its books in ascending order.
func Difference(before, after []uint, book func(id uint, n int), pair func(p Pair, n int)) {
	entered(before, after, func(id uint) { book(id, 1) }, func(p Pair) { pair(p, 1) })
	entered(after, before, func(id uint) { book(id, -1) }, func(p Pair) { pair(p, -1) })
}

// entered calls book and pair for the books and pairs of after that before doesn't have.
func entered(before, after []uint, book func(id uint), pair func(p Pair)) {
	isNew := func(id uint) bool {
		_, known := slices.BinarySearch(before, id)
		return !known
	}
	for i, a := range after {
		if isNew(a) {
			book(a)
		}
		for _, b := range after[i+1:] {
			if isNew(a) || isNew(b) {
				pair(Pair{a, b})
			}
		}
	}
}
