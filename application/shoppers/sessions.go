package shoppers

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"
)

// Opened is a book that a shopper opened in a session.
type Opened struct {
	Session int
	Book    uint
	At      time.Time
}

const (
	// sessionsPerDay is how many sessions begin on a day without a shop.
	sessionsPerDay = 2000
	// pageOfBooks is how many books an answer has without a shop.
	pageOfBooks = 10
)

// Sessions returns what shoppers open in their first n sessions, one session after the other, as
// if there were a shop from a time on. Its results have the book that a shopper looks for and, by
// chance, other popular ones, so nothing but the tastes of shoppers connects books.
func (c *Crowd) Sessions(n int, begin time.Time) iter.Seq[Opened] {
	return func(yield func(Opened) bool) {
		for number := range n {
			at := begin.Add(time.Duration(number) * (24 * time.Hour / sessionsPerDay))
			if !c.Session(number).play(number, at, yield) {
				return
			}
		}
	}
}

// play acts out a session without a shop.
func (s *Session) play(number int, at time.Time, yield func(Opened) bool) bool {
	for search, ok := s.Next(); ok; search, ok = s.Next() {
		at = at.Add(s.pause(20, 70))
		shown := s.imagine(search)
		for _, i := range s.Open(shown, len(shown) > 0) {
			at = at.Add(s.pause(5, 60))
			if !yield(Opened{number, shown[i], at}) {
				return false
			}
		}
	}
	return true
}

// pause returns a time between two numbers of seconds.
func (s *Session) pause(least, most int) time.Duration {
	return time.Duration(least+s.rng.IntN(most-least)) * time.Second
}

// imagine returns the result of a search without a shop.
func (s *Session) imagine(search Search) (shown []uint) {
	if search.Kind == Miss || s.target < 0 {
		return nil
	}
	for range min(pageOfBooks, len(s.crowd.books)) {
		if other := s.crowd.books[s.crowd.tastes.popularity.pick(s.rng)].ID; !slices.Contains(shown, other) {
			shown = append(shown, other)
		}
	}
	if search.Offset > 0 {
		return shown
	}
	target := s.book().ID
	shown = slices.DeleteFunc(shown, func(id uint) bool { return id == target })
	place := 0
	if search.Kind != Title && search.Kind != ISBN {
		place = s.rng.IntN(min(3, len(shown)+1))
	}
	return slices.Insert(shown, place, target)
}

// WriteSessions writes Sessions as CSV with the columns session, item and time, which is in
// seconds since 1970.
func (c *Crowd) WriteSessions(w io.Writer, n int, begin time.Time) error {
	table := csv.NewWriter(w)
	err := table.Write([]string{"session", "item", "time"})
	for opened := range c.Sessions(n, begin) {
		if err != nil {
			break
		}
		err = table.Write([]string{strconv.Itoa(opened.Session), strconv.FormatUint(uint64(opened.Book), 10), strconv.FormatInt(opened.At.Unix(), 10)})
	}
	table.Flush()
	if err = cmp.Or(err, table.Error()); err != nil {
		return fmt.Errorf("write sessions: %w", err)
	}
	return nil
}
