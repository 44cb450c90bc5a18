package application

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// The first step of a consumer is a handler: here one that counts the searches that a letter's
// links have led to, by their tag. It stores nothing new, so there is no second step.
func countTags(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	if _, err := tx.FirstDay(ctx); err != nil {
		return err
	}
	var tagged []*trend.Search
	for _, r := range records {
		e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
		switch {
		case err != nil:
			tx.Reject(r, err)
		case e.Tag != "":
			s := trend.NewSearch(e, r.Time)
			s.Keyword, s.Folded, s.Public = e.Tag, model.Fold(e.Tag), ""
			tagged = append(tagged, s)
		}
	}
	return tx.CountSearches(ctx, tagged)
}

// DESIGN.md shows how to add a consumer. This is one, on a broker and a database.
func TestAConsumerOfOnesOwn(t *testing.T) {
	broker := mqtest.Shared(t)
	db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(t.Context()))
	topic := mqtest.NewTopic()
	queue, err := mq.NewKafkaQueue([]string{broker}, topic)
	require.NoError(t, err)
	defer queue.Close()
	send := func(tag string) {
		t.Helper()
		e := &model.SearchEvent{ID: uuid.NewString(), Time: time.Now(), Search: model.Search{Keyword: "moon", Sort: model.ByRelevance}, Visit: model.Visit{Surface: model.PageSurface, Agent: model.PersonAgent, Tag: tag}}
		require.Eventually(t, func() bool {
			ok, err := queue.SendEvent("moon", []byte("[]"), e.Headers()...)
			return ok && err == nil
		}, time.Minute, 50*time.Millisecond)
	}
	for _, tag := range []string{"spring", "", "Spring", "summer"} {
		send(tag)
	}

	// The last step: enter the handler under the type of its events.
	consumer := mq.NewConsumer(mq.Kafka{Brokers: []string{broker}}, "tags-"+uuid.NewString(), topic, gateway.Handlers{model.SearchEventType: countTags}, db, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { consumer.Run(ctx) })
	defer running.Wait()
	defer stop()

	counted := func() map[string]int64 {
		ids, err := db.KeywordIDs(t.Context(), []string{"spring", "summer", "moon"})
		require.NoError(t, err)
		counts := map[string]int64{}
		for name, id := range ids {
			require.NoError(t, db.TrendRows(t.Context(), []int64{id}, 0, func(r *trend.Row) error { counts[name] += r.Requests; return nil }))
		}
		return counts
	}
	want := map[string]int64{"spring": 2, "summer": 1}
	require.Eventually(t, func() bool { return len(counted()) == len(want) && counted()["spring"] == 2 }, time.Minute, 20*time.Millisecond)
	assert.Equal(t, want, counted())
}
