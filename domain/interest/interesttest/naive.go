// Package interesttest counts openings in the most obvious way: all of them at once, in memory.
// Tests compare a store of interests with it.
package interesttest

import (
	"slices"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/trend"
)

// Naive has all events of a test.
type Naive struct {
	Openings []*interest.Opening
	Erasures []*trend.Erasure
}

// Count is what is known of a book, or of a pair.
type Count struct {
	Weight   float64
	Sessions int
	// Shown says that enough visitors stand behind a pair.
	Shown bool
}

type session struct {
	visitor trend.Visitor
	day     trend.Day
}

// Counts recounts everything.
func (n *Naive) Counts() (books map[uint]Count, pairs map[interest.Pair]Count) {
	books, pairs = map[uint]Count{}, map[interest.Pair]Count{}
	support := map[interest.Pair]*interest.Support{}
	for of, list := range n.sessions() {
		w := interest.Weight(of.day)
		for i, a := range list {
			books[a] = Count{Weight: books[a].Weight + w, Sessions: books[a].Sessions + 1}
			for _, b := range list[:i] {
				p := interest.PairOf(a, b)
				if support[p] == nil {
					support[p] = &interest.Support{}
				}
				support[p].Add(of.visitor, of.day)
				pairs[p] = Count{pairs[p].Weight + w, pairs[p].Sessions + 1, support[p].Enough()}
			}
		}
	}
	return books, pairs
}

// sessions returns the first different books of each session.
func (n *Naive) sessions() map[session][]uint {
	byTime := slices.SortedFunc(slices.Values(n.Openings), func(a, b *interest.Opening) int {
		if a.At.UnixMilli() != b.At.UnixMilli() {
			return int(a.At.UnixMilli() - b.At.UnixMilli())
		}
		return int(a.Book) - int(b.Book)
	})
	all := map[session][]uint{}
	for _, o := range byTime {
		of := session{o.Visitor, trend.DayOf(o.At)}
		if !n.erased(of) && !slices.Contains(all[of], o.Book) && len(all[of]) < interest.MaxBooks {
			all[of] = append(all[of], o.Book)
		}
	}
	return all
}

func (n *Naive) erased(of session) bool {
	return slices.ContainsFunc(n.Erasures, func(e *trend.Erasure) bool {
		return e.Visitor == of.visitor && of.day <= trend.DayOf(e.Until)
	})
}

// Last returns the last different books that a cookie has opened, the latest first, at most limit.
func (n *Naive) Last(visitor trend.Visitor, limit int) (last []uint) {
	byTime := slices.SortedFunc(slices.Values(n.Openings), func(a, b *interest.Opening) int {
		if a.At.UnixMilli() != b.At.UnixMilli() {
			return int(b.At.UnixMilli() - a.At.UnixMilli())
		}
		return int(b.Book) - int(a.Book)
	})
	for _, o := range byTime {
		if o.Visitor == visitor && !n.erased(session{visitor, trend.DayOf(o.At)}) && !slices.Contains(last, o.Book) && len(last) < limit {
			last = append(last, o.Book)
		}
	}
	return last
}
