// Package replaying runs recorded searches against another index, and says what shoppers would have
// seen instead. It must not know where events come from, or how a report looks.
package replaying

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// maxSearches bounds the different searches that are kept in memory.
const maxSearches = 500_000

// ErrTooMany means that there are more different searches than fit into memory.
var ErrTooMany = errors.New("there are too many different searches to keep them in memory")

// Searches are recorded searches of first pages, each once. The zero value has none.
type Searches struct {
	// Events is how many events were added, Different how many different searches they are.
	Events    int
	Different int

	byKey map[string]*recorded
	ids   map[string]bool // of events, since copies may come
}

// recorded is a search, with its newest answer.
type recorded struct {
	search model.Search
	times  int
	at     time.Time
	answer Answer
}

// Answer is what a shopper sees of a search.
type Answer struct {
	// Match says how the books match the keyword.
	Match model.Match `json:"match"`
	// Total counts the books for the keyword as typed.
	Total int `json:"total"`
	// First is the title of the first book, FirstID its id. They are empty if there was none.
	First   string `json:"first,omitempty"`
	FirstID uint   `json:"first_id,omitempty"`
	// Served is the keyword that was searched.
	Served string `json:"served"`
}

// Add adds an event. Searches of bots, of simulated shoppers and of later pages don't count, nor do
// copies. The error wraps ErrTooMany if there are too many different ones.
func (s *Searches) Add(e *model.SearchEvent, record time.Time) error {
	if e.Agent == model.BotAgent || e.Surface == model.DemoSurface || e.Search.Offset > 0 || s.ids[e.ID] && e.ID != "" {
		return nil
	}
	books, err := model.DecodeBooks(e.Value)
	if err != nil {
		return nil // another program's; consumers make it a dead letter
	}
	if s.byKey == nil {
		s.byKey, s.ids = map[string]*recorded{}, map[string]bool{}
	}
	s.ids[e.ID] = true
	s.Events++
	key := keyOf(e.Search)
	known := s.byKey[key]
	if known == nil {
		if len(s.byKey) >= maxSearches {
			return ErrTooMany
		}
		known = &recorded{search: e.Search}
		if known.search.Limit == 0 { // another program's
			known.search.Limit = model.MaxLimit
		}
		s.byKey[key] = known
		s.Different++
	}
	known.times++
	if at := model.EventTime(e.Time, record); !at.Before(known.at) {
		known.at, known.answer = at, Answer{Match: e.Match, Total: e.Total, Served: e.ServedQuery}
		if len(books) > 0 {
			known.answer.First, known.answer.FirstID = books[0].Title, books[0].ID
		}
	}
	return nil
}

// keyOf returns what tells searches apart.
func keyOf(s model.Search) string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%v\x00%d", model.Fold(string(s.Keyword)), s.Sort, model.EncodeFilters(s.Filters), s.ByWork, s.Limit)
}

// Kind says how an answer has changed.
type Kind string

const (
	// FirstPlace: another book comes first.
	FirstPlace Kind = "first_place"
	// Emptied: shoppers saw books, and would see none.
	Emptied Kind = "emptied"
	// Rescued: shoppers saw no books, and would see some.
	Rescued Kind = "rescued"
)

// Kinds are all kinds.
var Kinds = [...]Kind{Emptied, Rescued, FirstPlace}

// Change is a search whose answer would change.
type Change struct {
	Kind    Kind   `json:"kind"`
	Keyword string `json:"keyword"`
	// Filters are those of the search as a query string, or empty.
	Filters string `json:"filters,omitempty"`
	// Times is how often it was searched.
	Times  int    `json:"times"`
	Before Answer `json:"before"`
	After  Answer `json:"after"`
}

// Report says what shoppers would have seen.
type Report struct {
	// Events are those that were recorded, Different their different searches. Replayed were run
	// again, the most frequent first; Covered are their events.
	Events    int `json:"events"`
	Different int `json:"different"`
	Replayed  int `json:"replayed"`
	Covered   int `json:"covered"`
	// Changes are ordered by kind, then by how often they were searched.
	Changes []Change `json:"changes"`
}

// Changed counts the events whose answer would be of a kind.
func (r *Report) Changed(kind Kind) (searches, events int) {
	for _, c := range r.Changes {
		if c.Kind == kind {
			searches++
			events += c.Times
		}
	}
	return searches, events
}

// Run runs the most frequent searches, at most n, against an index. It calls progress after each.
func (s *Searches) Run(ctx context.Context, index gateway.BookIndex, books gateway.BookManager, n int, progress func(done, of int)) (*Report, error) {
	keys := slices.SortedFunc(maps.Keys(s.byKey), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.byKey[b].times, s.byKey[a].times), cmp.Compare(a, b))
	})
	keys = keys[:min(n, len(keys))]
	report := &Report{Events: s.Events, Different: s.Different, Replayed: len(keys), Changes: []Change{}}
	for i, key := range keys {
		r := s.byKey[key]
		report.Covered += r.times
		after, err := answer(ctx, index, books, r.search)
		if err != nil {
			return nil, fmt.Errorf("search for %.100q: %w", r.search.Keyword, err)
		}
		if kind := changed(r.answer, after); kind != "" {
			report.Changes = append(report.Changes, Change{kind, string(r.search.Keyword), model.EncodeFilters(r.search.Filters), r.times, r.answer, after})
		}
		progress(i+1, len(keys))
	}
	slices.SortStableFunc(report.Changes, func(a, b Change) int {
		return cmp.Compare(slices.Index(Kinds[:], a.Kind), slices.Index(Kinds[:], b.Kind))
	})
	return report, nil
}

func changed(before, after Answer) Kind {
	switch {
	case before.FirstID == after.FirstID:
		return ""
	case after.FirstID == 0:
		return Emptied
	case before.FirstID == 0:
		return Rescued
	}
	return FirstPlace
}

// answer searches as the shop does.
func answer(ctx context.Context, index gateway.BookIndex, books gateway.BookManager, search model.Search) (Answer, error) {
	result, err := index.SearchBooks(ctx, search)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Match: result.Match, Total: result.Total, Served: cmp.Or(result.Served, string(search.Keyword))}
	switch {
	case a.Match == model.CorrectedMatch, a.Match == model.RelaxedMatch:
		a.Total = result.Typed
	case a.Match == "" && result.Total > 0:
		a.Match = model.ExactMatch
	case a.Match == "":
		a.Match = model.NoMatch
	}
	if len(result.IDs) == 0 {
		return a, nil
	}
	found, err := books.GetBooks(ctx, result.IDs[:1])
	if err == nil && len(found) > 0 {
		a.First, a.FirstID = found[0].Title, found[0].ID
	}
	return a, err
}
