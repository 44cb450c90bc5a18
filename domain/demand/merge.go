package demand

import (
	"cmp"
	"slices"

	"literank.com/event-books/domain/model"
)

// candidate is a keyword that may join an entry, or give one its name.
type candidate struct {
	folded  string
	keyword *Keyword // nil if it is only known from requests
	stored  *Stored  // nil if nothing is stored
}

func (c *candidate) searches() int64 {
	if c.keyword == nil {
		return 0
	}
	return c.keyword.Searches
}

func (c *candidate) requests() int64 {
	if c.stored == nil {
		return 0
	}
	return c.stored.Requests
}

// Merge makes entries of keywords, the most wanted first. Each keyword that was decided on has an
// entry of its own. The others follow by their searches: one that is a variant of an earlier one,
// or that the search engine corrects to the same text, joins its entry. So an entry consists of
// variants of one keyword, never of variants of variants.
func Merge(keywords []*Keyword, stored []Stored) []*Entry {
	var entries []*Entry
	known, meant := newVariants(), map[string]int{}
	for _, c := range candidates(keywords, stored) {
		text := cmp.Or(isbnOf(c.folded), c.folded)
		at, joins := -1, false
		if !c.stored.decided() {
			if at, joins = known.find(text); !joins && c.keyword != nil && c.keyword.Meant != "" {
				at, joins = meant[c.keyword.Meant]
			}
		}
		if !joins {
			at = len(entries)
			entries = append(entries, newEntry(c))
			known.add(text, at)
		}
		entries[at].join(c)
		if c.keyword != nil && c.keyword.Meant != "" {
			if _, taken := meant[c.keyword.Meant]; !taken {
				meant[c.keyword.Meant] = at
			}
		}
	}
	for _, e := range entries {
		e.DailyVisitors = e.countVisitors()
	}
	slices.SortFunc(entries, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.DailyVisitors, a.DailyVisitors), cmp.Compare(b.Requests, a.Requests),
			cmp.Compare(b.Searches, a.Searches), cmp.Compare(a.ID, b.ID))
	})
	return entries
}

// candidates returns those that give entries their names first.
func candidates(keywords []*Keyword, stored []Stored) []*candidate {
	byText := make(map[string]*candidate, len(keywords)+len(stored))
	all := make([]*candidate, 0, len(keywords)+len(stored))
	of := func(folded string) *candidate {
		c := byText[folded]
		if c == nil {
			c = &candidate{folded: folded}
			byText[folded] = c
			all = append(all, c)
		}
		return c
	}
	for _, k := range keywords {
		of(k.Folded).keyword = k
	}
	for i := range stored {
		of(model.Fold(stored[i].Keyword)).stored = &stored[i]
	}
	decided := func(c *candidate) int {
		if c.stored.decided() {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(decided(a), decided(b)), cmp.Compare(b.searches(), a.searches()), cmp.Compare(b.requests(), a.requests()), cmp.Compare(a.folded, b.folded))
	})
	return all
}

// newEntry returns the entry to which a candidate gives its name.
func newEntry(c *candidate) *Entry {
	e := &Entry{ID: ID(c.folded), ISBN: isbnOf(c.folded)}
	e.Stored = Stored{Keyword: c.folded, State: Open}
	if c.stored != nil {
		e.Stored = *c.stored
		e.Requests = 0 // join adds them
	}
	return e
}

// join adds a candidate to an entry.
func (e *Entry) join(c *candidate) {
	if c.keyword != nil {
		e.Keywords = append(e.Keywords, c.keyword)
		e.Numbers.Add(c.keyword.Numbers)
	}
	if c.stored != nil {
		e.Requests += c.stored.Requests
		if c.stored.RequestedAt.After(e.RequestedAt) {
			e.RequestedAt = c.stored.RequestedAt
		}
	}
}

// countVisitors counts the daily visitors of all spellings.
func (e *Entry) countVisitors() int64 {
	if len(e.Keywords) == 1 {
		return int64(len(e.Keywords[0].Visitors))
	}
	var all []uint64
	for _, k := range e.Keywords {
		all = append(all, k.Visitors...)
	}
	slices.Sort(all)
	return int64(len(slices.Compact(all)))
}
