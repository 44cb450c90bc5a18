package databasetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/domain/trend/trendtest"
)

// onlyPeople returns the events without those of simulated shoppers. Bots stay bots.
func onlyPeople(n *trendtest.Naive) *trendtest.Naive {
	people := &trendtest.Naive{Erasures: n.Erasures}
	for _, s := range n.Searches {
		if s.Surface != model.DemoSurface || s.Bot {
			people.Searches = append(people.Searches, s)
		}
	}
	for _, c := range n.Clicks {
		if c.Surface != model.DemoSurface {
			people.Clicks = append(people.Clicks, c)
		}
	}
	return people
}

// move moves events by a time.
func move(n *trendtest.Naive, by time.Duration) {
	for _, s := range n.Searches {
		s.At = s.At.Add(by)
	}
	for _, c := range n.Clicks {
		c.At, c.SearchedAt = c.At.Add(by), c.SearchedAt.Add(by)
	}
	for _, e := range n.Erasures {
		e.Until = e.Until.Add(by)
	}
}

// join returns the events of both.
func join(one, other *trendtest.Naive) *trendtest.Naive {
	return &trendtest.Naive{
		Searches: append(one.Searches[:len(one.Searches):len(one.Searches)], other.Searches...),
		Clicks:   append(one.Clicks[:len(one.Clicks):len(one.Clicks)], other.Clicks...),
		Erasures: append(one.Erasures[:len(one.Erasures):len(one.Erasures)], other.Erasures...),
	}
}

// A cleared demo takes away what simulated shoppers did before, whether it was counted already or
// arrives later, and nothing else.
func testClearedDemo(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(2, 16))
	apply := func(events []any) {
		count(t, db, func(tx gateway.Transaction) error { return apply(t.Context(), tx, events) })
	}
	before := randomEvents(random, "before ")
	require.Greater(t, len(before.Searches), len(onlyPeople(before).Searches)+20)
	events := shuffled(random, before)
	apply(events[:len(events)/2])
	version := must(db.TrendVersion(t.Context()))
	require.NoError(t, db.ClearDemo(t.Context()))
	_, newest, err := db.ChangedKeywords(t.Context(), version)
	require.NoError(t, err)
	assert.Greater(t, newest, version, "readers see the change")
	apply(events[len(events)/2:])
	compare(t, db, onlyPeople(before))
	compareTotals(t, db, onlyPeople(before))

	after := randomEvents(random, "before ")
	move(after, time.Since(noon)+20*time.Hour)
	apply(shuffled(random, after))
	both := join(onlyPeople(before), after)
	compare(t, db, both)
	compareTotals(t, db, both)

	// A click in time on a result from before belongs to a search that is gone.
	late := &trend.Click{
		SearchID: "late", Book: 1, At: time.Now().Add(time.Hour), SearchedAt: noon, Keyword: before.Searches[0].Keyword, Folded: before.Searches[0].Folded,
		Surface: model.DemoSurface, First: true, Ordinal: 1,
	}
	apply([]any{late})
	compare(t, db, both)
	compareTotals(t, db, both)

	// Another clearing doesn't touch what people did, either.
	require.NoError(t, db.ClearDemo(t.Context()))
	people := join(onlyPeople(before), onlyPeople(after))
	compare(t, db, people)
	compareTotals(t, db, people)
}

// Counting again ignores a cleared demo, and changes nothing.
func testRebuildOfAClearedDemo(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(4, 16))
	l := newLog(dated(random, "demo "))
	l.count(t, db, l.shard, l.claimed(t, db), int64(len(l.events)))
	everything := everyRow(t, db)
	require.NoError(t, db.ClearDemo(t.Context()))
	cleared := everyRow(t, db)
	assert.Less(t, len(cleared), len(everything))
	for _, row := range rowsOf(t, db) {
		assert.False(t, row.Kind == trend.Demo && row.Requests > 0, fmt.Sprint(row))
	}
	assert.Zero(t, l.rebuilt(t, db).Counts)
	same(t, cleared, everyRow(t, db))
}

// A rebuild that has counted a demo before it is cleared doesn't bring it back.
func testDemoClearedDuringARebuild(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(6, 16))
	l := newLog(dated(random, "demo "))
	end := int64(len(l.events))
	l.count(t, db, l.shard, l.claimed(t, db), end)
	r := l.begin(t, db)
	l.count(t, r, l.again(), must(r.Claim(t.Context(), l.again())), end)
	require.NoError(t, db.ClearDemo(t.Context()))
	cleared := everyRow(t, db)
	_ = must(r.Targets(t.Context(), true))
	assert.Zero(t, must(r.Swap(t.Context())).Counts)
	same(t, cleared, everyRow(t, db))
}
