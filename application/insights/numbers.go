package insights

import (
	"literank.com/event-books/domain/trend"
)

// Numbers are what was counted in a window.
type Numbers struct {
	trend.Counts
	// DailyVisitors are different visitors of a UTC day. A visitor of two days counts twice.
	DailyVisitors int64 `json:"daily_visitors"`
	// Unclicked are searches that showed books none of which was opened.
	Unclicked int64 `json:"unclicked"`
	// ClickThroughRate is the part of the searches on pages that showed books of which one was
	// opened. It is nil if there were none.
	ClickThroughRate *float64 `json:"click_through_rate"`
	// AveragePosition is the mean place of all books that were opened, from 1. It is nil if none
	// was opened.
	AveragePosition *float64 `json:"average_position"`
}

// sum adds up counts. Those of pages have a click-through rate.
type sum struct{ all, pages trend.Counts }

func (s *sum) add(kind trend.Kind, c trend.Counts) {
	s.all.Add(c, 1)
	if kind == trend.Page || kind == trend.Demo { // simulated shoppers use pages
		s.pages.Add(c, 1)
	}
}

// numbers returns what follows from the sum.
func (s *sum) numbers(visitors int64) Numbers {
	return Numbers{
		Counts: s.all, DailyVisitors: visitors, Unclicked: s.all.Shown - s.all.Clicked,
		ClickThroughRate: ratio(s.pages.Clicked, s.pages.Shown), AveragePosition: ratio(s.all.Ordinals, s.all.Clicks),
	}
}

// ratio returns nil instead of dividing by nothing.
func ratio(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	r := float64(part) / float64(whole)
	return &r
}
