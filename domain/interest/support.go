package interest

import "literank.com/event-books/domain/trend"

// Crowd is how many cookies, or visitors of one UTC day, must stand behind a pair before anybody
// sees it.
const Crowd = 3

// Support collects the sessions that have both books of a pair. The zero value has none.
type Support struct {
	cookies map[trend.Visitor]bool
	days    map[trend.Day]int
}

// Add adds the session of a visitor on a day. Each may be added once.
func (s *Support) Add(visitor trend.Visitor, day trend.Day) {
	if s.days == nil {
		s.cookies, s.days = map[trend.Visitor]bool{}, map[trend.Day]int{}
	}
	if visitor.Cookie() {
		s.cookies[visitor] = true
	}
	s.days[day]++
}

// Enough reports whether the pair may be shown.
func (s *Support) Enough() bool {
	if len(s.cookies) >= Crowd {
		return true
	}
	for _, visitors := range s.days {
		if visitors >= Crowd {
			return true
		}
	}
	return false
}
