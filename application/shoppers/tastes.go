package shoppers

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

const (
	// booksPerTaste is the mean number of books that belong to a taste first of all.
	booksPerTaste = 20
	// secondTaste is the share of books that belong to a second taste.
	secondTaste = 0.2
	// bookSkew and bookShift shape the popularity of books: the book at rank r is asked for in
	// proportion to (r + bookShift)^-bookSkew.
	bookSkew, bookShift = 0.6, 10
)

// tastes are groups of books that the same shoppers like.
type tastes struct {
	popularity picker   // of all books
	of         [][]int  // the tastes of each book
	members    [][]int  // the books of each taste
	within     []picker // their popularity
}

func newTastes(rng *rand.Rand, books int) *tastes {
	n := max(1, books/booksPerTaste)
	t := &tastes{of: make([][]int, books), members: make([][]int, n), within: make([]picker, n)}
	weights := zipf(books, bookSkew, bookShift)
	rng.Shuffle(books, func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	t.popularity = newPicker(weights)
	for i, book := range rng.Perm(books) {
		t.add(book, i%n) // each taste has some books
	}
	for book := range books {
		if rng.Float64() < secondTaste {
			t.add(book, rng.IntN(n))
		}
	}
	for taste, members := range t.members {
		own := make([]float64, len(members))
		for i, book := range members {
			own[i] = weights[book]
		}
		t.within[taste] = newPicker(own)
	}
	return t
}

func (t *tastes) add(book, taste int) {
	if !t.likes(taste, book) {
		t.of[book], t.members[taste] = append(t.of[book], taste), append(t.members[taste], book)
	}
}

// likes reports whether a book belongs to a taste.
func (t *tastes) likes(taste, book int) bool { return slices.Contains(t.of[book], taste) }

// book returns a book of a taste, the popular ones more often. There must be books.
func (t *tastes) book(rng *rand.Rand, taste int) int {
	return t.members[taste][t.within[taste].pick(rng)]
}

// zipf returns weights by rank, from the most popular on.
func zipf(n int, skew, shift float64) []float64 {
	weights := make([]float64, n)
	for rank := range weights {
		weights[rank] = math.Pow(float64(rank)+shift, -skew)
	}
	return weights
}

// picker picks indexes in proportion to their weights.
type picker struct{ sums []float64 }

func newPicker(weights []float64) picker {
	sums, sum := make([]float64, len(weights)), 0.0
	for i, weight := range weights {
		sum += weight
		sums[i] = sum
	}
	return picker{sums}
}

func (p picker) pick(rng *rand.Rand) int {
	last := len(p.sums) - 1
	at := rng.Float64() * p.sums[last]
	return min(sort.Search(last, func(i int) bool { return p.sums[i] > at }), last)
}
