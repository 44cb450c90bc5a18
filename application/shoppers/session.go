package shoppers

import (
	"math"
	"math/rand/v2"

	"literank.com/event-books/domain/model"
)

const (
	// MaxSearches is how many searches a session has at most.
	MaxSearches = 12
	// goOn is the probability that a session goes on after a search.
	goOn = 0.65
	// inTaste is the share of books that a shopper looks for according to the session's taste.
	inTaste = 0.92
)

// Search is what a shopper asks the shop for.
type Search struct {
	Keyword string
	// Language filters the result, Tag names the link that led to the search. Both are mostly
	// empty.
	Language, Tag string
	// Offset is how many books further pages leave out.
	Offset int
	// Kind says how the shopper came to the keyword.
	Kind Kind
}

// Session is what one shopper does in a row. The shop's answers are its only input. Its methods
// must be called by one goroutine at a time.
type Session struct {
	// Shopper is the person whose session it is.
	Shopper *Shopper
	crowd   *Crowd
	rng     *rand.Rand
	left    int // searches
	taste   int
	target  int    // the book that the shopper looks for, -1 for none
	last    Search // the one before
	shown   int    // books in its answer
	more    bool   // its answer has further pages
	asked   bool   // there was a search
	opened  map[uint]bool
}

// Session returns the session of that number, from 0, at its begin.
func (c *Crowd) Session(number int) *Session {
	rng := c.random(uint64(number) + 1)
	s := &Session{Shopper: c.shoppers[c.regulars.pick(rng)], crowd: c, rng: rng, left: 1, target: -1, opened: map[uint]bool{}}
	for s.left < MaxSearches && rng.Float64() < goOn {
		s.left++
	}
	s.taste = s.Shopper.tastes[rng.IntN(len(s.Shopper.tastes))]
	return s
}

// Next returns the next search. ok is false when the shopper leaves.
func (s *Session) Next() (search Search, ok bool) {
	if s.left == 0 {
		return Search{}, false
	}
	s.left--
	before := s.last
	switch n := s.rng.Float64(); {
	case s.asked && s.shown == 0 && before.Kind == Slip && n < 0.7:
		s.last = Search{Keyword: s.keyword(Title), Kind: Title} // the shopper sees the slip
	case s.asked && s.more && n < 0.12:
		s.last.Offset += s.shown
	case s.asked && s.shown > 4 && before.Language == "" && n < 0.2:
		s.last.Language, s.last.Offset = s.Shopper.language, 0
	case s.asked && n < 0.28:
		s.last.Offset = 0 // once more
	default:
		s.last = s.another()
	}
	s.asked, s.shown, s.more = true, 0, false
	return s.last, true
}

// another returns a search for another book, or for what the shop doesn't have.
func (s *Session) another() Search {
	kind := kindOf(s.rng)
	if len(s.crowd.books) == 0 {
		kind = Miss
	}
	s.target = -1
	if kind != Miss {
		s.target = s.crowd.tastes.book(s.rng, s.taste)
		if s.rng.Float64() >= inTaste {
			s.target = s.crowd.tastes.popularity.pick(s.rng)
		}
	}
	search := Search{Keyword: s.keyword(kind), Kind: kind}
	if s.Shopper.tag != "" && !s.asked {
		search.Tag = s.Shopper.tag
	}
	return search
}

// How attractive a book is, if the shopper looks at it.
const (
	attractTarget, attractTaste, attractOther, attractAgain = 0.75, 0.45, 0.02, 0.02
	// enough is the probability that the shopper looks at no further book after having opened
	// one.
	enough = 0.35
	// biasSkew is the exponent of the position bias.
	biasSkew = 0.7
)

// Examined is the probability that a shopper looks at a place of a page, from 1.
func Examined(place int) float64 { return math.Pow(float64(place), -biasSkew) }

// Open returns which books of an answer the shopper opens, as indexes into shown, the ids of the
// books on the page. more says that there are further pages. It must be called once after each
// Next.
func (s *Session) Open(shown []uint, more bool) (opened []int) {
	s.shown, s.more = len(shown), more
	for i, id := range shown {
		if s.rng.Float64() >= Examined(i+1)*s.attraction(id) {
			continue
		}
		opened = append(opened, i)
		s.opened[id] = true
		if s.rng.Float64() < enough {
			break
		}
	}
	return opened
}

func (s *Session) attraction(id uint) float64 {
	book, known := s.crowd.byID[id]
	switch {
	case s.opened[id]:
		return attractAgain
	case known && book == s.target:
		return attractTarget
	case known && s.crowd.tastes.likes(s.taste, book):
		return attractTaste
	}
	return attractOther
}

// book returns the book that the shopper looks for. There must be one.
func (s *Session) book() *model.Book { return s.crowd.books[s.target] }
