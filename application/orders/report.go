package orders

import (
	"context"
	"slices"
	"time"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Kind says why an entry has its place in the list.
type Kind string

const (
	ISBN     Kind = "isbn"
	Requests Kind = "requests"
	Searches Kind = "searches"
	// Rescued: every search showed other books.
	Rescued Kind = "rescued"
)

// Entry is one entry, as staff see it.
type Entry struct {
	ID string `json:"id"`
	// Keyword is as it was typed most often, Spellings are the others, folded.
	Keyword   string   `json:"keyword"`
	Spellings []string `json:"spellings"`
	Kind      Kind     `json:"kind"`
	ISBN      string   `json:"isbn,omitempty"`
	// CorrectedTo is what the search engine searches instead.
	CorrectedTo   string `json:"corrected_to,omitempty"`
	Requests      int64  `json:"requests"`
	DailyVisitors int64  `json:"daily_visitors"`
	Searches      int64  `json:"searches"`
	Rescued       int64  `json:"rescued"`
	// Week are the searches of the last days, WeekBefore those of as many days before.
	Week       int64 `json:"searches_7d"`
	WeekBefore int64 `json:"searches_7d_before"`
	// LastAsked is when it was last searched or requested.
	LastAsked time.Time    `json:"last_asked"`
	State     demand.State `json:"state"`
	Note      string       `json:"note"`
	// ClosedAt is when it became done, Book the one that was found then, Before and After what was
	// searched 14 days before and after.
	ClosedAt *time.Time  `json:"closed_at,omitempty"`
	Book     *model.Book `json:"book,omitempty"`
	Before   *Effect     `json:"before,omitempty"`
	After    *Effect     `json:"after,omitempty"`
}

// Effect are searches of a time: all, those that found books as typed, and the books opened.
type Effect struct {
	Searches int64 `json:"searches"`
	Found    int64 `json:"found"`
	Clicks   int64 `json:"clicks"`
}

// effectDays is how many days before and after are compared.
const effectDays = 14

// Entries returns those entries that have one of the states: at most n after the first ones, and how many
// there are. The error has the code UnavailableNow until the list is read.
func (l *List) Entries(ctx context.Context, states []demand.State, first, n int) (list []Entry, total int, err error) {
	chosen, err := l.choose(ctx, func(e *demand.Entry) bool { return slices.Contains(states, e.State) })
	if err != nil {
		return nil, 0, err
	}
	total = len(chosen)
	list, err = l.describe(ctx, chosen[min(first, total):min(first+n, total)])
	return list, total, err
}

// Entry returns one entry. Its error may have the code NotFound.
func (l *List) Entry(ctx context.Context, id string) (*Entry, error) {
	chosen, err := l.choose(ctx, func(e *demand.Entry) bool { return e.ID == id })
	if err != nil {
		return nil, err
	}
	list, err := l.describe(ctx, chosen)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errUnknown
	}
	return &list[0], nil
}

