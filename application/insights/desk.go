// Package insights puts numbers about searches together for the shop's staff. It must not know
// databases or HTTP.
package insights

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"literank.com/event-books/application/trends"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Reader reads what was counted.
type Reader interface {
	gateway.InsightReader
	gateway.TrendReader
}

// Desk answers the questions of staff. Its methods may be called concurrently.
type Desk struct {
	reader Reader
	hidden gateway.HiddenKeywords
	board  *trends.Board
	books  gateway.BookManager
	now    func() time.Time
}

// NewDesk returns a desk. The board knows which keywords are searched most.
func NewDesk(reader Reader, hidden gateway.HiddenKeywords, board *trends.Board, books gateway.BookManager) *Desk {
	return &Desk{reader: reader, hidden: hidden, board: board, books: books, now: time.Now}
}

// Completeness says how much of what shops have sent is counted. The error has the code
// UnavailableNow until the counts are read.
func (d *Desk) Completeness() (model.Completeness, error) { return d.board.Completeness() }

// Hide hides a keyword from public trends, in all its spellings, or shows it again. It takes a
// second.
func (d *Desk) Hide(ctx context.Context, keyword model.Keyword, hide bool) error {
	change := d.hidden.ShowKeyword
	if hide {
		change = d.hidden.HideKeyword
	}
	return change(ctx, model.Fold(string(keyword)))
}

// Filter narrows numbers down to a window of time and a group of searches.
type Filter struct {
	Window trend.Window
	// Group is trend.People, or the searches of one surface; trend.Any as tag or language means
	// all of them.
	Group trend.Scope
}

// Summary are numbers over all keywords.
type Summary struct {
	Window trend.Window `json:"window"`
	// From and To are the begin and the end of the window.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Numbers are those of the window, Before those of the one before it.
	Numbers Numbers `json:"numbers"`
	Before  Numbers `json:"before"`
	// Positions are the clicks on each place of a result.
	Positions []Position `json:"positions"`
	// BySurface, ByTag and ByLanguage are the same searches by what they have; the largest parts
	// come first, and at most MaxParts.
	BySurface  []Part `json:"by_surface"`
	ByTag      []Part `json:"by_tag"`
	ByLanguage []Part `json:"by_language"`
	// Bots are the requests of programs, and Demo those of simulated shoppers. Other numbers don't
	// include them.
	Bots int64 `json:"bots"`
	Demo int64 `json:"demo"`
	// History are the numbers of each half hour, or of each day of a longer window.
	History []Point `json:"history"`
	// Completeness says how much of what shops have sent is counted.
	Completeness model.Completeness `json:"completeness"`
}

// Position is a place in a result, or a range of places.
type Position struct {
	Place  string `json:"place"`
	Clicks int64  `json:"clicks"`
}

// Part are the numbers of one surface, tag or language. The name is empty for searches without
// tag or language.
type Part struct {
	Name string `json:"name"`
	Numbers
}

// Point are the counts of a time.
type Point struct {
	From time.Time `json:"from"`
	trend.Counts
}

// MaxParts bounds the parts of a summary. Anybody can make up tags.
const MaxParts = 20

// Summary returns numbers over all keywords. The error has the code UnavailableNow until the
// counts are read.
func (d *Desk) Summary(ctx context.Context, f Filter) (*Summary, error) {
	completeness, err := d.board.Completeness()
	if err != nil {
		return nil, err
	}
	present, before := f.Window.At(d.now())
	s := newSummary(f, present, before)
	first, _ := before.Days()
	_, last := present.Days()
	if err := d.reader.TotalRows(ctx, first, last, s.add); err != nil {
		return nil, err
	}
	result := s.result()
	result.Completeness = completeness
	if err := d.countVisitors(ctx, s, result); err != nil {
		return nil, err
	}
	return result, nil
}

// summary adds up rows.
type summary struct {
	filter          Filter
	present, before span
	places          [len(trend.PlaceNames)]int64
	bots, demo      int64
	history         []Point
	bySurface       map[string]*sum
	byTag, byTongue map[string]*sum
}

type span struct {
	trend.Span
	sum
}

func newSummary(f Filter, present, before trend.Span) *summary {
	s := &summary{
		filter: f, present: span{Span: present}, before: span{Span: before},
		bySurface: map[string]*sum{}, byTag: map[string]*sum{}, byTongue: map[string]*sum{},
	}
	for begin := present.Begin; begin < present.End; begin += step(f.Window) {
		s.history = append(s.history, Point{From: trend.Span{Begin: begin}.Start()})
	}
	return s
}

