package orders

import (
	"context"
	"time"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// checkEvery is how often all entries are searched again, and checkAgain how long after a change
	// of the catalogue a second time: the search index may not have had it before.
	checkEvery = 5 * time.Minute
	checkAgain = 10 * time.Second
	// checkedAtOnce bounds the entries that one pass searches, and checkedSpellings the spellings of
	// an entry.
	checkedAtOnce, checkedSpellings = 200, 5
)

// check is a round through all entries that wait for a book.
type check struct {
	version int64           // of the catalogue
	checked map[string]bool // entries, by id
	next    time.Time       // of the next round
}

// closeFound searches waiting entries again, as they were typed, and closes those for which there is a
// book. It sends no event. After a change of the catalogue it begins a new round.
func (l *List) closeFound(ctx context.Context, now time.Time) error {
	version, err := l.CatalogueVersion(ctx)
	if err != nil {
		return err
	}
	c := &l.check
	switch {
	case c.checked == nil || version != c.version:
		c.version, c.checked, c.next = version, map[string]bool{}, now.Add(checkAgain)
	case !now.Before(c.next):
		c.checked, c.next = map[string]bool{}, now.Add(checkEvery)
	}
	searched := 0
	for _, e := range *l.entries.Load() {
		if !e.State.Waiting() || c.checked[e.ID] {
			continue
		}
		if searched++; searched > checkedAtOnce {
			break
		}
		if err := l.closeIfFound(ctx, e, now); err != nil {
			return err
		}
		c.checked[e.ID] = true
	}
	return nil
}

func (l *List) closeIfFound(ctx context.Context, e *demand.Entry, now time.Time) error {
	texts := e.Texts()
	for _, text := range texts[:min(checkedSpellings, len(texts))] {
		found, err := l.findExactly(ctx, model.Keyword(text))
		if err != nil {
			return err
		}
		if found == 0 {
			continue
		}
		name, err := l.nameOf(ctx, e)
		if err == nil {
			_, err = l.Reader.CloseOrder(ctx, name, found, now)
		}
		return err
	}
	return nil
}

// findExactly returns a book that a keyword finds as typed, or 0.
func (l *List) findExactly(ctx context.Context, keyword model.Keyword) (book uint, err error) {
	found, err := l.Index.SearchBooks(ctx, model.Search{Keyword: keyword, Sort: model.ByRelevance, Limit: 1, Exact: true, WithoutTotal: true})
	if err != nil || len(found.IDs) == 0 {
		return 0, err
	}
	return found.IDs[0], nil
}

// nameOf returns the name of an entry as it was typed most often.
func (l *List) nameOf(ctx context.Context, e *demand.Entry) (string, error) {
	names, err := l.namesOf(ctx, []*demand.Entry{e})
	return names[e], err
}

// namesOf returns the names of entries as they were typed most often. What is stored has a name.
func (l *List) namesOf(ctx context.Context, entries []*demand.Entry) (map[*demand.Entry]string, error) {
	names := make(map[*demand.Entry]string, len(entries))
	byNumber := map[int64]*demand.Entry{}
	var numbers []int64
	for _, e := range entries {
		names[e] = e.Stored.Keyword
		if first := namesake(e); first != nil && e.Stored.Keyword == first.Folded {
			byNumber[first.Number] = e
			numbers = append(numbers, first.Number)
		}
	}
	today := trend.DayOf(l.now())
	spellings, err := l.Reader.Spellings(ctx, numbers, today-keepDays, today)
	for number, spelling := range spellings {
		names[byNumber[number]] = spelling
	}
	return names, err
}

// namesake returns the keyword that gives an entry its name; nil if it was never searched.
func namesake(e *demand.Entry) *demand.Keyword {
	for _, k := range e.Keywords {
		if demand.ID(k.Folded) == e.ID {
			return k
		}
	}
	return nil
}