// choose returns the wanted entries, with what was decided since the list was made.
func (l *List) choose(ctx context.Context, wanted func(*demand.Entry) bool) (chosen []*demand.Entry, err error) {
	all := l.entries.Load()
	if all == nil {
		return nil, errNotReady
	}
	decided, err := l.decided(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range *all {
		if s, there := decided[e.ID]; there && (s.State != e.State || s.Note != e.Note) {
			changed := *e
			changed.State, changed.Note, changed.ClosedAt, changed.Book = s.State, s.Note, s.ClosedAt, s.Book
			e = &changed
		}
		if wanted(e) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

// decided returns what is stored, by id.
func (l *List) decided(ctx context.Context) (map[string]demand.Stored, error) {
	stored, err := l.Reader.StoredOrders(ctx)
	byID := make(map[string]demand.Stored, len(stored))
	for _, s := range stored {
		byID[demand.ID(s.Keyword)] = s
	}
	return byID, err
}

// describe adds names, books and effects.
func (l *List) describe(ctx context.Context, entries []*demand.Entry) ([]Entry, error) {
	names, err := l.namesOf(ctx, entries)
	if err != nil {
		return nil, err
	}
	books, err := l.booksOf(ctx, entries)
	if err != nil {
		return nil, err
	}
	list := make([]Entry, 0, len(entries))
	for _, e := range entries {
		entry := describe(e, names[e])
		entry.Book = books[e.Book]
		if e.State == demand.Done && !e.ClosedAt.IsZero() {
			entry.ClosedAt = &e.ClosedAt
			if entry.Before, entry.After, err = l.effect(ctx, e); err != nil {
				return nil, err
			}
		}
		list = append(list, entry)
	}
	return list, nil
}

func describe(e *demand.Entry, name string) Entry {
	entry := Entry{
		ID: e.ID, Keyword: name, Spellings: []string{}, Kind: Searches, ISBN: e.ISBN, Requests: e.Requests, DailyVisitors: e.DailyVisitors,
		Searches: e.Searches, Rescued: e.Numbers.Rescued, Week: e.Week, WeekBefore: e.WeekBefore, LastAsked: e.LastAsked, State: e.State, Note: e.Note,
	}
	if e.RequestedAt.After(entry.LastAsked) {
		entry.LastAsked = e.RequestedAt
	}
	if e.ClosedAt.After(entry.LastAsked) && entry.LastAsked.IsZero() {
		entry.LastAsked = e.ClosedAt // older searches are forgotten
	}
	folded := model.Fold(name)
	for _, k := range e.Keywords {
		if k.Folded != folded {
			entry.Spellings = append(entry.Spellings, k.Folded)
		}
	}
	switch {
	case e.Rescued():
		entry.Kind, entry.CorrectedTo = Rescued, e.Keywords[0].Meant
	case e.ISBN != "":
		entry.Kind = ISBN
	case e.Requests > 0:
		entry.Kind = Requests
	}
	return entry
}

// booksOf returns the books that were found for entries.
func (l *List) booksOf(ctx context.Context, entries []*demand.Entry) (map[uint]*model.Book, error) {
	var ids []uint
	for _, e := range entries {
		if e.Book != 0 {
			ids = append(ids, e.Book)
		}
	}
	found, err := l.Books.GetBooks(ctx, ids)
	books := make(map[uint]*model.Book, len(found))
	for _, b := range found {
		books[b.ID] = b
	}
	return books, err
}

// effect compares what was searched before an entry was closed with what came after.
func (l *List) effect(ctx context.Context, e *demand.Entry) (before, after *Effect, err error) {
	closed := trend.DayOf(e.ClosedAt)
	numbers, err := l.numbersOf(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	before, after = &Effect{}, &Effect{}
	return before, after, l.Reader.TrendRows(ctx, numbers, closed-effectDays, func(r *trend.Row) error {
		if r.Kind != trend.Page && r.Kind != trend.API || r.Day > closed+effectDays {
			return nil
		}
		counts, err := trend.DecodeDayCounts(r.Encoded)
		if err != nil {
			return err
		}
		middle := 0 // the first bucket that is over after the closing
		switch {
		case r.Day < closed:
			middle = trend.Buckets
		case r.Day == closed:
			middle = trend.BucketOf(e.ClosedAt)
			// In the half hour of the closing, searches that found nothing came before it.
			if of := counts[middle]; of.NotFound > 0 {
				earlier := trend.Counts{Searches: of.NotFound, Shown: of.Rescued, NotFound: of.NotFound, Rescued: of.Rescued}
				before.add(earlier)
				counts.Add(middle, earlier, -1)
			}
		}
		before.add(counts.Sum(0, middle))
		after.add(counts.Sum(middle, trend.Buckets))
		return nil
	})
}

func (f *Effect) add(c trend.Counts) {
	f.Searches += c.Searches
	f.Found += c.Shown - c.Rescued
	f.Clicks += c.Clicks
}

// numbersOf returns the numbers of all spellings of an entry. It never returns nil.
func (l *List) numbersOf(ctx context.Context, e *demand.Entry) ([]int64, error) {
	folded := []string{model.Fold(e.Stored.Keyword)}
	numbers := []int64{}
	for _, k := range e.Keywords {
		numbers = append(numbers, k.Number)
	}
	ids, err := l.Reader.KeywordIDs(ctx, folded)
	if id, known := ids[folded[0]]; known && !slices.Contains(numbers, id) {
		numbers = append(numbers, id)
	}
	return numbers, err
}

// Unopened is a keyword that finds books, none of which anybody opens.
type Unopened struct {
	Keyword string `json:"keyword"`
	// Shown are the searches on pages that showed books in 30 days.
	Shown int64 `json:"shown"`
}

// OutOfStock is a book that shoppers open, and can't buy.
type OutOfStock struct {
	Keyword string      `json:"keyword"`
	Book    *model.Book `json:"book"`
	Clicks  int64       `json:"clicks"`
}

const (
	// examined is how many of the keywords searched most are looked at.
	examined = 100
	// fewShown is the number of searches from which a missing click says something.
	fewShown = 5
	// opened is how many books of a keyword are looked at.
	opened = 5
)

// Missed returns, of the keywords searched most in 30 days, those whose books nobody opens, and the opened
// books that are out of stock.
func (l *List) Missed(ctx context.Context) (unopened []Unopened, outOfStock []OutOfStock, err error) {
	numbers, err := l.Board.Keywords(trend.Month, trend.Top, examined)
	if err != nil {
		return nil, nil, err
	}
	present, _ := trend.Month.At(l.now())
	first, last := present.Days()
	sums := map[int64]*trend.Counts{}
	err = l.Reader.TrendRows(ctx, append([]int64{}, numbers...), first, func(r *trend.Row) error {
		if r.Kind != trend.Page {
			return nil
		}
		counts, err := trend.DecodeDayCounts(r.Encoded)
		if sums[r.Keyword] == nil {
			sums[r.Keyword] = &trend.Counts{}
		}
		sums[r.Keyword].Add(counts.Sum(0, trend.Buckets), 1)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	spellings, err := l.Reader.Spellings(ctx, numbers, first, last)
	if err != nil {
		return nil, nil, err
	}
	for _, number := range numbers {
		switch sum := sums[number]; {
		case sum == nil:
		case sum.Clicks == 0 && sum.Shown >= fewShown:
			unopened = append(unopened, Unopened{spellings[number], sum.Shown})
		case sum.Clicks > 0:
			clicked, err := l.Reader.ClickedBooks(ctx, number, trend.Scope{Kind: trend.Page, Tag: trend.Any, Language: trend.Any}, first, last, opened)
			if err != nil {
				return nil, nil, err
			}
			for _, c := range clicked {
				books, err := l.Books.GetBooks(ctx, []uint{c.Book})
				if err != nil {
					return nil, nil, err
				}
				if len(books) == 1 && soldOut(books[0]) {
					outOfStock = append(outOfStock, OutOfStock{spellings[number], books[0], c.Clicks})
				}
			}
		}
	}
	return unopened, outOfStock, nil
}

func soldOut(b *model.Book) bool {
	return b.Availability == model.Unavailable || b.Stock != nil && *b.Stock == 0 && b.Availability != model.ToOrder
}
