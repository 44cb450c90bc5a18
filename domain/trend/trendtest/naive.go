// Package trendtest counts events in the most obvious way: all of them at once, in memory. Tests
// and benchmarks compare a store of trends with it.
package trendtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Naive has all events of a test.
type Naive struct {
	Searches []*trend.Search
	Clicks   []*trend.Click
	Erasures []*trend.Erasure
}

// Row is what the counts belong to.
type Row struct {
	Day     trend.Day
	Bucket  int
	Keyword string // folded; "" for all keywords
	Surface model.Surface
	Tag     string
	Bot     bool
}

// Counts recounts everything.
func (n *Naive) Counts() map[Row]trend.Counts {
	all := map[Row]trend.Counts{}
	add := func(row Row, c trend.Counts) {
		for _, keyword := range []string{row.Keyword, ""} {
			row.Keyword = keyword
			sum := all[row]
			sum.Add(c, 1)
			all[row] = sum
			if row.Bot {
				break
			}
		}
	}
	n.countSearches(add)
	n.countClicks(add)
	maps.DeleteFunc(all, func(_ Row, c trend.Counts) bool { return c == trend.Counts{} })
	return all
}

// erased reports whether what a visitor did at a time doesn't count.
func (n *Naive) erased(visitor trend.Visitor, at time.Time) bool {
	return visitor != "" && slices.ContainsFunc(n.Erasures, func(e *trend.Erasure) bool {
		return e.Visitor == visitor && !milliseconds(at).After(milliseconds(e.Until))
	})
}

// Times are kept in milliseconds.
func milliseconds(t time.Time) time.Time { return t.Truncate(time.Millisecond) }

type search struct {
	Row
	visitor trend.Visitor
}

func rowOf(at time.Time, keyword string, surface model.Surface, tag string) Row {
	return Row{Day: trend.DayOf(at), Bucket: trend.BucketOf(at), Keyword: keyword, Surface: surface, Tag: tag}
}

func (n *Naive) countSearches(add func(Row, trend.Counts)) {
	facts := map[search]trend.Fact{}
	for _, s := range n.Searches {
		row := rowOf(s.At, s.Folded, s.Surface, s.Tag)
		if s.Bot {
			add(Row{Day: row.Day, Bucket: row.Bucket, Bot: true}, trend.Counts{Requests: 1})
			continue
		}
		add(row, trend.Counts{Requests: 1})
		switch {
		case s.Visitor != "" && !n.erased(s.Visitor, s.At):
			facts[search{row, s.Visitor}] |= s.Facts
		case s.Visitor == "" && s.First:
			add(row, trend.CountsOf(s.Facts))
		}
	}
	for _, c := range n.Clicks {
		if c.Visitor != "" && !n.erased(c.Visitor, c.At) {
			facts[search{rowOf(c.SearchedAt, c.Folded, c.Surface, c.Tag), c.Visitor}] |= trend.Clicked
		}
	}
	for s, f := range facts {
		add(s.Row, trend.CountsOf(f))
	}
}

func (n *Naive) countClicks(add func(Row, trend.Counts)) {
	type click struct {
		search string
		book   uint
	}
	clicked, searched := map[click]bool{}, map[string]bool{}
	byTime := slices.SortedFunc(slices.Values(n.Clicks), func(a, b *trend.Click) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	for _, c := range byTime {
		id := click{c.SearchID, c.Book}
		if n.erased(c.Visitor, c.At) || clicked[id] {
			continue
		}
		clicked[id] = true
		row := rowOf(c.SearchedAt, c.Folded, c.Surface, c.Tag)
		add(row, trend.Counts{Clicks: 1, Ordinals: int64(c.Ordinal)})
		if c.Visitor == "" && c.First && !searched[c.SearchID] {
			searched[c.SearchID] = true
			add(row, trend.Counts{Clicked: 1})
		}
	}
}
