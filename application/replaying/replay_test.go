package replaying

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// shelf answers each keyword with one book or none.
type shelf struct {
	gateway.BookManager
	gateway.NoCapabilities
	first map[model.Keyword]uint
	err   error
}

func (s *shelf) SearchBooks(_ context.Context, search model.Search) (*model.SearchResult, error) {
	if id := s.first[search.Keyword]; id > 0 {
		return &model.SearchResult{IDs: []uint{id, 99}, Total: 2}, s.err
	}
	return &model.SearchResult{}, s.err
}

func (s *shelf) GetBooks(_ context.Context, ids []uint) (books []*model.Book, err error) {
	for _, id := range ids {
		books = append(books, &model.Book{ID: id, Title: fmt.Sprint("book ", id)})
	}
	return books, nil
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func event(id, keyword string, first uint, change func(e *model.SearchEvent)) *model.SearchEvent {
	books := []*model.Book{}
	if first > 0 {
		books = append(books, &model.Book{ID: first, Title: fmt.Sprint("book ", first)})
	}
	value, err := json.Marshal(books)
	if err != nil {
		panic(err)
	}
	e := &model.SearchEvent{
		ID: id, Time: noon, Search: model.Search{Keyword: model.Keyword(keyword), Limit: 20, Sort: model.ByRelevance},
		Value: value, Total: len(books), Served: len(books), Match: model.ExactMatch, ServedQuery: keyword,
	}
	if change != nil {
		change(e)
	}
	return e
}

func TestReplay(t *testing.T) {
	s := &Searches{}
	add := func(e *model.SearchEvent) { require.NoError(t, s.Add(e, e.Time)) }
	for i := range 5 {
		add(event(fmt.Sprint("same ", i), "same", 1, nil))
	}
	add(event("same 0", "same", 1, nil)) // a copy
	for i := range 3 {
		add(event(fmt.Sprint("emptied ", i), "emptied", 2, nil))
	}
	add(event("r", "rescued", 0, nil))
	add(event("m1", "moved", 3, func(e *model.SearchEvent) { e.Time = noon.Add(time.Hour) }))
	add(event("m2", "Moved", 7, nil)) // an older answer of the same keyword
	add(event("f", "moved", 3, func(e *model.SearchEvent) { e.Search.Filters.Language = "de" }))
	add(event("bot", "bot", 1, func(e *model.SearchEvent) { e.Agent = model.BotAgent }))
	add(event("demo", "demo", 1, func(e *model.SearchEvent) { e.Surface = model.DemoSurface }))
	add(event("page", "same", 1, func(e *model.SearchEvent) { e.Search.Offset = 20 }))
	add(event("odd", "odd", 1, func(e *model.SearchEvent) { e.Value = []byte("[1]") }))

	index := &shelf{first: map[model.Keyword]uint{"same": 1, "rescued": 4, "moved": 5}}
	steps := 0
	report, err := s.Run(t.Context(), index, index, 100, func(done, of int) { steps++; assert.LessOrEqual(t, done, of) })
	require.NoError(t, err)
	assert.Equal(t, []int{12, 5, 5, 12, 5}, []int{report.Events, report.Different, report.Replayed, report.Covered, steps})
	type change struct {
		kind             Kind
		keyword, filters string
		times            int
		before, after    string
	}
	var got []change
	for _, c := range report.Changes {
		got = append(got, change{c.Kind, c.Keyword, c.Filters, c.Times, c.Before.First, c.After.First})
	}
	assert.Equal(t, []change{
		{Emptied, "emptied", "", 3, "book 2", ""},
		{Rescued, "rescued", "", 1, "", "book 4"},
		{FirstPlace, "moved", "", 2, "book 3", "book 5"},
		{FirstPlace, "moved", "language=de", 1, "book 3", "book 5"},
	}, got)
	searches, events := report.Changed(FirstPlace)
	assert.Equal(t, []int{2, 3}, []int{searches, events})

	report, err = s.Run(t.Context(), index, index, 1, func(int, int) {})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 5, 0}, []int{report.Replayed, report.Covered, len(report.Changes)}, "the most frequent one")
	index.err = errors.New("broken")
	_, err = s.Run(t.Context(), index, index, 1, func(int, int) {})
	require.ErrorIs(t, err, index.err)

	report, err = (&Searches{}).Run(t.Context(), index, index, 9, nil)
	require.NoError(t, err)
	assert.Zero(t, report.Replayed)
}
