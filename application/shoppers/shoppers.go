// Package shoppers decides what simulated shoppers do in a bookstore: what they type, which
// books they open, when they give up. A seed and a list of books determine everything. The
// package must not know HTTP, has no clock, and reads nothing but the books.
package shoppers

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// crowdSize is the number of shoppers of a crowd.
const crowdSize = 400

// Crowd is the shoppers of one seed. It doesn't change, so its methods may be called
// concurrently.
//
// What shoppers like is random: each book belongs to one or two tastes, whatever its author,
// series or subject. A recommender that looks at the contents of books has no advantage.
type Crowd struct {
	seed     uint64
	books    []*model.Book // by id
	byID     map[uint]int  // index in books
	tastes   *tastes
	shoppers []*Shopper
	regulars picker // some shoppers come more often than others
	misses   picker
}

// New returns a crowd that knows these books. The order of the books doesn't matter. Books need
// an id and a title; others are left out. Without books, shoppers only look for what isn't
// there.
func New(books []*model.Book, seed uint64) *Crowd {
	known := slices.DeleteFunc(slices.Clone(books), func(b *model.Book) bool { return b.ID == 0 || strings.TrimSpace(b.Title) == "" })
	slices.SortFunc(known, func(a, b *model.Book) int { return cmp.Compare(a.ID, b.ID) })
	c := &Crowd{seed: seed, books: known, byID: make(map[uint]int, len(known))}
	for i, b := range known {
		c.byID[b.ID] = i
	}
	rng := c.random(0)
	c.tastes = newTastes(rng, len(known))
	c.shoppers = make([]*Shopper, crowdSize)
	for i := range c.shoppers {
		c.shoppers[i] = c.newShopper(rng, i)
	}
	c.regulars, c.misses = newPicker(zipf(crowdSize, 0.5, 5)), newPicker(zipf(len(misses), 0.8, 2))
	return c
}

// random returns the numbers of one stream: 0 makes the crowd, and n+1 belongs to session n.
func (c *Crowd) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(c.seed, stream)) }

// Keywords returns the first n different keywords that shoppers type, as the shop records them, or
// fewer if they don't know so many.
func (c *Crowd) Keywords(n int) []string {
	var keywords []string
	typed := map[string]bool{}
	for number := 0; len(keywords) < n && number < 100*n; number++ {
		s := c.Session(number)
		for search, ok := s.Next(); ok && len(keywords) < n; search, ok = s.Next() {
			keyword, err := model.ParseKeyword(search.Keyword)
			if err == nil && !typed[string(keyword)] {
				typed[string(keyword)] = true
				keywords = append(keywords, string(keyword))
			}
		}
	}
	return keywords
}
