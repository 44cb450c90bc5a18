package insights

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Keyword are the numbers of one keyword in a window.
type Keyword struct {
	// Keyword is as it was typed most often.
	Keyword string `json:"keyword"`
	trend.Counts
	// Before are the searches of the window before.
	Before           int64    `json:"searches_before"`
	ClickThroughRate *float64 `json:"click_through_rate"`
	AveragePosition  *float64 `json:"average_position"`
}

// Keywords returns the first n keywords of a list. The language of the filter doesn't matter.
func (d *Desk) Keywords(ctx context.Context, f Filter, order trend.Order, n int) ([]Keyword, model.Completeness, error) {
	completeness, err := d.board.Completeness()
	if err != nil {
		return nil, completeness, err
	}
	present, before := f.Window.At(d.now())
	var ids []int64
	rows := newKeywordRows(f.Group, present, before)
	first, _ := before.Days()
	_, last := present.Days()
	if f.Group.Kind == trend.People && f.Group.Tag == trend.Any {
		if ids, err = d.board.Keywords(f.Window, order, n); err == nil {
			err = d.reader.TrendRows(ctx, ids, first, rows.add)
		}
	} else {
		err = d.reader.KeywordRows(ctx, f.Group, first, last, rows.add)
	}
	if err != nil {
		return nil, completeness, err
	}
	best := rows.best(order, n)
	first, last = present.Days()
	spellings, err := d.reader.Spellings(ctx, best, first, last)
	if err != nil {
		return nil, completeness, err
	}
	list := make([]Keyword, 0, len(best))
	for _, id := range best {
		of := rows.of[id]
		list = append(list, Keyword{
			Keyword: spellings[id], Counts: of.present.all, Before: of.before,
			ClickThroughRate: ratio(of.present.pages.Clicked, of.present.pages.Shown), AveragePosition: ratio(of.present.all.Ordinals, of.present.all.Clicks),
		})
	}
	return list, completeness, nil
}

// keywordRows adds up the rows of keywords.
type keywordRows struct {
	group           trend.Scope
	present, before trend.Span
	of              map[int64]*keywordSum
}

type keywordSum struct {
	present sum
	before  int64
}

func newKeywordRows(group trend.Scope, present, before trend.Span) *keywordRows {
	return &keywordRows{group, present, before, map[int64]*keywordSum{}}
}

func (k *keywordRows) add(r *trend.Row) error {
	group := k.group
	group.Language = trend.Any
	if !group.Has(trend.Scope{Kind: r.Kind, Tag: r.Tag}) {
		return nil
	}
	counts, err := trend.DecodeDayCounts(r.Encoded)
	if err != nil {
		return err
	}
	if k.of[r.Keyword] == nil {
		k.of[r.Keyword] = &keywordSum{}
	}
	of := k.of[r.Keyword]
	of.present.add(r.Kind, counts.Sum(k.present.Of(r.Day)))
	of.before += counts.Sum(k.before.Of(r.Day)).Searches
	return nil
}

// best returns the first n keywords of a list.
func (k *keywordRows) best(order trend.Order, n int) []int64 {
	weight := func(id int64) int64 {
		of := k.of[id]
		switch order {
		case trend.Rising:
			return of.present.all.Searches - of.before
		case trend.NotFoundMost:
			return of.present.all.NotFound
		}
		return of.present.all.Searches
	}
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(k.of)), func(id int64) bool { return weight(id) <= 0 })
	slices.SortStableFunc(ids, func(a, b int64) int { return cmp.Compare(weight(b), weight(a)) })
	return ids[:min(n, len(ids))]
}

// KeywordReport is all that is known of one keyword in a window.
type KeywordReport struct {
	// Keyword is as it was typed most often, or as it was asked for.
	Keyword string `json:"keyword"`
	// Hidden says that staff have hidden it from public trends.
	Hidden  bool         `json:"hidden"`
	Window  trend.Window `json:"window"`
	Numbers Numbers      `json:"numbers"`
	Before  Numbers      `json:"before"`
	History []Point      `json:"history"`
	// Results are books of the newest search that found any.
	Results []*model.Book `json:"results"`
	// Clicks are the books that were opened most on the days of the window.
	Clicks       []ClickedBook      `json:"clicks"`
	Completeness model.Completeness `json:"completeness"`
}

