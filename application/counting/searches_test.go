package counting

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// search returns an event of a person without a cookie, who found as many books.
func search(keyword string, total int) *model.SearchEvent {
	return &model.SearchEvent{
		Time: noon, Search: model.Search{Keyword: model.Keyword(keyword)}, Total: total,
		Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent},
	}
}

func with(e *model.SearchEvent, change func(e *model.SearchEvent)) *model.SearchEvent {
	change(e)
	return e
}

func counted(t *testing.T, s *Searches, events ...*model.SearchEvent) *Searches {
	t.Helper()
	for _, e := range events {
		require.NoError(t, s.Add(0, e.Time, e))
	}
	return s
}

func TestSpellingsOfAKeywordAreOne(t *testing.T) {
	s := counted(t, NewSearches(time.Time{}, false),
		search("moon", 3), search("MOON", 3), search("Moon", 3), search("Moon", 3), search("Ｍoon", 3),
		search("и", 1), search("й", 1), search("Élan", 0), search("elan", 0), search("tide", 0))
	assert.Equal(t, []Keyword{
		{"Moon", 5, 5, 0},
		{"elan", 2, 2, 2}, // of two spellings typed equally often, the first in byte order
		{"tide", 1, 1, 1}, {"и", 1, 1, 0}, {"й", 1, 1, 0},
	}, s.Top(10, false))
	assert.Equal(t, []Keyword{{"elan", 2, 2, 2}, {"tide", 1, 1, 1}}, s.Top(10, true))
	assert.Equal(t, []Keyword{{"Moon", 5, 5, 0}}, s.Top(1, false))
	assert.Equal(t, Totals{Keywords: 5, Requests: 10, Searches: 10, NotFound: 3}, s.Totals)
}

func TestPagesAndRepetitionsAreOneSearch(t *testing.T) {
	visitor := func(id, keyword string, total int, change func(e *model.SearchEvent)) *model.SearchEvent {
		e := search(keyword, total)
		e.ClientID = id
		change(e)
		return e
	}
	same := func(*model.SearchEvent) {}
	daily := func(e *model.SearchEvent) { e.Visitor = "0123456789abcdef" }
	page2 := func(e *model.SearchEvent) { e.Search.Offset = 20 }
	later := func(by time.Duration) func(e *model.SearchEvent) {
		return func(e *model.SearchEvent) { e.Time = e.Time.Add(by) }
	}
	for name, test := range map[string]struct {
		events []*model.SearchEvent
		want   Keyword
	}{
		"a later page of nobody is a request": {
			[]*model.SearchEvent{search("a", 50), with(search("a", 50), page2)}, Keyword{"a", 1, 2, 0}},
		"a visitor turns pages": {
			[]*model.SearchEvent{visitor("v", "a", 50, same), visitor("v", "A", 50, page2)}, Keyword{"a", 1, 2, 0}},
		"a visitor who only turns pages searches": {
			[]*model.SearchEvent{visitor("v", "a", 50, page2), visitor("v", "a", 50, page2)}, Keyword{"a", 1, 2, 0}},
		"a visitor repeats a search within half an hour": {
			[]*model.SearchEvent{visitor("v", "a", 1, same), visitor("v", "a", 1, later(29*time.Minute))}, Keyword{"a", 1, 2, 0}},
		"a visitor repeats a search later": {
			[]*model.SearchEvent{visitor("v", "a", 1, same), visitor("v", "a", 1, later(30*time.Minute))}, Keyword{"a", 2, 2, 0}},
		"a daily visitor repeats a search": {
			[]*model.SearchEvent{visitor("", "a", 1, daily), visitor("", "a", 1, daily)}, Keyword{"a", 1, 2, 0}},
		"two visitors": {
			[]*model.SearchEvent{visitor("v", "a", 1, same), visitor("w", "a", 1, same)}, Keyword{"a", 2, 2, 0}},
		"page and API": {
			[]*model.SearchEvent{visitor("v", "a", 1, same), visitor("v", "a", 1, func(e *model.SearchEvent) { e.Surface = model.APISurface })}, Keyword{"a", 2, 2, 0}},
		"with and without a tag": {
			[]*model.SearchEvent{visitor("v", "a", 1, same), visitor("v", "a", 1, func(e *model.SearchEvent) { e.Tag = "letter" })}, Keyword{"a", 2, 2, 0}},
		"found nothing twice": {
			[]*model.SearchEvent{visitor("v", "a", 0, same), visitor("v", "a", 0, same)}, Keyword{"a", 1, 2, 1}},
		"found nothing, then the book arrived": {
			[]*model.SearchEvent{visitor("v", "a", 0, same), visitor("v", "a", 1, same)}, Keyword{"a", 1, 2, 0}},
		"filtered out": {
			[]*model.SearchEvent{visitor("v", "a", 0, func(e *model.SearchEvent) { e.Search.Filters.Language = "de" })}, Keyword{"a", 1, 1, 0}},
		"past the end": {
			[]*model.SearchEvent{visitor("v", "a", 50, func(e *model.SearchEvent) { e.Search.Offset = 60; e.Served = 0 })}, Keyword{"a", 1, 1, 0}},
		"nothing on a later page": {
			[]*model.SearchEvent{visitor("v", "a", 0, page2)}, Keyword{"a", 1, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			s := counted(t, NewSearches(time.Time{}, false), test.events...)
			assert.Equal(t, []Keyword{test.want}, s.Top(10, false))
			assert.Equal(t, Totals{Keywords: 1, Requests: test.want.Requests, Searches: test.want.Searches, NotFound: test.want.NotFound}, s.Totals)
			slices.Reverse(test.events)
			assert.Equal(t, test.want.NotFound, counted(t, NewSearches(time.Time{}, false), test.events...).NotFound, "in any order")
		})
	}
}

