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
	Keyword string // folded; "" in Totals
	Surface model.Surface
	Tag     string
	// Language is "" in Counts.
	Language string
	Bot      bool
}

// Counts recounts all keywords.
func (n *Naive) Counts() map[Row]trend.Counts {
	return n.recount(func(r Row) Row { r.Language = ""; return r })
}

// Totals recounts all keywords together.
func (n *Naive) Totals() map[Row]trend.Counts {
	return n.recount(func(r Row) Row { r.Keyword = ""; return r })
}

// recount adds up what counts by what sum leaves of its rows.
func (n *Naive) recount(sum func(Row) Row) map[Row]trend.Counts {
	all := map[Row]trend.Counts{}
	add := func(row Row, c trend.Counts) {
		total := all[sum(row)]
		total.Add(c, 1)
		all[sum(row)] = total
	}
	n.countSearches(add)
	n.countClicks(add)
	maps.DeleteFunc(all, func(r Row, c trend.Counts) bool { return c == trend.Counts{} || r.Bot && r.Keyword != "" })
	return all
}

// Visitors recounts the visitors of a group who searched on a day in the buckets from one on, up
// to another, which isn't counted.
func (n *Naive) Visitors(group trend.Scope, day trend.Day, from, to int) int64 {
	found := map[trend.Visitor]bool{}
	for _, s := range n.Searches {
		bucket := trend.BucketOf(s.At)
		if s.Bot || s.Visitor == "" || n.erased(s.Visitor, s.At) || trend.DayOf(s.At) != day || bucket < from || bucket >= to {
			continue
		}
		if group.Has(trend.Scope{Kind: trend.KindOf(s.Surface), Tag: s.Tag, Language: s.Language}) {
			found[s.Visitor] = true
		}
	}
	return int64(len(found))
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

func rowOf(at time.Time, keyword string, surface model.Surface, tag, language string) Row {
	return Row{Day: trend.DayOf(at), Bucket: trend.BucketOf(at), Keyword: keyword, Surface: surface, Tag: tag, Language: language}
}

func (n *Naive) countSearches(add func(Row, trend.Counts)) {
	facts, owners := map[search]trend.Fact{}, map[search]*trend.Search{}
	for _, s := range n.Searches {
		row := rowOf(s.At, s.Folded, s.Surface, s.Tag, s.Language)
		if s.Bot {
			add(Row{Day: row.Day, Bucket: row.Bucket, Bot: true, Keyword: row.Keyword}, trend.Counts{Requests: 1})
			continue
		}
		add(row, trend.Counts{Requests: 1})
		of := search{row, s.Visitor}
		of.Language = ""
		switch {
		case s.Visitor != "" && !n.erased(s.Visitor, s.At):
			facts[of] |= s.Facts
			if last := owners[of]; last == nil || later(s, last) {
				owners[of] = s
			}
		case s.Visitor == "" && s.First:
			add(row, trend.CountsOf(s.Facts))
		}
	}
	for _, c := range n.Clicks {
		if c.Visitor != "" && !n.erased(c.Visitor, c.At) {
			facts[search{rowOf(c.SearchedAt, c.Folded, c.Surface, c.Tag, ""), c.Visitor}] |= trend.Clicked
		}
	}
	for s, f := range facts {
		if last := owners[s]; last != nil { // without a search, nothing counts
			s.Language = last.Language
			add(s.Row, trend.CountsOf(f))
		}
	}
}

// later reports whether a search decides the language of a bucket instead of another one.
func later(s, other *trend.Search) bool {
	a, b := milliseconds(s.At), milliseconds(other.At)
	return a.After(b) || a.Equal(b) && s.Language < other.Language
}

func (n *Naive) countClicks(add func(Row, trend.Counts)) {
	type click struct {
		search string
		book   uint
	}
	clicked, searched := map[click]bool{}, map[string]bool{}
	newest, first := map[click]*trend.Click{}, map[string]uint{}
	for _, c := range n.Clicks {
		id := click{c.SearchID, c.Book}
		if last := newest[id]; last == nil || cmp.Or(milliseconds(c.At).Compare(milliseconds(last.At)), cmp.Compare(last.Language, c.Language)) > 0 {
			newest[id] = c
		}
		if book, known := first[c.SearchID]; !known || c.Book < book {
			first[c.SearchID] = c.Book
		}
	}
	byTime := slices.SortedFunc(slices.Values(n.Clicks), func(a, b *trend.Click) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	for _, c := range byTime {
		id := click{c.SearchID, c.Book}
		if n.erased(c.Visitor, c.At) || clicked[id] {
			continue
		}
		clicked[id] = true
		row := rowOf(c.SearchedAt, c.Folded, c.Surface, c.Tag, newest[id].Language)
		add(row, trend.Counts{Clicks: 1, Ordinals: int64(c.Ordinal)})
		if c.Visitor == "" && c.First && !searched[c.SearchID] {
			searched[c.SearchID] = true
			row.Language = newest[click{c.SearchID, first[c.SearchID]}].Language
			add(row, trend.Counts{Clicked: 1})
		}
	}
}
