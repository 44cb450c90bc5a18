package consumer

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

func searchAt(searched time.Time, value string) *model.Record {
	e := model.SearchEvent{Time: searched, ID: aSearch, Search: model.Search{Keyword: "Moon", Sort: model.ByRelevance}, Total: 1, Served: 1}
	e.Surface, e.Agent, e.Visitor = model.PageSurface, model.PersonAgent, "0123456789abcdef"
	return &model.Record{Key: "Moon", Value: []byte(value), Headers: e.Headers(), Time: searched, Newest: at}
}

func TestCountSearches(t *testing.T) {
	tx := &written{first: trend.DayOf(at) - 10}
	counted := searchAt(at, `[{"id": 7}, {"title": "no id"}, {"id": 8}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}]`)
	foreign := &model.Record{Key: "Moon", Value: []byte("[]"), Time: at}
	late, ofDroppedDay := searchAt(at.Add(-trend.TooLate-time.Second), "[]"), searchAt(at.AddDate(0, 0, -11), "[]")
	ahead := searchAt(at.Add(2*time.Hour), "[]")
	ahead.Time = at
	unreadable, noBooks := searchAt(at, "null"), searchAt(at, `[{"id": "x"}]`)
	deep := searchAt(at, strings.Repeat("[", 10<<20))
	require.NoError(t, CountSearches(t.Context(), []*model.Record{counted, late, unreadable, foreign, ofDroppedDay, noBooks, deep, ahead}, tx))
	require.Len(t, tx.searches, 3)
	assert.Equal(t, &trend.Search{
		ID: aSearch, At: at, Keyword: "Moon", Folded: "moon", Public: "Moon", Visitor: trend.VisitorOf("", "0123456789abcdef"),
		Surface: model.PageSurface, First: true, Facts: trend.Searched | trend.Shown | trend.Hit, Books: []uint{7, 8, 1, 2, 3},
	}, tx.searches[0])
	assert.Equal(t, model.APISurface, tx.searches[1].Surface, "another program's")
	assert.Equal(t, at, tx.searches[2].At, "a clock that is ahead")
	assert.Equal(t, []*model.Record{late, ofDroppedDay}, tx.late)
	assert.Equal(t, []*model.Record{unreadable, noBooks, deep}, tx.rejected)
	tx.err = assert.AnError
	require.ErrorIs(t, CountSearches(t.Context(), []*model.Record{counted}, tx), assert.AnError)
}

func TestFirstBooks(t *testing.T) {
	for value, want := range map[string][]uint{
		"[]": nil, " [ ] ": nil, `[null, {}, {"id": null}, {"id": 0}, {"id": 7}]`: {7},
		`[{"a": [{"id": 1}], "id": 2}, {"id":3},{"id":4},{"id":5},{"id":6},"no book"]`: {2, 3, 4, 5, 6},
	} {
		ids, err := firstBooks([]byte(value))
		require.NoError(t, err, value)
		assert.Equal(t, want, ids, value)
	}
	for _, value := range []string{"[1]", `["x"]`, "[[]]", `[{"id": -1}]`, `[{"id": 1.5}]`, `[{"id": 1e3}]`, `[{"id": 18446744073709551616}]`, `[{"id": [1]}]`, `[{"id": true}]`} {
		_, err := firstBooks([]byte(value))
		require.Error(t, err, value)
	}
}
