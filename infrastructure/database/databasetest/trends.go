package databasetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/domain/trend/trendtest"
)

var shardA = model.Shard{Group: "trends", Stream: "lr-book-searches", Number: 0}

// count runs work as the next batch of a shard that is claimed for it.
func count(t *testing.T, db Catalogue, work func(tx gateway.Transaction) error) {
	t.Helper()
	claim, err := db.Claim(t.Context(), shardA)
	require.NoError(t, err)
	require.NoError(t, db.Advance(t.Context(), shardA, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, work(tx)
	}))
}

func testClaims(t *testing.T, db Catalogue) {
	ctx := t.Context()
	first, err := db.Claim(ctx, shardA)
	require.NoError(t, err)
	assert.Equal(t, model.Checkpoint{Epoch: first.Epoch}, first, "a shard that nobody has read")
	other := shardA
	other.Number = 1
	_, err = db.Claim(ctx, other)
	require.NoError(t, err)

	window := &model.Window{}
	window.First(3)
	window.First(7)
	step := gateway.Step{
		Checkpoint: model.Checkpoint{
			StreamID: "id", Next: 8, Last: "/shop/1 7", Above: 9, Newest: time.UnixMilli(1234).UTC(),
			Tally: model.Tally{Handled: 1, Copies: 2, Dead: 3, Ignored: 4, Missed: 5, Late: 6},
		},
		Sources: map[string]model.SourceCount{"/shop/1": {Window: window, Arrived: 2, LeftOut: 1}},
	}
	require.NoError(t, db.Advance(ctx, shardA, first.Epoch, func(gateway.Transaction) (gateway.Step, error) { return step, nil }))
	stored, err := db.Checkpoint(ctx, shardA, first.Epoch)
	require.NoError(t, err)
	step.Epoch = first.Epoch
	assert.Equal(t, step.Checkpoint, stored)
	all := must(db.Positions(ctx))
	assert.Equal(t, step.Checkpoint, all[shardA])
	assert.Contains(t, all, other)
	sources, err := db.Sources(ctx, shardA, []string{"/shop/1", "/shop/2"})
	require.NoError(t, err)
	assert.Equal(t, step.Sources, sources)
	sources, err = db.Sources(ctx, other, []string{"/shop/1"})
	require.NoError(t, err)
	assert.Empty(t, sources, "each shard knows its own")

	second, err := db.Claim(ctx, shardA)
	require.NoError(t, err)
	assert.Greater(t, second.Epoch, first.Epoch)
	assert.Equal(t, int64(8), second.Next)
	_, err = db.Checkpoint(ctx, shardA, first.Epoch)
	require.ErrorIs(t, err, gateway.ErrFenced)
	err = db.Advance(ctx, shardA, first.Epoch, func(gateway.Transaction) (gateway.Step, error) {
		t.Error("the claim is over")
		return gateway.Step{}, nil
	})
	require.ErrorIs(t, err, gateway.ErrFenced)
}

// Of two processes that claim a shard at once, one is last.
func testClaimsAtOnce(t *testing.T, db Catalogue) {
	epochs := make(chan int64, 20)
	var group sync.WaitGroup
	for range cap(epochs) {
		group.Go(func() {
			claim, err := db.Claim(t.Context(), shardA)
			assert.NoError(t, err)
			epochs <- claim.Epoch
		})
	}
	group.Wait()
	close(epochs)
	seen := map[int64]bool{}
	for epoch := range epochs {
		assert.False(t, seen[epoch], "each claim has an epoch of its own")
		seen[epoch] = true
	}
}

func testFailedBatchesLeaveNothing(t *testing.T, db Catalogue) {
	claim, err := db.Claim(t.Context(), shardA)
	require.NoError(t, err)
	broken := errors.New("broken")
	err = db.Advance(t.Context(), shardA, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		require.NoError(t, tx.CountSearches(t.Context(), []*trend.Search{{At: noon, Keyword: "moon", Folded: "moon", First: true, Surface: model.APISurface, Facts: trend.Searched}}))
		tx.Reject(&model.Record{Shard: shardA}, broken)
		return gateway.Step{}, broken
	})
	require.ErrorIs(t, err, broken)
	assert.Empty(t, rowsOf(t, db))
	assert.Empty(t, must(db.DeadLetters(t.Context(), 0, 10)))
}

