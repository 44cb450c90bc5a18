package databasetest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// Rows and visitors of searches that found nothing are those of people.
func testNotFound(t *testing.T, db Catalogue) {
	ctx := t.Context()
	of := func(keyword, visitor string, surface model.Surface, facts trend.Fact) *trend.Search {
		return &trend.Search{
			ID: keyword + visitor, At: noon, Keyword: keyword, Folded: keyword, Visitor: trend.VisitorOf("", visitor), Surface: surface, First: true,
			Facts: trend.Searched | facts,
		}
	}
	const one, two = "00000001aaaaaaaa", "00000002aaaaaaaa"
	bot := of("missing", "", model.PageSurface, trend.Empty)
	bot.Bot = true
	count(t, db, func(tx gateway.Transaction) error {
		return tx.CountSearches(ctx, []*trend.Search{
			of("missing", one, model.PageSurface, trend.Empty), of("missing", two, model.APISurface, trend.Empty), of("missing", "", model.PageSurface, trend.Empty),
			of("missing", two, model.DemoSurface, trend.Empty), bot,
			of("found", one, model.PageSurface, trend.Hit|trend.Shown), of("imagined", one, model.DemoSurface, trend.Empty),
		})
	})
	ids := must(db.KeywordIDs(ctx, []string{"missing", "found", "imagined"}))
	missing, day := ids["missing"], trend.DayOf(noon)
	for _, keywords := range [][]int64{nil, {ids["found"], missing, ids["imagined"], 1 << 40}} {
		notFound := map[trend.Kind]int64{}
		require.NoError(t, db.NotFoundRows(ctx, keywords, day, func(r *trend.Row) error {
			assert.Equal(t, missing, r.Keyword)
			notFound[r.Kind] += r.NotFound
			return nil
		}))
		assert.Equal(t, map[trend.Kind]int64{trend.Page: 2, trend.API: 1}, notFound)
	}
	require.NoError(t, db.NotFoundRows(ctx, nil, day+1, func(*trend.Row) error { return assert.AnError }))

	var visitors []string
	wanted := gateway.KeywordDay{Keyword: missing, Day: day}
	require.NoError(t, db.VisitsOf(ctx, []gateway.KeywordDay{wanted, {Keyword: missing, Day: day + 1}}, func(of gateway.KeywordDay, visitor trend.Visitor, facts trend.Facts) {
		assert.Equal(t, wanted, of)
		assert.NotZero(t, facts.ByBucket()[trend.BucketOf(noon)]&trend.Empty)
		visitors = append(visitors, fmt.Sprintf("%x", visitor))
	}))
	assert.ElementsMatch(t, []string{one, two}, visitors)
	assert.Equal(t, map[int64]string{missing: "missing"}, must(db.FoldedTexts(ctx, []int64{missing, 1 << 40})))
}

func requestOf(keyword, visitor string, at time.Time) demand.Request {
	return demand.Request{Keyword: model.Keyword(keyword), Once: sha256.Sum256([]byte(model.Fold(keyword) + "\n" + visitor)), At: at}
}

