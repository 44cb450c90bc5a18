package main

import (
	"fmt"

	"literank.com/event-books/domain/model"
)

// score counts how often something was reached.
type score struct {
	name, asked string
	n           int
	reached     float64
	percent     bool
	bad         bool // what is counted is a failure
	shown       int
}

// newScore adds a row to the table.
func (e *eval) newScore(name, asked string) *score {
	s := &score{name: name, asked: asked, percent: true}
	e.scores = append(e.scores, s)
	return s
}

// add counts a query, and prints it if it failed and few have been printed.
func (e *eval) add(s *score, ok bool, query string, books []*model.Book, result *model.SearchResult) {
	s.n++
	if ok {
		s.reached++
	}
	if ok != s.bad {
		return
	}
	if s.shown++; s.shown > e.show {
		return
	}
	first := "nothing"
	if len(books) > 0 {
		first = fmt.Sprintf("%q by %q", books[0].Title, books[0].Author)
	}
	fmt.Printf("%s: %q finds %s first, of %d; %s %q\n", s.name, query, first, result.Total, result.Match, result.Served)
}

func (s *score) String() string {
	value := s.reached / float64(max(s.n, 1))
	if s.percent {
		return fmt.Sprintf("| %s | %d | %s | %.2f %% |", s.name, s.n, s.asked, 100*value)
	}
	return fmt.Sprintf("| %s | %d | %s | %.4f |", s.name, s.n, s.asked, value)
}
