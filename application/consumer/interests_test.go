package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

func (tx *written) FirstInterestDay(context.Context) (trend.Day, error) { return tx.first, tx.firstErr }
func (tx *written) CountOpenings(_ context.Context, openings []*interest.Opening) error {
	tx.openings = openings
	return tx.err
}
func (tx *written) EraseInterests(_ context.Context, erasures []*trend.Erasure) error {
	tx.erasures = erasures
	return tx.err
}

func TestCountOpenings(t *testing.T) {
	tx := &written{first: trend.DayOf(at) - 10}
	counted := clickAt(t, at, at.Add(-time.Minute), model.PersonAgent)
	late := clickAt(t, at.Add(-trend.TooLate-time.Second), at.Add(-trend.TooLate-time.Minute), model.PersonAgent)
	ofDroppedDay := clickAt(t, at.AddDate(0, 0, -11), at.AddDate(0, 0, -11), model.PersonAgent)
	unreadable := &model.Record{Key: aSearch, Value: []byte("[]"), Newest: at}
	require.NoError(t, CountOpenings(t.Context(), []*model.Record{counted, clickAt(t, at, at, model.BotAgent), late, unreadable, ofDroppedDay}, tx))
	assert.Equal(t, []*interest.Opening{{Visitor: trend.VisitorOf("", "0123456789abcdef"), Book: 7, At: at}}, tx.openings)
	assert.Equal(t, []*model.Record{unreadable}, tx.rejected)
	assert.Equal(t, []*model.Record{late, ofDroppedDay}, tx.late)

	tx = &written{err: assert.AnError}
	require.ErrorIs(t, CountOpenings(t.Context(), []*model.Record{counted}, tx), assert.AnError)
	require.NoError(t, CountOpenings(t.Context(), []*model.Record{unreadable}, tx), "nothing is to be counted")
	require.ErrorIs(t, CountOpenings(t.Context(), []*model.Record{counted}, &written{firstErr: assert.AnError}), assert.AnError)
}

func TestEraseInterests(t *testing.T) {
	e := model.VisitorErasedEvent{Time: at, Visitor: "0123456789abcdef"}
	value, headers, err := e.Encode()
	require.NoError(t, err)
	erasure := &model.Record{Key: e.Key(), Value: value, Headers: headers, Time: at, Newest: at}
	tx := &written{err: assert.AnError}
	require.ErrorIs(t, EraseInterests(t.Context(), []*model.Record{erasure}, tx), assert.AnError)
	assert.Equal(t, []*trend.Erasure{{Visitor: trend.VisitorOf("", e.Visitor), Until: at}}, tx.erasures)
	require.NoError(t, EraseInterests(t.Context(), []*model.Record{{Value: []byte("{}")}}, tx))
	assert.Len(t, tx.rejected, 1)
}