func testDeadLetters(t *testing.T, db Catalogue) {
	record := &model.Record{
		Shard: shardA, Position: 12, Key: "\xff key", Value: []byte("value\x00"), Time: time.UnixMilli(5000).UTC(),
		Headers: []model.Header{{Key: "ce_type", Value: []byte("odd\xff")}, {Key: "empty"}},
	}
	count(t, db, func(tx gateway.Transaction) error {
		tx.Reject(record, errors.New("it is odd"))
		tx.Reject(&model.Record{Shard: shardA, Position: 13}, errors.New("it is odd, too"))
		return nil
	})
	letters, err := db.DeadLetters(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, letters, 2)
	assert.WithinDuration(t, time.Now(), letters[0].Rejected, time.Minute)
	assert.Equal(t, "it is odd", letters[0].Reason)
	assert.Equal(t, record, letters[0].Record)
	assert.Equal(t, letters[1:], must(db.DeadLetters(t.Context(), letters[0].ID, 10)))

	require.NoError(t, db.MarkSentAgain(t.Context(), "a.dead", "0/7"))
	require.NoError(t, db.MarkSentAgain(t.Context(), "a.dead", "0/7"))
	assert.Equal(t, map[string]bool{"0/7": true}, must(db.SentAgain(t.Context(), "a.dead")))
	assert.Empty(t, must(db.SentAgain(t.Context(), "b.dead")))
	failed := errors.New("still odd")
	err = db.Retry(t.Context(), letters[0].ID, func(_ gateway.Transaction, r *model.Record) error {
		assert.Equal(t, record, r)
		return failed
	})
	require.ErrorIs(t, err, failed)
	handled := 0
	retry := func(gateway.Transaction, *model.Record) error { handled++; return nil }
	require.NoError(t, db.Retry(t.Context(), letters[0].ID, retry))
	require.ErrorIs(t, db.Retry(t.Context(), letters[0].ID, retry), gateway.ErrNoDeadLetter, "it is done")
	require.ErrorIs(t, db.Retry(t.Context(), 999_999, retry), gateway.ErrNoDeadLetter)
	assert.Equal(t, 1, handled)
	assert.Equal(t, letters[1:], must(db.DeadLetters(t.Context(), 0, 10)))
}

func testRelayedDeadLetters(t *testing.T, db Catalogue) {
	ctx := t.Context()
	reject := func(value []byte) {
		count(t, db, func(tx gateway.Transaction) error {
			tx.Reject(&model.Record{Shard: shardA, Value: value}, errors.New("odd"))
			return nil
		})
	}
	unrelayed := func(limit int) (ids []int64) {
		for _, l := range must(db.UnrelayedDeadLetters(ctx, shardA.Group, shardA.Stream, limit)) {
			ids = append(ids, l.ID)
		}
		return ids
	}
	assert.Empty(t, unrelayed(10))
	require.NoError(t, db.MarkRelayed(ctx, nil))
	for range 4 {
		reject([]byte("odd"))
	}
	letters := must(db.DeadLetters(ctx, 0, 10))
	require.Len(t, letters, 4)
	assert.Equal(t, letters, must(db.UnrelayedDeadLetters(ctx, shardA.Group, shardA.Stream, 10)))
	ids := unrelayed(10)
	assert.Equal(t, ids[:2], unrelayed(2))
	assert.Empty(t, must(db.UnrelayedDeadLetters(ctx, shardA.Group, "another", 10)))
	assert.Empty(t, must(db.UnrelayedDeadLetters(ctx, "another", shardA.Stream, 10)))

	require.NoError(t, db.MarkRelayed(ctx, ids[:1]))
	require.NoError(t, db.MarkRelayed(ctx, ids[:1]), "another process sent a copy")
	require.NoError(t, db.Retry(ctx, ids[1], func(gateway.Transaction, *model.Record) error { return nil }))
	assert.Equal(t, ids[2:], unrelayed(10), "what is done needs no relay")
	assert.Len(t, must(db.DeadLetters(ctx, 0, 10)), 3, "a relayed letter can still be put back")
	require.NoError(t, db.Retry(ctx, ids[0], func(gateway.Transaction, *model.Record) error { return nil }))
	require.NoError(t, db.MarkRelayed(ctx, ids[2:]))
	assert.Empty(t, unrelayed(10))

	for range 4 { // a server takes at most a quarter of its largest packet
		reject(make([]byte, 3<<20))
	}
	assert.Len(t, unrelayed(10), 2, "large ones come in parts")
}

