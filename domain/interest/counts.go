package interest

import (
	"cmp"
	"slices"

	"literank.com/event-books/domain/trend"
)

// Counts are the counts of sessions in memory, for judging recommendations without a database. A
// method that reads may be called concurrently with others that read.
type Counts struct {
	books map[uint]float64
	pairs map[uint]map[uint]float64
	// support is nil if every pair may be shown.
	support map[Pair]*Support
}

// NewCounts returns counts without a session. With threshold, only pairs with enough visitors behind
// them are neighbours.
func NewCounts(threshold bool) *Counts {
	c := &Counts{books: map[uint]float64{}, pairs: map[uint]map[uint]float64{}}
	if threshold {
		c.support = map[Pair]*Support{}
	}
	return c
}

// Add adds the session of a visitor on a day. Each may be added once.
func (c *Counts) Add(visitor trend.Visitor, day trend.Day, s Session) {
	w := Weight(day)
	Difference(nil, s.Books(), func(book uint, _ int) { c.books[book] += w }, func(p Pair, _ int) {
		c.addTo(p.A, p.B, w)
		c.addTo(p.B, p.A, w)
		if c.support == nil {
			return
		}
		if c.support[p] == nil {
			c.support[p] = &Support{}
		}
		c.support[p].Add(visitor, day)
	})
}

func (c *Counts) addTo(book, other uint, w float64) {
	if c.pairs[book] == nil {
		c.pairs[book] = map[uint]float64{}
	}
	c.pairs[book][other] += w
}

// Neighbours returns the count of a book, and of the books that may be shown as opened in the same
// sessions those 2n that have the highest counts.
func (c *Counts) Neighbours(book uint, n int) (own float64, neighbours []Neighbour) {
	for other, w := range c.pairs[book] {
		if c.support == nil || c.support[PairOf(book, other)].Enough() {
			neighbours = append(neighbours, Neighbour{Book: other, Pair: w, Own: c.books[other]})
		}
	}
	slices.SortFunc(neighbours, func(a, b Neighbour) int { return cmp.Or(cmp.Compare(b.Pair, a.Pair), cmp.Compare(a.Book, b.Book)) })
	return c.books[book], neighbours[:min(len(neighbours), 2*n)]
}

// MostOpened returns all books, the most popular first.
func (c *Counts) MostOpened() []uint {
	books := make([]uint, 0, len(c.books))
	for book := range c.books {
		books = append(books, book)
	}
	slices.SortFunc(books, func(a, b uint) int { return cmp.Or(cmp.Compare(c.books[b], c.books[a]), cmp.Compare(a, b)) })
	return books
}