// ClickedBook is a book that was opened from a keyword's results.
type ClickedBook struct {
	Book            *model.Book `json:"book"`
	Clicks          int64       `json:"clicks"`
	AveragePosition *float64    `json:"average_position"`
}

// clickedBooks is how many books of a keyword are listed.
const clickedBooks = 20

// Keyword reports on one keyword. The language of the filter doesn't matter. If the keyword was
// never searched, the numbers are zero.
func (d *Desk) Keyword(ctx context.Context, f Filter, keyword model.Keyword) (*KeywordReport, error) {
	completeness, err := d.board.Completeness()
	if err != nil {
		return nil, err
	}
	present, before := f.Window.At(d.now())
	report := &KeywordReport{
		Keyword: string(keyword), Window: f.Window, Results: []*model.Book{}, Clicks: []ClickedBook{}, Completeness: completeness,
		History: newSummary(f, present, before).history,
	}
	folded := model.Fold(string(keyword))
	hidden, err := d.hidden.HiddenKeywords(ctx)
	if err != nil {
		return nil, err
	}
	_, report.Hidden = slices.BinarySearch(hidden, folded)
	ids, err := d.reader.KeywordIDs(ctx, []string{folded})
	id, known := ids[folded]
	if err != nil || !known {
		return report, err
	}
	if err := d.countKeyword(ctx, f, id, report); err != nil {
		return nil, err
	}
	first, last := present.Days()
	spellings, err := d.reader.Spellings(ctx, []int64{id}, first, last)
	if err != nil {
		return nil, err
	}
	report.Keyword = cmp.Or(spellings[id], report.Keyword)
	return report, d.addBooks(ctx, f, id, report)
}

// countKeyword adds the numbers of a keyword.
func (d *Desk) countKeyword(ctx context.Context, f Filter, id int64, report *KeywordReport) error {
	present, before := f.Window.At(d.now())
	s := newSummary(f, present, before)
	first, _ := before.Days()
	_, last := present.Days()
	err := d.reader.TrendRows(ctx, []int64{id}, first, func(r *trend.Row) error {
		counts, err := trend.DecodeDayCounts(r.Encoded)
		if err != nil {
			return err
		}
		return s.add(&trend.Total{Day: r.Day, Scope: trend.Scope{Kind: r.Kind, Tag: r.Tag}, Counts: counts})
	})
	if err != nil {
		return err
	}
	type visitorDay struct {
		day     trend.Day
		visitor trend.Visitor
	}
	was, is := map[visitorDay]bool{}, map[visitorDay]bool{}
	err = d.reader.KeywordVisits(ctx, id, f.Group, first, last, func(day trend.Day, visitor trend.Visitor, facts trend.Facts) {
		for bucket, fact := range facts.ByBucket() {
			in := func(s trend.Span) bool { from, to := s.Of(day); return from <= bucket && bucket < to }
			if fact&trend.Searched == 0 {
				continue
			}
			if in(present) {
				is[visitorDay{day, visitor}] = true
			}
			if in(before) {
				was[visitorDay{day, visitor}] = true
			}
		}
	})
	report.Numbers, report.Before, report.History = s.present.numbers(int64(len(is))), s.before.numbers(int64(len(was))), s.history
	return err
}

// addBooks adds what a keyword found, and what was opened.
func (d *Desk) addBooks(ctx context.Context, f Filter, id int64, report *KeywordReport) error {
	present, _ := f.Window.At(d.now())
	first, last := present.Days()
	clicked, err := d.reader.ClickedBooks(ctx, id, f.Group, first, last, clickedBooks)
	if err != nil {
		return err
	}
	newest, err := d.reader.NewestBooks(ctx, id)
	if err != nil {
		return err
	}
	ids := slices.Clone(newest)
	for _, c := range clicked {
		ids = append(ids, c.Book)
	}
	found, err := d.books.GetBooks(ctx, ids)
	if err != nil {
		return err
	}
	books := make(map[uint]*model.Book, len(found))
	for _, b := range found {
		books[b.ID] = b
	}
	for _, book := range newest {
		if books[book] != nil {
			report.Results = append(report.Results, books[book])
		}
	}
	for _, c := range clicked {
		if books[c.Book] != nil { // deleted meanwhile
			report.Clicks = append(report.Clicks, ClickedBook{books[c.Book], c.Clicks, ratio(c.Ordinals, c.Clicks)})
		}
	}
	return nil
}
