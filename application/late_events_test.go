package application

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/spool"
)

// spoolSearches puts searches at some times into a spool, and sends what it holds if brokers is not
// empty.
func spoolSearches(t *testing.T, dir, topic string, brokers []string, times ...time.Time) {
	t.Helper()
	producer := func(topic string, addresses ...string) *mq.Producer {
		p, err := mq.NewProducer(append(addresses, brokers...), topic, mq.OnDemand())
		require.NoError(t, err)
		t.Cleanup(p.Close)
		return p
	}
	nowhere := []string{}
	if len(brokers) == 0 {
		nowhere = append(nowhere, mqtest.Nowhere(t))
	}
	dead := mq.DeadLetterTopic(topic)
	s, err := spool.Open(dir, producer(topic, nowhere...), producer(dead, nowhere...), spool.Options{Topic: topic, DeadTopic: dead, Instance: "test"})
	require.NoError(t, err)
	for _, at := range times {
		e := &model.SearchEvent{
			ID: uuid.NewString(), Time: at, Search: model.Search{Keyword: "moon", Sort: model.ByRelevance},
			Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Visitor: "0123456789abcdef"},
		}
		ok, err := s.SendEvent("moon", []byte("[]"), e.Headers()...)
		require.NoError(t, err)
		require.True(t, ok)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if len(brokers) > 0 {
		require.NoError(t, s.Empty(ctx))
	}
	cancel()
	require.NoError(t, s.Close(ctx))
}

// A shop is killed after Kafka has acknowledged its events and before it has forgotten them. Its
// spool is sent 36 days later, when their days are dropped: they are copies, and don't count again. An
// event that only comes then is too late.
func TestPromise3ASpoolThatIsSentAfter36Days(t *testing.T) {
	broker := mqtest.Shared(t)
	db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(t.Context()))
	c := config.Default()
	c.MQ.Topic = mqtest.NewTopic()
	searches := consumedTopics(c)[0]
	consumer := mq.NewConsumer(mq.Kafka{Brokers: []string{broker}}, "late-"+uuid.NewString(), c.MQ.Topic, searches.handlers, db, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { consumer.Run(ctx) })
	defer running.Wait()
	defer stop()
	outcome := func() (sum model.Tally) {
		for _, s := range consumer.Stats() {
			sum.Handled, sum.Copies, sum.Late = sum.Handled+s.Handled, sum.Copies+s.Copies, sum.Late+s.Late
		}
		return sum
	}
	eventually := func(want model.Tally) {
		t.Helper()
		require.Eventually(t, func() bool { return outcome() == want }, time.Minute, 20*time.Millisecond, "%+v", outcome())
	}
	now := time.Now()
	old := now.AddDate(0, 0, -36)
	dir, unforgotten := t.TempDir(), filepath.Join(t.TempDir(), "spool")
	spoolSearches(t, dir, c.MQ.Topic, nil, slices.Repeat([]time.Time{old}, 20)...)
	require.NoError(t, os.CopyFS(unforgotten, os.DirFS(dir)))
	brokers := []string{broker}
	spoolSearches(t, dir, c.MQ.Topic, brokers)
	eventually(model.Tally{Handled: 20})

	spoolSearches(t, t.TempDir(), c.MQ.Topic, brokers, now, now)
	eventually(model.Tally{Handled: 22})
	require.NoError(t, db.DropDays(t.Context(), consumer.Group(), trend.KeepDays))
	total := func() (requests int64) {
		require.NoError(t, db.TrendRows(t.Context(), nil, 0, func(r *trend.Row) error { requests += r.Requests; return nil }))
		return requests
	}
	assert.Equal(t, int64(2), total(), "of that day only the sum over all keywords is left")
	spoolSearches(t, unforgotten, c.MQ.Topic, brokers, old.Add(time.Minute))
	eventually(model.Tally{Handled: 23, Copies: 20, Late: 1})
	assert.Equal(t, int64(2), total())
}