func testCompleteness(t *testing.T, db Catalogue) {
	ctx, hourAgo := t.Context(), time.Now().Add(-time.Hour)
	group, stream := shardA.Group, shardA.Stream
	assert.Zero(t, must(db.Completeness(ctx, group, stream, hourAgo)))

	report := model.SourceReport{Source: "/shop/1", Stream: stream, Highest: 10, Lost: 1, Refused: 2, DeadLettered: 1, Waiting: 3, At: time.Now()}
	require.NoError(t, db.ReportSource(ctx, model.SourceReport{Source: "/shop/1", Stream: stream, At: time.Now()}))
	require.NoError(t, db.ReportSource(ctx, report), "a newer report replaces it")
	require.NoError(t, db.ReportSource(ctx, model.SourceReport{Source: "/shop/2", Stream: "another", Highest: 99, At: time.Now()}))
	assert.Equal(t, model.Completeness{Accepted: 7, Dead: 1, Waiting: 3, Lost: 1}, must(db.Completeness(ctx, group, stream, hourAgo)))

	claim, err := db.Claim(ctx, shardA)
	require.NoError(t, err)
	window := &model.Window{}
	for sequence := range uint64(12) {
		window.First(sequence + 1)
	}
	claim.Missed = 4
	require.NoError(t, db.Advance(ctx, shardA, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		tx.Reject(&model.Record{Shard: shardA}, errors.New("odd"))
		return gateway.Step{Checkpoint: claim, Sources: map[string]model.SourceCount{"/shop/1": {Window: window, Arrived: 9, LeftOut: 1}}}, nil
	}))
	// More has arrived than the last report knows of.
	assert.Equal(t, model.Completeness{Accepted: 9, Counted: 8, Dead: 2, Waiting: 3, Lost: 1, Missed: 4}, must(db.Completeness(ctx, group, stream, hourAgo)))

	require.NoError(t, db.Advance(ctx, shardA, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim, Sources: map[string]model.SourceCount{"/shop/1": {Window: window, Arrived: 9}}}, nil
	}))
	assert.Equal(t, int64(8), must(db.Completeness(ctx, group, stream, hourAgo)).Counted, "a step adds to what is left out")

	report.At = time.Now().Add(-2 * time.Minute)
	require.NoError(t, db.ReportSource(ctx, report))
	assert.Equal(t, int64(1), must(db.Completeness(ctx, group, stream, hourAgo)).Unknown, "silent without an end")
	const ofTheKilled = 2
	require.NoError(t, db.EndSource(ctx, report.Source, stream, 0))
	require.NoError(t, db.EndSource(ctx, "/killed/before/its/first/report", stream, ofTheKilled))
	ended := must(db.Completeness(ctx, group, stream, hourAgo))
	assert.Zero(t, ended.Unknown)
	assert.Equal(t, int64(9+ofTheKilled), ended.Accepted)
	require.NoError(t, db.EndSource(ctx, report.Source, stream, 15))
	ended = must(db.Completeness(ctx, group, stream, hourAgo))
	assert.Equal(t, int64(15+ofTheKilled), ended.Accepted, "it accepted more after its last report")
	assert.Zero(t, ended.Waiting, "its spool has another source now")

	// A dead letter of Kafka that was sent again was accepted before.
	again := &model.Window{}
	again.First(7)
	require.NoError(t, db.Advance(ctx, shardA, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim, Sources: map[string]model.SourceCount{model.DeadSource + "id/0/0": {Window: again, Arrived: 1}}}, nil
	}))
	require.NoError(t, db.MarkSentAgain(ctx, stream, stream+"/0/6"))
	sent := must(db.Completeness(ctx, group, stream, hourAgo))
	assert.Equal(t, []int64{ended.Accepted, ended.Counted + 1, ended.Dead - 1, 0}, []int64{sent.Accepted, sent.Counted, sent.Dead, sent.Unknown})
}

