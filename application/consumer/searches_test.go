package consumer

import (
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
	require.NoError(t, CountSearches(t.Context(), []*model.Record{counted, late, unreadable, foreign, ofDroppedDay, noBooks, ahead}, tx))
	require.Len(t, tx.searches, 3)
	assert.Equal(t, &trend.Search{
		ID: aSearch, At: at, Keyword: "Moon", Folded: "moon", Public: "Moon", Visitor: trend.VisitorOf("", "0123456789abcdef"),
		Surface: model.PageSurface, First: true, Facts: trend.Searched | trend.Shown | trend.Hit, Books: []uint{7, 8, 1, 2, 3},
	}, tx.searches[0])
	assert.Equal(t, model.APISurface, tx.searches[1].Surface, "another program's")
	assert.Equal(t, at, tx.searches[2].At, "a clock that is ahead")
	assert.Equal(t, []*model.Record{late, ofDroppedDay}, tx.late)
	assert.Equal(t, []*model.Record{unreadable, noBooks}, tx.rejected)
	tx.err = assert.AnError
	require.ErrorIs(t, CountSearches(t.Context(), []*model.Record{counted}, tx), assert.AnError)
}
