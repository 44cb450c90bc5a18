package trends

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/trend"
)

// windows is the number of trend.Windows.
const windows = len(trend.Windows)

// sums have the numbers of all keywords. A keyword takes about 150 bytes.
type sums struct {
	index map[int64]int32 // by keyword
	rows  []row
}

// row has the numbers of one keyword, for each window.
type row struct {
	keyword  int64
	byWindow [windows]struct{ requests, searches, before int32 }
	// typed are the searches of people for the keyword as typed, which staff see.
	typed [windows]struct{ searches, before, notFound int32 }
}

func newSums() sums { return sums{index: map[int64]int32{}} }

func (s *sums) row(keyword int64) *row {
	at, known := s.index[keyword]
	if !known {
		at = int32(len(s.rows))
		s.index[keyword] = at
		s.rows = append(s.rows, row{keyword: keyword})
	}
	return &s.rows[at]
}

// clear forgets the numbers of keywords, and returns what they were.
func (s *sums) clear(keywords []int64) (before []row) {
	for _, keyword := range keywords {
		before = append(before, *s.row(keyword))
		*s.row(keyword) = row{keyword: keyword}
	}
	return before
}

// read adds up what is stored of keywords; nil means all.
func (s *sums) read(ctx context.Context, reader gateway.TrendReader, now time.Time, keywords []int64) error {
	var present, before [windows]trend.Span
	for i, window := range trend.Windows {
		present[i], before[i] = window.At(now)
	}
	first, _ := before[windows-1].Days()
	return reader.TrendRows(ctx, keywords, first, func(stored *trend.Row) error {
		if !stored.Kind.Public() {
			return nil
		}
		sum := s.row(stored.Keyword)
		for i := range sum.byWindow {
			if err := sum.add(i, stored, present[i], before[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// add adds the part of a stored row that lies in a window and in the one before.
func (r *row) add(window int, stored *trend.Row, present, before trend.Span) error {
	requests, searches, notFound, err := stored.In(present)
	if err != nil {
		return err
	}
	_, earlier, _, err := stored.In(before)
	if err != nil {
		return err
	}
	all, typed := &r.byWindow[window], &r.typed[window]
	all.requests += int32(requests)
	all.searches += int32(searches)
	all.before += int32(earlier)
	if stored.Kind < trend.Served {
		typed.searches += int32(searches)
		typed.before += int32(earlier)
		typed.notFound += int32(notFound)
	}
	return nil
}

// weight is what a list is ordered by.
func (r *row) weight(l list) int32 {
	w := r.byWindow[l.window]
	if l.staff {
		w.searches, w.before = r.typed[l.window].searches, r.typed[l.window].before
	}
	switch l.order {
	case trend.Rising:
		return w.searches - w.before
	case trend.NotFoundMost:
		return r.typed[l.window].notFound
	}
	return w.searches
}

// candidate is a keyword that may be listed.
type candidate struct {
	at     int32 // in rows
	weight int32
}

// compare orders candidates, the best first.
func (c candidate) compare(other candidate) int {
	return cmp.Or(cmp.Compare(other.weight, c.weight), cmp.Compare(c.at, other.at))
}

// worst is a heap whose first element is the worst of the best candidates.
type worst []candidate

func (w worst) Len() int           { return len(w) }
func (w worst) Less(i, j int) bool { return w[i].compare(w[j]) > 0 }
func (w worst) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *worst) Push(c any)        { *w = append(*w, c.(candidate)) }
func (w *worst) Pop() any          { panic("nothing is taken from the heap") }

func (w *worst) add(c candidate, most int) {
	switch {
	case c.weight <= 0:
	case len(*w) < most:
		heap.Push(w, c)
	case c.compare((*w)[0]) < 0:
		(*w)[0] = c
		heap.Fix(w, 0)
	}
}

// everyList returns all lists.
func everyList() (all []list) {
	for i := range windows {
		for _, order := range trend.Orders {
			all = append(all, list{window: i, order: order})
		}
		for _, order := range trend.StaffOrders {
			all = append(all, list{window: i, order: order, staff: true})
		}
	}
	return all
}

// best returns the n best candidates of each list.
func (s *sums) best(n int) map[list][]candidate {
	lists := everyList()
	heaps := make([]worst, len(lists))
	for at := range s.rows {
		for i, l := range lists {
			heaps[i].add(candidate{int32(at), s.rows[at].weight(l)}, n)
		}
	}
	all := map[list][]candidate{}
	for i, l := range lists {
		slices.SortFunc(heaps[i], candidate.compare)
		all[l] = heaps[i]
	}
	return all
}

// follow brings best, which has the n best candidates of each list, up to date after the rows of
// some keywords have changed, which were before. It returns false if one of them has lost weight:
// then another one may have its place, and all must be looked through.
func (s *sums) follow(best map[list][]candidate, n int, before []row) bool {
	changed := make(map[int32]bool, len(before))
	for i := range before {
		at := s.index[before[i].keyword]
		changed[at] = true
		for l := range best {
			if s.rows[at].weight(l) < before[i].weight(l) {
				return false
			}
		}
	}
	for l, known := range best {
		known = slices.DeleteFunc(known, func(c candidate) bool { return changed[c.at] })
		for at := range changed {
			if weight := s.rows[at].weight(l); weight > 0 {
				known = append(known, candidate{at, weight})
			}
		}
		slices.SortFunc(known, candidate.compare)
		best[l] = known[:min(n, len(known))]
	}
	return true
}

// bestOf returns the n best candidates of one list.
func (s *sums) bestOf(l list, n int) []candidate {
	var top worst
	for at := range s.rows {
		top.add(candidate{int32(at), s.rows[at].weight(l)}, n)
	}
	slices.SortFunc(top, candidate.compare)
	return top
}
