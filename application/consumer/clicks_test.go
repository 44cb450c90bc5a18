package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// written keeps what handlers write.
type written struct {
	gateway.Transaction
	clicks         []*trend.Click
	erasures       []*trend.Erasure
	searches       []*trend.Search
	rejected, late []*model.Record
	openings       []*interest.Opening
	first          trend.Day
	err, firstErr  error
}

func (tx *written) FirstDay(context.Context) (trend.Day, error) { return tx.first, nil }
func (tx *written) CountSearches(_ context.Context, searches []*trend.Search) error {
	tx.searches = searches
	return tx.err
}

func (tx *written) Reject(r *model.Record, reason error) { tx.rejected = append(tx.rejected, r) }
func (tx *written) Late(r *model.Record)                 { tx.late = append(tx.late, r) }
func (tx *written) CountClicks(_ context.Context, clicks []*trend.Click) error {
	tx.clicks = clicks
	return tx.err
}
func (tx *written) EraseVisitors(_ context.Context, erasures []*trend.Erasure) error {
	tx.erasures = erasures
	return tx.err
}

const aSearch = "0197a2b4-0000-7000-8000-000000000000"

var at = time.Date(2026, 7, 1, 10, 30, 0, 0, time.UTC)

func clickAt(t *testing.T, clicked, searched time.Time, by model.Agent) *model.Record {
	t.Helper()
	e := model.ClickEvent{Time: clicked, SearchID: aSearch, SearchTime: searched, Keyword: "Moon", Surface: model.PageSurface, Visitor: "0123456789abcdef", Agent: by, Book: 7, Ordinal: 2}
	value, headers, err := e.Encode()
	require.NoError(t, err)
	return &model.Record{Key: e.Key(), Value: value, Headers: headers, Time: clicked, Newest: at}
}

func TestCountClicks(t *testing.T) {
	tx := &written{}
	counted := clickAt(t, at, at.Add(-time.Minute), model.PersonAgent)
	late := clickAt(t, at.Add(-trend.TooLate-time.Second), at.Add(-trend.TooLate-time.Minute), model.PersonAgent)
	ofLateSearch := clickAt(t, at, at.Add(-trend.TooLate-time.Second), model.PersonAgent)
	bot := clickAt(t, at, at, model.BotAgent)
	last := clickAt(t, at.Add(-trend.TooLate), at.Add(-trend.TooLate), model.UnknownAgent)
	unreadable := &model.Record{Key: aSearch, Value: []byte("[]"), Newest: at}
	require.NoError(t, CountClicks(t.Context(), []*model.Record{counted, late, unreadable, ofLateSearch, bot, last}, tx))
	require.Len(t, tx.clicks, 2)
	assert.Equal(t, &trend.Click{
		SearchID: aSearch, Book: 7, At: at, SearchedAt: at.Add(-time.Minute), Keyword: "Moon", Folded: "moon",
		Visitor: trend.VisitorOf("", "0123456789abcdef"), Surface: model.PageSurface, First: true, Ordinal: 2,
	}, tx.clicks[0])
	assert.Equal(t, []*model.Record{unreadable}, tx.rejected)
	assert.Equal(t, []*model.Record{late, ofLateSearch}, tx.late)

	tx = &written{first: trend.DayOf(at)}
	ofDroppedDay := clickAt(t, at, at.Add(-24*time.Hour), model.PersonAgent)
	require.NoError(t, CountClicks(t.Context(), []*model.Record{ofDroppedDay, counted}, tx))
	assert.Len(t, tx.clicks, 1)
	assert.Equal(t, []*model.Record{ofDroppedDay}, tx.late)

	first := clickAt(t, at, at, model.PersonAgent)
	first.Newest = time.Time{}
	tx = &written{err: errors.New("away")}
	assert.ErrorIs(t, CountClicks(t.Context(), []*model.Record{first}, tx), tx.err)
	assert.Len(t, tx.clicks, 1, "the first record isn't late")
	assert.NoError(t, CountClicks(t.Context(), []*model.Record{bot}, tx), "nothing is to be counted")
}

func TestEraseVisitors(t *testing.T) {
	erasure := func(visitor string, asked time.Time) *model.Record {
		e := model.VisitorErasedEvent{Time: asked, Visitor: visitor}
		value, headers, err := e.Encode()
		require.NoError(t, err)
		return &model.Record{Key: e.Key(), Value: value, Headers: headers, Time: asked, Newest: at}
	}
	const cookie, daily = "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11", "0123456789abcdef"
	late, unreadable := erasure(daily, at.Add(-trend.TooLate-time.Second)), &model.Record{Value: []byte("{}")}
	tx := &written{}
	require.NoError(t, EraseVisitors(t.Context(), []*model.Record{erasure(cookie, at), late, unreadable, erasure(daily, at.Add(time.Minute))}, tx))
	assert.Equal(t, []*trend.Erasure{
		{Visitor: trend.VisitorOf(cookie, ""), Until: at}, {Visitor: trend.VisitorOf("", daily), Until: at.Add(time.Minute)},
	}, tx.erasures)
	assert.Equal(t, []*model.Record{unreadable}, tx.rejected)
	assert.Equal(t, []*model.Record{late}, tx.late)
	tx.err = errors.New("away")
	assert.ErrorIs(t, EraseVisitors(t.Context(), []*model.Record{erasure(cookie, at)}, tx), tx.err)
	assert.NoError(t, EraseVisitors(t.Context(), []*model.Record{late}, tx))
}