func testOrders(t *testing.T, db Catalogue) {
	ctx := t.Context()
	at := func(milli int64) time.Time { return time.UnixMilli(milli).UTC() }
	assert.Empty(t, must(db.StoredOrders(ctx)))
	assert.True(t, must(db.RequestOrder(ctx, requestOf("Émile 🍕", "one", at(1000)))))
	assert.False(t, must(db.RequestOrder(ctx, requestOf("emile 🍕", "one", at(2000)))), "once for each visitor")
	assert.True(t, must(db.RequestOrder(ctx, requestOf("emile 🍕", "two", at(3000)))))
	assert.True(t, must(db.RequestOrder(ctx, requestOf("emile 🍣", "one", at(4000)))))
	stored := func(keyword string) demand.Stored {
		for _, s := range must(db.StoredOrders(ctx)) {
			if s.Keyword == keyword {
				return s
			}
		}
		return demand.Stored{}
	}
	pizza := demand.Stored{Keyword: "Émile 🍕", State: demand.Open, Requests: 2, RequestedAt: at(3000)}
	assert.Equal(t, pizza, stored(pizza.Keyword), "the first spelling stays")

	pizza.State, pizza.Note, pizza.DecidedAt = demand.Ordered, strings.Repeat("й", demand.MaxNote), at(5000)
	require.NoError(t, db.DecideOrder(ctx, demand.Stored{Keyword: "EMILE 🍕", State: pizza.State, Note: pizza.Note, DecidedAt: pizza.DecidedAt}))
	assert.Equal(t, pizza, stored(pizza.Keyword))
	assert.True(t, must(db.CloseOrder(ctx, "emile 🍕", 7, at(6000))))
	assert.False(t, must(db.CloseOrder(ctx, "emile 🍕", 8, at(6001))), "it is closed already")
	pizza.State, pizza.ClosedAt, pizza.Book = demand.Done, at(6000), 7
	assert.Equal(t, pizza, stored(pizza.Keyword))
	require.NoError(t, db.DecideOrder(ctx, demand.Stored{Keyword: "emile 🍕", State: demand.Done, Note: "told them", DecidedAt: at(7000)}))
	pizza.Note, pizza.DecidedAt = "told them", at(7000)
	assert.Equal(t, pizza, stored(pizza.Keyword), "the book and its time stay")
	assert.True(t, must(db.RequestOrder(ctx, requestOf("emile 🍕", "three", at(8000)))), "it has left the shop")
	pizza.State, pizza.Requests, pizza.RequestedAt, pizza.ClosedAt, pizza.Book = demand.Open, 3, at(8000), time.Time{}, 0
	assert.Equal(t, pizza, stored(pizza.Keyword))

	require.NoError(t, db.DecideOrder(ctx, demand.Stored{Keyword: "spam", State: demand.Ignored, DecidedAt: at(9000)}))
	assert.False(t, must(db.CloseOrder(ctx, "spam", 1, at(9001))))
	assert.True(t, must(db.CloseOrder(ctx, "only searched", 1, at(9001))))
	assert.Len(t, must(db.StoredOrders(ctx)), 4)
}

func testOrdersAreForgotten(t *testing.T, db Catalogue) {
	ctx := t.Context()
	limit := time.UnixMilli(1 << 41).UTC()
	before, long := limit.Add(-time.Millisecond), limit.Add(-366*24*time.Hour)
	for keyword, visitors := range map[string][]time.Time{"one": {before}, "two": {before, before}, "new": {limit}, "two of last year": {long, long}, "decided": {before}} {
		for i, at := range visitors {
			assert.True(t, must(db.RequestOrder(ctx, requestOf(keyword, fmt.Sprint(i), at))))
		}
	}
	assert.True(t, must(db.CloseOrder(ctx, "closed long ago", 1, before)))
	assert.True(t, must(db.CloseOrder(ctx, "closed", 1, limit)))
	require.NoError(t, db.DecideOrder(ctx, demand.Stored{Keyword: "decided", State: demand.Ignored, DecidedAt: long}))
	require.NoError(t, db.ForgetOrders(ctx, limit))
	var left []string
	for _, s := range must(db.StoredOrders(ctx)) {
		left = append(left, s.Keyword)
	}
	assert.ElementsMatch(t, []string{"two", "new", "closed", "decided"}, left)
	assert.True(t, must(db.RequestOrder(ctx, requestOf("two", "0", limit))), "nobody knows any more who asked")
	assert.False(t, must(db.RequestOrder(ctx, requestOf("new", "0", limit))))
}

// Many visitors ask for the same at once, some of them twice.
func testRequestsAtOnce(t *testing.T, open func() Catalogue) {
	handles := []Catalogue{open(), open()}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := handles[i%2].RequestOrder(t.Context(), requestOf("wanted", fmt.Sprint(i/2), time.UnixMilli(1)))
			assert.NoError(t, err)
		})
	}
	group.Wait()
	stored := must(handles[0].StoredOrders(t.Context()))
	require.Len(t, stored, 1)
	assert.Equal(t, int64(10), stored[0].Requests)
}