// Two processes count spellings of one keyword at once, from different partitions.
func testSpellingsCountedAtOnce(t *testing.T, open func() Catalogue) {
	const each = 10
	var group sync.WaitGroup
	for number, spelling := range []string{"Dune", "dune"} {
		db, shard := open(), model.Shard{Group: "trends", Stream: "searches", Number: int32(number)}
		group.Go(func() {
			claim, err := db.Claim(t.Context(), shard)
			if !assert.NoError(t, err) {
				return
			}
			for i := range each {
				err := db.Advance(t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
					_, err := tx.FirstDay(t.Context()) // as the handlers do
					assert.NoError(t, err)
					return gateway.Step{Checkpoint: claim}, tx.CountSearches(t.Context(), []*trend.Search{{
						ID: uuid.NewString(), At: noon.Add(time.Duration(i) * time.Second), Keyword: spelling, Folded: "dune", Surface: model.PageSurface,
						Visitor: trend.VisitorOf("", "00112233deadbeef"), First: true, Facts: trend.Searched,
					}})
				})
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	rows := rowsOf(t, open())
	require.Len(t, rows, 1)
	assert.Equal(t, []int64{2 * each, 1}, []int64{rows[0].Requests, rows[0].Searches})
}

// A click belongs to its search, however late it comes.
func testClickAfterMidnight(t *testing.T, db Catalogue) {
	ctx, visitor := t.Context(), trend.VisitorOf("", "00112233deadbeef")
	searched := time.Date(2026, 7, 1, 23, 58, 0, 0, time.UTC)
	click := &trend.Click{
		SearchID: uuid.NewString(), Book: 1, At: searched.Add(4 * time.Minute), SearchedAt: searched, Keyword: "moon", Folded: "moon",
		Visitor: visitor, Surface: model.PageSurface, First: true, Ordinal: 3,
	}
	search := &trend.Search{
		ID: click.SearchID, At: searched, Keyword: "moon", Folded: "moon", Visitor: visitor, Surface: model.PageSurface, First: true,
		Facts: trend.Searched | trend.Shown | trend.Hit,
	}
	count(t, db, func(tx gateway.Transaction) error { return tx.CountClicks(ctx, []*trend.Click{click}) })
	count(t, db, func(tx gateway.Transaction) error { return tx.CountSearches(ctx, []*trend.Search{search}) })
	count(t, db, func(tx gateway.Transaction) error { return tx.CountClicks(ctx, []*trend.Click{click, click}) })
	rows := rowsOf(t, db)
	require.Len(t, rows, 1)
	assert.Equal(t, trend.DayOf(searched), rows[0].Day)
	counts := must(trend.DecodeDayCounts(rows[0].Encoded))
	assert.Equal(t, trend.DayCounts{trend.Buckets - 1: {Requests: 1, Searches: 1, Shown: 1, Clicked: 1, Clicks: 1, Ordinals: 3}}, counts)
}

// Whoever agrees to the cookie during the day counts as two visitors, and as two searches.
func testConsentDuringTheDay(t *testing.T, db Catalogue) {
	search := func(visitor trend.Visitor) *trend.Search {
		return &trend.Search{
			ID: uuid.NewString(), At: noon, Keyword: "moon", Folded: "moon", Visitor: visitor, Surface: model.PageSurface, First: true, Facts: trend.Searched,
		}
	}
	daily, cookie := trend.VisitorOf("", "00112233deadbeef"), trend.VisitorOf(uuid.NewString(), "")
	count(t, db, func(tx gateway.Transaction) error {
		return tx.CountSearches(t.Context(), []*trend.Search{search(daily), search(cookie), search(cookie), search(daily)})
	})
	rows := rowsOf(t, db)
	require.Len(t, rows, 1)
	assert.Equal(t, []int64{4, 2}, []int64{rows[0].Requests, rows[0].Searches})
}

func testOldDaysAreDropped(t *testing.T, db Catalogue) {
	ctx, now := t.Context(), time.Now()
	search := func(keyword string, days int) *trend.Search {
		return &trend.Search{
			ID: uuid.NewString(), At: now.Add(-time.Duration(days) * 24 * time.Hour), Keyword: keyword, Folded: keyword, Public: keyword,
			Visitor: trend.VisitorOf(uuid.NewString(), ""), Surface: model.PageSurface, Language: "de", First: true, Facts: trend.Searched,
		}
	}
	behind := func(days int) {
		claim := must(db.Claim(ctx, shardA))
		claim.Newest = now.Add(-time.Duration(days) * 24 * time.Hour)
		require.NoError(t, db.Advance(ctx, shardA, claim.Epoch, func(gateway.Transaction) (gateway.Step, error) { return gateway.Step{Checkpoint: claim}, nil }))
	}
	require.NoError(t, db.DropDays(ctx, shardA.Group, 35), "nothing was counted yet")
	count(t, db, func(tx gateway.Transaction) error {
		return tx.CountSearches(ctx, []*trend.Search{search("new", 0), search("kept", 35), search("old", 36), search("oldest", 60), search("both", 60), search("both", 1)})
	})
	tagged := search("old", 36)
	tagged.Tag = "made up"
	count(t, db, func(tx gateway.Transaction) error { return tx.CountSearches(ctx, []*trend.Search{tagged}) })
	keywords := []string{"new", "kept", "old", "oldest", "both"}
	behind(10)
	require.NoError(t, db.DropDays(ctx, shardA.Group, 35))
	assert.Len(t, must(db.KeywordIDs(ctx, keywords)), 4, "a partition that is behind may still get events of old days")
	behind(0)
	require.NoError(t, db.DropDays(ctx, shardA.Group, 35))
	ids := must(db.KeywordIDs(ctx, keywords))
	assert.ElementsMatch(t, []string{"new", "kept", "both"}, slices.Collect(maps.Keys(ids)))
	assert.Len(t, rowsOf(t, db), 3)
	sums := int64(0)
	visitors := int64(0)
	today := trend.DayOf(now)
	require.NoError(t, db.TotalRows(ctx, 0, today, func(r *trend.Total) error {
		sums += r.Counts.Sum(0, trend.Buckets).Searches
		assert.True(t, r.Tag+r.Language == "" || r.Day >= today-35, "tags and languages of dropped days are joined")
		return nil
	}))
	assert.Equal(t, int64(7), sums, "the totals stay")
	for _, p := range must(db.Presences(ctx, trend.Scope{Kind: trend.People, Tag: trend.Any, Language: trend.Any}, 0, today)) {
		visitors += p.Count(0, trend.Buckets)
	}
	assert.Equal(t, int64(7), visitors, "and the numbers of visitors")
	count(t, db, func(tx gateway.Transaction) error {
		return tx.EraseVisitors(ctx, []*trend.Erasure{{Visitor: tagged.Visitor, Until: now}})
	})
	count(t, db, func(tx gateway.Transaction) error {
		assert.Equal(t, trend.DayOf(now)-35, must(tx.FirstDay(ctx)))
		return nil
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// rowsOf returns all rows of single keywords.
func rowsOf(t *testing.T, db Catalogue) (rows []trend.Row) {
	t.Helper()
	require.NoError(t, db.TrendRows(t.Context(), nil, 0, func(r *trend.Row) error {
		row := *r
		row.Encoded = slices.Clone(r.Encoded)
		rows = append(rows, row)
		return nil
	}))
	return rows
}

// testCountsAgree compares the counts with those of a naive counter, for random events in a
// random order, in batches of any size, some of which fail at first.
func testCountsAgree(t *testing.T, db Catalogue) {
	all := &trendtest.Naive{}
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 7))
		naive := randomEvents(random, fmt.Sprintf("s%d ", seed))
		all.Searches, all.Clicks, all.Erasures = append(all.Searches, naive.Searches...), append(all.Clicks, naive.Clicks...), append(all.Erasures, naive.Erasures...)
		work := shuffled(random, naive)
		for len(work) > 0 {
			n := min(len(work), 1+random.IntN(40))
			batch := work[:n]
			if random.IntN(5) == 0 {
				failBatch(t, db, batch)
			}
			count(t, db, func(tx gateway.Transaction) error { return apply(t.Context(), tx, batch) })
			work = work[n:]
		}
		compare(t, db, naive)
	}
	compareTotals(t, db, all)
}

func failBatch(t *testing.T, db Catalogue, batch []any) {
	t.Helper()
	claim, err := db.Claim(t.Context(), shardA)
	require.NoError(t, err)
	failed := errors.New("failed")
	require.ErrorIs(t, db.Advance(t.Context(), shardA, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{}, cmpErr(apply(t.Context(), tx, batch), failed)
	}), failed)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// apply counts events of any kind, each kind at once.
func apply(ctx context.Context, tx gateway.Transaction, batch []any) error {
	var n trendtest.Naive
	for _, event := range batch {
		switch e := event.(type) {
		case *trend.Search:
			n.Searches = append(n.Searches, e)
		case *trend.Click:
			n.Clicks = append(n.Clicks, e)
		case *trend.Erasure:
			n.Erasures = append(n.Erasures, e)
		}
	}
	if err := tx.CountClicks(ctx, n.Clicks); err != nil {
		return err
	}
	if err := tx.EraseVisitors(ctx, n.Erasures); err != nil {
		return err
	}
	return tx.CountSearches(ctx, n.Searches)
}

func shuffled(random *rand.Rand, n *trendtest.Naive) (all []any) {
	for _, e := range n.Searches {
		all = append(all, e)
	}
	for _, e := range n.Clicks {
		all = append(all, e)
	}
	for _, e := range n.Erasures {
		all = append(all, e)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// randomEvents are events of few visitors and keywords, so that they meet.
func randomEvents(random *rand.Rand, prefix string) *trendtest.Naive {
	n := &trendtest.Naive{}
	visitors := []trend.Visitor{"", trend.VisitorOf(uuid.NewString(), ""), trend.VisitorOf(uuid.NewString(), ""), trend.VisitorOf("", fmt.Sprintf("%016x", random.Uint64()))}
	surfaces := []model.Surface{model.PageSurface, model.APISurface, model.DemoSurface}
	pick := func(n int) int { return random.IntN(n) }
	at := func() time.Time {
		return noon.Add(-10*time.Hour + time.Duration(pick(40))*31*time.Minute + time.Duration(pick(3))*time.Millisecond)
	}
	for range 300 {
		keyword := prefix + []string{"Dune", "dune", "DUNE ", "emma", "Émma"}[pick(5)]
		s := &trend.Search{
			ID: uuid.NewString(), At: at(), Keyword: keyword, Folded: model.Fold(keyword), Visitor: visitors[pick(len(visitors))],
			Surface: surfaces[pick(3)], Tag: []string{"", "letter"}[pick(2)], Language: []string{"", "de", "en-GB"}[pick(3)], Bot: pick(8) == 0, First: pick(4) > 0,
			Facts: trend.Searched | trend.Fact(pick(32))<<1,
		}
		n.Searches = append(n.Searches, s)
		for range pick(3) {
			n.Clicks = append(n.Clicks, &trend.Click{
				SearchID: s.ID, Book: uint(1 + pick(2)), At: s.At.Add(time.Duration(pick(900)) * time.Minute), SearchedAt: s.At, Keyword: keyword,
				Folded: s.Folded, Visitor: s.Visitor, Surface: s.Surface, Tag: s.Tag, Language: []string{"", "de", "fr"}[pick(3)], First: s.First, Ordinal: 1 + pick(30),
			})
		}
	}
	for range 3 {
		n.Erasures = append(n.Erasures, &trend.Erasure{Visitor: visitors[1+pick(len(visitors)-1)], Until: at()})
	}
	same := map[string]int{} // a place of a book in a result doesn't change
	for _, c := range n.Clicks {
		id := fmt.Sprint(c.SearchID, c.Book)
		if same[id] == 0 {
			same[id] = c.Ordinal
		}
		c.Ordinal = same[id]
	}
	return n
}

// compare checks all counts of the naive counter's keywords.
func compare(t *testing.T, db Catalogue, naive *trendtest.Naive) {
	t.Helper()
	want := map[string]trend.Counts{}
	for row, c := range naive.Counts() {
		want[fmt.Sprint(row.Keyword, row.Day, row.Bucket, row.Surface, row.Tag)] = c
	}
	ids := must(db.KeywordIDs(t.Context(), keywordsOf(naive)))
	names, numbers := map[int64]string{}, []int64{}
	for name, id := range ids {
		names[id] = name
		numbers = append(numbers, id)
	}
	got := map[string]trend.Counts{}
	require.NoError(t, db.TrendRows(t.Context(), numbers, 0, func(r *trend.Row) error {
		counts, err := trend.DecodeDayCounts(r.Encoded)
		require.NoError(t, err)
		for bucket, c := range counts {
			got[fmt.Sprint(names[r.Keyword], r.Day, bucket, r.Kind.Surface(), r.Tag)] = c
		}
		sum := counts.Sum(0, trend.Buckets)
		assert.Equal(t, []int64{sum.Requests, sum.Searches, sum.NotFound}, []int64{r.Requests, r.Searches, r.NotFound})
		return nil
	}))
	agree(t, want, got)
}

// agree compares counts, and shows the first ones that differ.
func agree[V comparable](t *testing.T, want, got map[string]V) {
	t.Helper()
	differ := 0
	for key := range want {
		if want[key] != got[key] && differ < 5 {
			differ++
			t.Errorf("%s: counted %+v, not %+v", key, got[key], want[key])
		}
		delete(got, key)
	}
	assert.Empty(t, got)
}

// compareTotals checks all numbers over all keywords. The database must have no other events.
func compareTotals(t *testing.T, db Catalogue, naive *trendtest.Naive) {
	t.Helper()
	ctx := t.Context()
	want, got := map[string]trend.Counts{}, map[string]trend.Counts{}
	days := map[trend.Day]bool{}
	for row, c := range naive.Totals() {
		want[fmt.Sprint(row.Day, row.Bucket, row.Surface, row.Tag, row.Language, row.Bot)] = c
		days[row.Day] = true
	}
	const last = trend.Day(1 << 20)
	require.NoError(t, db.TotalRows(ctx, 0, last, func(r *trend.Total) error {
		for bucket, c := range r.Counts {
			got[fmt.Sprint(r.Day, bucket, r.Kind.Surface(), r.Tag, r.Language, r.Kind == trend.Bots)] = c
			clicks := int64(0)
			for _, n := range r.Places.Sum(bucket, bucket+1) {
				clicks += n
			}
			assert.Equal(t, c.Clicks, clicks, "each click has a place")
		}
		return nil
	}))
	agree(t, want, got)

	visitors, found := map[string]int64{}, map[string]int64{}
	for _, group := range []trend.Scope{
		{Kind: trend.People, Tag: trend.Any, Language: trend.Any}, {Kind: trend.Demo, Tag: trend.Any, Language: trend.Any}, {Kind: trend.Page, Tag: "letter", Language: "de"},
		{Kind: trend.API, Tag: trend.Any, Language: ""}, {Kind: trend.People, Tag: "", Language: trend.Any},
	} {
		present := must(db.Presences(ctx, group, 0, last))
		for day := range days {
			for _, span := range [][2]int{{0, trend.Buckets}, {5, 9}, {20, 21}, {24, trend.Buckets}} {
				key := fmt.Sprintf("%+v %d %v", group, day, span)
				visitors[key] = naive.Visitors(group, day, span[0], span[1])
				found[key] = present[day].Count(span[0], span[1])
			}
		}
	}
	agree(t, visitors, found)
}

func keywordsOf(n *trendtest.Naive) (folded []string) {
	for _, s := range n.Searches {
		folded = append(folded, s.Folded)
	}
	slices.Sort(folded)
	return slices.Compact(folded)
}
