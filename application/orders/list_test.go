package orders_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/orders"
	"literank.com/event-books/application/trends"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/index/highlight"
)

// engine finds what is in it, and corrects what is in corrections. It notes each search.
type engine struct {
	gateway.NoCapabilities
	books, corrections map[string]string
	searches           []model.Search
	err                error
}

func (e *engine) SearchBooks(_ context.Context, s model.Search) (*model.SearchResult, error) {
	e.searches = append(e.searches, s)
	keyword := string(s.Keyword)
	if _, there := e.books[model.Fold(keyword)]; there {
		return &model.SearchResult{IDs: []uint{1}, Match: model.ExactMatch}, e.err
	}
	if to := e.corrections[model.Fold(keyword)]; to != "" && !s.Exact {
		return &model.SearchResult{IDs: []uint{2}, Match: model.CorrectedMatch, Served: to}, e.err
	}
	return &model.SearchResult{}, e.err
}

// newList returns a list on a database of its own.
func newList(t testing.TB, e *engine, version *int64) (*orders.List, *database.DB) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), log)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	board := trends.NewBoard(db, db, db, db, highlight.Highlighter{}, trends.Options{Group: "trends", Stream: "test", MinVisitors: 1, Log: log})
	return orders.New(orders.Options{
		Reader: db, Board: board, Books: db, Index: e, Log: log, Key: func() []byte { return []byte("key") },
		CatalogueVersion: func(context.Context) (int64, error) { return *version, nil },
	}), db
}

func count(t testing.TB, db *database.DB, work func(ctx context.Context, tx gateway.Transaction) error) {
	t.Helper()
	shard := model.Shard{Group: "trends", Stream: "test"}
	claim, err := db.Claim(t.Context(), shard)
	require.NoError(t, err)
	require.NoError(t, db.Advance(t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, work(t.Context(), tx)
	}))
}

func missed(keyword string, visitor int, facts trend.Fact) *trend.Search {
	return &trend.Search{
		ID: fmt.Sprint(keyword, visitor), At: time.Now(), Keyword: keyword, Folded: model.Fold(keyword), Visitor: trend.VisitorOf("", fmt.Sprintf("%016x", visitor)),
		Surface: model.PageSurface, First: true, Facts: trend.Searched | trend.Empty | facts,
	}
}

func names(t *testing.T, l *orders.List, states ...demand.State) (list []string) {
	t.Helper()
	entries, _, err := l.Entries(t.Context(), states, 0, 100)
	require.NoError(t, err)
	for _, e := range entries {
		list = append(list, strings.Join(append([]string{e.Keyword}, e.Spellings...), "|"))
	}
	return list
}

func TestListFollowsTheCounts(t *testing.T) {
	e, version := &engine{corrections: map[string]string{"tolstoi war": "war and peace", "war und pece": "war and peace"}}, int64(1)
	l, db := newList(t, e, &version)
	_, _, err := l.Entries(t.Context(), demand.States[:], 0, 1)
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err), "nothing is read yet")
	require.NoError(t, l.Refresh(t.Context()))
	assert.Empty(t, names(t, l, demand.Open))
	count(t, db, func(ctx context.Context, tx gateway.Transaction) error {
		return tx.CountSearches(ctx, []*trend.Search{missed("Tolstoi war", 1, trend.Shown), missed("war und pece", 1, trend.Shown), missed("Tolstoi war", 2, trend.Shown), missed("missing", 1, 0)})
	})
	require.NoError(t, l.Refresh(t.Context()))
	assert.Equal(t, []string{"missing", "Tolstoi war|war und pece"}, names(t, l, demand.Open))
	for _, s := range e.searches {
		assert.True(t, s.WithoutTotal && s.Limit == 1)
	}

	// Who erases their data takes the keyword with it.
	count(t, db, func(ctx context.Context, tx gateway.Transaction) error {
		return tx.EraseVisitors(ctx, []*trend.Erasure{{Visitor: trend.VisitorOf("", fmt.Sprintf("%016x", 1)), Until: time.Now()}})
	})
	require.NoError(t, l.Refresh(t.Context()))
	assert.Equal(t, []string{"Tolstoi war"}, names(t, l, demand.Open))
}

// Entries are searched again when the catalogue has changed, not all the time; a search engine that
// fails closes nothing.
func TestListSearchesAgainAfterChanges(t *testing.T) {
	e, version := &engine{books: map[string]string{}}, int64(1)
	l, db := newList(t, e, &version)
	count(t, db, func(ctx context.Context, tx gateway.Transaction) error {
		return tx.CountSearches(ctx, []*trend.Search{missed("missing", 1, 0), missed("ignored", 1, 0)})
	})
	require.NoError(t, l.Refresh(t.Context()))
	require.NoError(t, l.Decide(t.Context(), demand.ID("ignored"), demand.Ignored, ""))
	e.searches, e.books["missing"], e.books["ignored"] = nil, "", ""
	require.NoError(t, l.Refresh(t.Context()))
	assert.Empty(t, e.searches, "the catalogue is the same")
	version, e.err = 2, &model.Error{Code: model.Overloaded}
	assert.Equal(t, model.Overloaded, model.ErrorCode(l.Refresh(t.Context())))
	assert.Equal(t, []string{"missing"}, names(t, l, demand.Open))
	e.err = nil
	require.NoError(t, l.Refresh(t.Context()))
	require.NoError(t, l.Refresh(t.Context()))
	assert.Equal(t, []string{"missing"}, names(t, l, demand.Done))
	assert.Equal(t, []string{"ignored"}, names(t, l, demand.Ignored))
	for _, s := range e.searches {
		assert.True(t, s.Exact)
	}
}

// The first pass over 100,000 keywords that found nothing, and one after another search.
func BenchmarkRefresh100000(b *testing.B) {
	version := int64(1)
	l, db := newList(b, &engine{}, &version)
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 5000)
	for i := range words {
		text := make([]byte, 3+random.IntN(7))
		for at := range text {
			text[at] = 'a' + byte(random.IntN(22))
		}
		words[i] = string(text)
	}
	for part := range 100 {
		var batch []*trend.Search
		for i := range 1000 {
			batch = append(batch, missed(words[random.IntN(50)]+" "+words[random.IntN(5000)]+" "+words[random.IntN(5000)], part*1000+i, 0))
		}
		count(b, db, func(ctx context.Context, tx gateway.Transaction) error { return tx.CountSearches(ctx, batch) })
	}
	begun := time.Now()
	require.NoError(b, l.Refresh(b.Context()))
	first := time.Since(begun)
	for b.Loop() {
		count(b, db, func(ctx context.Context, tx gateway.Transaction) error {
			return tx.CountSearches(ctx, []*trend.Search{missed("one more "+fmt.Sprint(random.Int()), 1, 0)})
		})
		require.NoError(b, l.Refresh(b.Context()))
	}
	b.ReportMetric(first.Seconds(), "s/first")
}