// step is how many buckets a point of a window's history has.
func step(window trend.Window) int64 {
	if window == trend.Week || window == trend.Month {
		return int64(trend.Buckets)
	}
	return 1
}

func (s *summary) add(r *trend.Total) error {
	from, to := s.present.Of(r.Day)
	counts := r.Counts.Sum(from, to)
	switch {
	case r.Kind == trend.Bots:
		s.bots += counts.Requests
		return nil
	case r.Kind == trend.Demo && s.filter.Group.Kind != trend.Demo:
		s.demo += counts.Requests
		return nil
	case !s.filter.Group.Has(r.Scope):
		return nil
	}
	earlier := r.Counts.Sum(s.before.Of(r.Day))
	s.before.add(r.Kind, earlier)
	if counts == (trend.Counts{}) {
		return nil
	}
	s.present.add(r.Kind, counts)
	for i, n := range r.Places.Sum(from, to) {
		s.places[i] += n
	}
	for _, part := range []struct {
		of   map[string]*sum
		name string
	}{{s.bySurface, string(r.Kind.Surface())}, {s.byTag, r.Tag}, {s.byTongue, r.Language}} {
		if part.of[part.name] == nil {
			part.of[part.name] = &sum{}
		}
		part.of[part.name].add(r.Kind, counts)
	}
	for bucket, c := range r.Counts {
		if at := s.present.Index(r.Day, bucket); from <= bucket && bucket < to {
			s.history[at/step(s.filter.Window)].Add(c, 1)
		}
	}
	return nil
}

func (s *summary) result() *Summary {
	result := &Summary{
		Window: s.filter.Window, From: s.present.Start(), To: s.present.Span.Stop(),
		Bots: s.bots, Demo: s.demo, History: s.history, Positions: make([]Position, len(s.places)),
		BySurface: parts(s.bySurface), ByTag: parts(s.byTag), ByLanguage: parts(s.byTongue),
	}
	for i, n := range s.places {
		result.Positions[i] = Position{trend.PlaceNames[i], n}
	}
	return result
}

// parts returns the largest parts, the largest first. They have no visitors yet.
func parts(sums map[string]*sum) []Part {
	parts := make([]Part, 0, len(sums))
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, Part{name, sums[name].numbers(0)})
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(b.Searches, a.Searches) })
	return parts[:min(len(parts), MaxParts)]
}

// countVisitors adds the daily visitors.
func (d *Desk) countVisitors(ctx context.Context, s *summary, result *Summary) error {
	group := s.filter.Group
	first, _ := s.before.Days()
	_, last := s.present.Days()
	days, err := d.reader.Presences(ctx, group, first, last)
	if err != nil {
		return err
	}
	result.Numbers = s.present.numbers(visitorsIn(days, s.present.Span))
	result.Before = s.before.numbers(visitorsIn(days, s.before.Span))
	first, _ = s.present.Days()
	for _, of := range []struct {
		parts []Part
		group func(name string) trend.Scope
	}{
		{result.BySurface, func(name string) trend.Scope { g := group; g.Kind = trend.KindOf(model.Surface(name)); return g }},
		{result.ByTag, func(name string) trend.Scope { g := group; g.Tag = name; return g }},
		{result.ByLanguage, func(name string) trend.Scope { g := group; g.Language = name; return g }},
	} {
		for i := range of.parts {
			days, err := d.reader.Presences(ctx, of.group(of.parts[i].Name), first, last)
			if err != nil {
				return err
			}
			of.parts[i].DailyVisitors = visitorsIn(days, s.present.Span)
		}
	}
	return nil
}

// GroupOf returns the group of a surface. Without a surface, it is that of people.
func GroupOf(surface model.Surface) trend.Scope {
	group := trend.Scope{Kind: trend.People, Tag: trend.Any, Language: trend.Any}
	if surface != "" {
		group.Kind = trend.KindOf(surface)
	}
	return group
}

func visitorsIn(days map[trend.Day]trend.Presence, s trend.Span) (visitors int64) {
	for day, present := range days {
		from, to := s.Of(day)
		visitors += present.Count(from, to)
	}
	return visitors
}