func TestCopiesCountOnce(t *testing.T) {
	from := func(source string, sequence uint64, id string) *model.SearchEvent {
		return with(search("a", 1), func(e *model.SearchEvent) { e.Source, e.Sequence, e.ID = source, sequence, id })
	}
	s := NewSearches(time.Time{}, false)
	counted(t, s, from("/shop/1", 2, "x"), from("/shop/1", 1, "y"), from("/shop/1", 2, "x"), from("/shop/2", 2, "z"),
		from("/shop/1", model.WindowWidth+3, "n"), from("/shop/1", 2, "x"),
		from("", 0, "foreign"), from("", 0, "foreign"), from("", 0, ""), from("", 0, ""))
	require.NoError(t, s.Add(1, noon, from("/shop/1", 2, "other partition")))
	assert.Equal(t, Totals{Keywords: 1, Requests: 8, Searches: 8, Copies: 3}, s.Totals)
}

func TestWhoCounts(t *testing.T) {
	events := []*model.SearchEvent{
		search("a", 1),
		with(search("a", 1), func(e *model.SearchEvent) { e.Agent = model.UnknownAgent }),
		with(search("a", 1), func(e *model.SearchEvent) { e.Agent = model.BotAgent }),
		with(search("a", 1), func(e *model.SearchEvent) { e.Surface = model.DemoSurface }),
		with(search("a", 1), func(e *model.SearchEvent) { e.Agent, e.Surface = model.BotAgent, model.DemoSurface }),
	}
	assert.Equal(t, Totals{Keywords: 1, Requests: 2, Searches: 2, Bots: 1, Demo: 2}, counted(t, NewSearches(time.Time{}, false), events...).Totals)
	assert.Equal(t, Totals{Keywords: 1, Requests: 1, Searches: 1, Bots: 1, Demo: 2, Unknown: 1}, counted(t, NewSearches(time.Time{}, true), events...).Totals)
}

func TestOldSearchesDontCount(t *testing.T) {
	at := func(offset time.Duration) *model.SearchEvent {
		return with(search("a", 1), func(e *model.SearchEvent) { e.Time = noon.Add(offset) })
	}
	s := counted(t, NewSearches(noon, false), at(-time.Nanosecond), at(0), at(time.Hour))
	assert.Equal(t, 2, s.Searches)
	// A clock that is far ahead, and an event without a time, count at the record's timestamp.
	require.NoError(t, s.Add(0, noon.Add(-time.Second), at(time.Hour)))
	require.NoError(t, s.Add(0, noon.Add(-time.Second), with(at(0), func(e *model.SearchEvent) { e.Time = time.Time{} })))
	assert.Equal(t, 2, s.Searches)
	require.NoError(t, s.Add(0, noon.Add(-time.Second), at(4*time.Minute)))
	assert.Equal(t, 3, s.Searches)
}

// Whatever fills the memory, Add fails in time instead of counting wrongly.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 16 << 20
	random := rand.New(rand.NewPCG(1, 2))
	for name, event := range map[string]func(n int) *model.SearchEvent{
		"keywords":      func(n int) *model.SearchEvent { return search(fmt.Sprintf("keyword %d", n), 1) },
		"long keywords": func(n int) *model.SearchEvent { return search(fmt.Sprint(strings.Repeat("龘", 990), n), 1) },
		"spellings": func(int) *model.SearchEvent {
			text := []byte(strings.Repeat("a", 60))
			for i := range text {
				text[i] -= byte(random.IntN(2)) * ('a' - 'A')
			}
			return search(string(text), 1)
		},
		"visitors": func(n int) *model.SearchEvent {
			return with(search("a", 1), func(e *model.SearchEvent) { e.ClientID = fmt.Sprint("visitor", n) })
		},
		"sources": func(n int) *model.SearchEvent {
			return with(search("a", 1), func(e *model.SearchEvent) { e.Source, e.Sequence = fmt.Sprint("/shop/", n), 1 })
		},
		"ids": func(n int) *model.SearchEvent {
			return with(search("a", 1), func(e *model.SearchEvent) { e.ID = fmt.Sprint("id", n) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			heap := func() int64 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				return int64(stats.HeapAlloc)
			}
			before := heap()
			s := NewSearches(time.Time{}, false)
			s.left = bound
			n := 0
			for ; n < 1_000_000; n++ {
				if err := s.Add(0, noon, event(n)); err != nil {
					require.ErrorIs(t, err, ErrTooMany)
					break
				}
			}
			used := heap() - before
			t.Logf("%d events in %d KiB", n, used>>10)
			assert.Less(t, used, int64(bound*5/4))
			assert.Greater(t, used, int64(bound/4))
			assert.Equal(t, n+1, s.Requests)
		})
	}
}
