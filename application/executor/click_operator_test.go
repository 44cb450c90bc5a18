package executor_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// clickQueue keeps records of the topic of clicks, and answers with err.
type clickQueue struct {
	records []model.Record
	err     error
}

func (q *clickQueue) SendEvent(key string, value []byte, headers ...mq.Header) (bool, error) {
	q.records = append(q.records, model.Record{Key: key, Value: value, Headers: headers})
	return q.err == nil, q.err
}

func TestRecordClick(t *testing.T) {
	const search = "0197a2b4-0000-7000-8000-000000000000"
	for _, err := range []error{nil, mq.ErrLost, mq.ErrUnconfirmed, mq.ErrRefused} {
		q := &clickQueue{err: err}
		click := &model.ClickEvent{SearchID: search, SearchTime: time.Now().UTC(), Keyword: "moon", Surface: model.PageSurface, Agent: model.PersonAgent, Book: 7, Ordinal: 2}
		executor.NewClickOperator(q, slog.New(slog.DiscardHandler)).RecordClick(t.Context(), click)
		require.Len(t, q.records, 1, "a click that the queue doesn't take is lost")
		r := q.records[0]
		sent, err := model.DecodeClickEvent(r.Key, r.Headers, r.Value)
		require.NoError(t, err)
		assert.Equal(t, search, r.Key)
		assert.Equal(t, model.ClickID(search, 7), sent.ID)
		assert.WithinDuration(t, time.Now(), sent.Time, time.Minute)
	}
}

func TestEraseVisitors(t *testing.T) {
	q := &clickQueue{}
	o := executor.NewClickOperator(q, slog.New(slog.DiscardHandler))
	require.NoError(t, o.EraseVisitors(t.Context(), nil))
	assert.Empty(t, q.records)
	visitors := []string{"0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11", "0123456789abcdef"}
	require.NoError(t, o.EraseVisitors(t.Context(), visitors))
	require.Len(t, q.records, 2)
	ids := map[string]bool{}
	for i, r := range q.records {
		e, err := model.DecodeVisitorErasedEvent(r.Key, r.Headers, r.Value)
		require.NoError(t, err)
		assert.Equal(t, visitors[i], e.Visitor)
		assert.Equal(t, e.Visitor, r.Key)
		assert.WithinDuration(t, time.Now(), e.Time, time.Minute)
		ids[e.ID] = true
	}
	assert.Len(t, ids, 2)
	for _, err := range []error{mq.ErrLost, mq.ErrUnconfirmed} {
		q.err = err
		failed := o.EraseVisitors(t.Context(), visitors)
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(failed))
		assert.ErrorIs(t, failed, err)
	}
}

// The clicks of an answer repeat its facts.
func TestClicksOfAnAnswer(t *testing.T) {
	s := &sent{t: t}
	c := &catalogue{found: &model.SearchResult{IDs: []uint{3, gone, 8}, Total: 50}}
	visit := model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Tag: "t", Visitor: "0123456789abcdef", Language: "de"}
	answer, err := operator(c, s).GetBooks(t.Context(), model.Search{Keyword: "one", Offset: 40, Limit: 20}, visit)
	require.NoError(t, err)
	event := s.events[0]
	assert.Equal(t, &model.ClickEvent{
		SearchID: event.ID, SearchTime: answer.SearchedAt, Keyword: "one", Offset: 40, Surface: model.PageSurface, Tag: "t",
		Visitor: visit.Visitor, Agent: model.PersonAgent, Book: 8, Ordinal: 42,
	}, answer.Click(1), "the second book of those that were answered")
	assert.True(t, event.Time.Equal(answer.SearchedAt))
	answer, err = operator(c, s).GetBooks(t.Context(), model.Search{Limit: 20}, visit)
	require.NoError(t, err)
	assert.Nil(t, answer.Click(0), "a list has no event")
}
