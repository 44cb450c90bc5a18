package databasetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/interest/interesttest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// everyNeighbour is more neighbours than a test makes.
const everyNeighbour = 1000

// randomOpenings are openings of few visitors and books, so that they meet, and one visitor who opens
// more books than count.
func randomOpenings(random *rand.Rand) *interesttest.Naive {
	n := &interesttest.Naive{}
	var visitors []trend.Visitor
	for i := range 8 {
		visitors = append(visitors, trend.VisitorOf("", fmt.Sprintf("%08x%08x", i, random.Uint32())))
		if i%2 == 0 {
			visitors[i] = trend.VisitorOf(uuid.NewString(), "")
		}
	}
	at := func() time.Time {
		return noon.AddDate(0, 0, random.IntN(3)).Add(time.Duration(random.IntN(500)) * time.Second)
	}
	for range 300 {
		n.Openings = append(n.Openings, &interest.Opening{Visitor: visitors[random.IntN(len(visitors))], Book: uint(1 + random.IntN(12)), At: at()})
	}
	for range 150 {
		n.Openings = append(n.Openings, &interest.Opening{Visitor: visitors[0], Book: uint(1 + random.IntN(60)), At: at()})
	}
	for _, visitor := range visitors[2:5] {
		n.Erasures = append(n.Erasures, &trend.Erasure{Visitor: visitor, Until: at()})
	}
	return n
}

// copied returns all events in a random order, some of them twice.
func copied(random *rand.Rand, n *interesttest.Naive) (all []any) {
	for _, o := range n.Openings {
		for range 1 + random.IntN(2) {
			all = append(all, o)
		}
	}
	for _, e := range n.Erasures {
		all = append(all, e, e)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// countInterests counts events of any kind, as the handlers do.
func countInterests(ctx context.Context, tx gateway.Transaction, batch []any) error {
	if _, err := tx.FirstInterestDay(ctx); err != nil {
		return err
	}
	var n interesttest.Naive
	for _, event := range batch {
		switch e := event.(type) {
		case *interest.Opening:
			n.Openings = append(n.Openings, e)
		case *trend.Erasure:
			n.Erasures = append(n.Erasures, e)
		}
	}
	if err := tx.CountOpenings(ctx, n.Openings); err != nil {
		return err
	}
	return tx.EraseInterests(ctx, n.Erasures)
}

// compareInterests checks the counts of all books and of the pairs that may be shown.
func compareInterests(t *testing.T, db Catalogue, naive *interesttest.Naive) {
	t.Helper()
	books, pairs := naive.Counts()
	shown := 0
	for book := range uint(61) {
		own, neighbours, err := db.Neighbours(t.Context(), book, everyNeighbour)
		require.NoError(t, err)
		assert.Equal(t, books[book].Weight, own, "book %d", book)
		got := map[interest.Pair]float64{}
		for _, n := range neighbours {
			got[interest.PairOf(book, n.Book)] = n.Pair
			assert.Equal(t, books[n.Book].Weight, n.Own, "book %d", n.Book)
		}
		want := map[interest.Pair]float64{}
		for p, c := range pairs {
			if (p.A == book || p.B == book) && c.Shown {
				want[p] = c.Weight
			}
		}
		assert.Equal(t, want, got, "pairs of book %d", book)
		shown += len(want)
	}
	require.NotZero(t, shown)
	for _, o := range naive.Openings {
		if o.Visitor.Cookie() {
			var last []uint
			for _, opened := range must(db.History(t.Context(), o.Visitor)) {
				last = append(last, opened.Book)
			}
			assert.Equal(t, naive.Last(o.Visitor, 30), last)
		}
	}
}

func testInterestsAgree(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(11, 12))
	naive := randomOpenings(random)
	for work := copied(random, naive); len(work) > 0; {
		n := min(len(work), 1+random.IntN(40))
		count(t, db, func(tx gateway.Transaction) error { return countInterests(t.Context(), tx, work[:n]) })
		work = work[n:]
	}
	compareInterests(t, db, naive)
}

// The partitions of a topic bring the clicks of a visitor, and the erasure, to several processes.
func testInterestsCountedAtOnce(t *testing.T, open func() Catalogue) {
	random := rand.New(rand.NewPCG(13, 14))
	naive := randomOpenings(random)
	var group sync.WaitGroup
	for number := range 3 {
		db, shard, work := open(), model.Shard{Group: "interests", Stream: "clicks", Number: int32(number)}, copied(random, naive)
		group.Go(func() {
			claim, err := db.Claim(t.Context(), shard)
			if !assert.NoError(t, err) {
				return
			}
			for batch := range slices.Chunk(work, 60) {
				assert.NoError(t, db.Advance(t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
					return gateway.Step{Checkpoint: claim}, countInterests(t.Context(), tx, batch)
				}))
			}
		})
	}
	group.Wait()
	compareInterests(t, open(), naive)
}

func testInterestsOfEverybodyErased(t *testing.T, db Catalogue) {
	random := rand.New(rand.NewPCG(15, 16))
	naive := randomOpenings(random)
	visitors := map[trend.Visitor]bool{}
	for _, o := range naive.Openings {
		visitors[o.Visitor] = true
	}
	for visitor := range visitors {
		naive.Erasures = append(naive.Erasures, &trend.Erasure{Visitor: visitor, Until: noon.AddDate(0, 0, 3)})
	}
	for batch := range slices.Chunk(copied(random, naive), 50) {
		count(t, db, func(tx gateway.Transaction) error { return countInterests(t.Context(), tx, batch) })
	}
	assert.Empty(t, must(db.MostOpened(t.Context(), 0, everyNeighbour)), "nothing is left of any book")
	for visitor := range visitors {
		assert.Empty(t, must(db.History(t.Context(), visitor)))
	}
}

// together are openings of two books by one visitor on a day.
func together(visitor trend.Visitor, at time.Time, books ...uint) (list []*interest.Opening) {
	for i, book := range books {
		list = append(list, &interest.Opening{Visitor: visitor, Book: book, At: at.Add(time.Duration(i) * time.Second)})
	}
	return list
}

func testPairNeedsACrowd(t *testing.T, db Catalogue) {
	ctx := t.Context()
	open := func(list []*interest.Opening) {
		t.Helper()
		count(t, db, func(tx gateway.Transaction) error { return tx.CountOpenings(ctx, list) })
	}
	shown := func() int {
		t.Helper()
		_, neighbours, err := db.Neighbours(ctx, 1, everyNeighbour)
		require.NoError(t, err)
		return len(neighbours)
	}
	erase := func(visitor trend.Visitor) {
		t.Helper()
		count(t, db, func(tx gateway.Transaction) error {
			return tx.EraseInterests(ctx, []*trend.Erasure{{Visitor: visitor, Until: noon.AddDate(0, 0, 9)}})
		})
	}
	cookies := []trend.Visitor{trend.VisitorOf(uuid.NewString(), ""), trend.VisitorOf(uuid.NewString(), ""), trend.VisitorOf(uuid.NewString(), "")}
	for day := range 5 {
		open(together(cookies[0], noon.AddDate(0, 0, day), 1, 2))
		open(together(cookies[1], noon.AddDate(0, 0, day), 2, 1))
	}
	assert.Zero(t, shown(), "two cookies on many days")
	daily := trend.VisitorOf("", "0123456789abcdef")
	open(together(daily, noon.AddDate(0, 0, 1), 1, 2))
	assert.Equal(t, 1, shown(), "three visitors of one day")
	erase(daily)
	assert.Zero(t, shown())
	open(together(cookies[2], noon.AddDate(0, 0, 8), 1, 2))
	assert.Equal(t, 1, shown(), "three cookies")
	erase(cookies[1])
	assert.Zero(t, shown())
	assert.Equal(t, []uint{1, 2}, slices.Sorted(slices.Values(must(db.MostOpened(ctx, 6, 9)))))
	assert.Empty(t, must(db.MostOpened(ctx, 7, 9)))
	assert.Len(t, must(db.MostOpened(ctx, 0, 1)), 1)
}

// Only the first books of such a session count, whether they arrive in order or not.
func testTirelessVisitor(t *testing.T, db Catalogue) {
	const clicks = 100_000
	visitor := trend.VisitorOf(uuid.NewString(), "")
	list := make([]*interest.Opening, clicks)
	for i := range list {
		// The latest first: each batch replaces what the ones before it have counted.
		list[i] = &interest.Opening{Visitor: visitor, Book: uint(1 + i%5000), At: noon.Add(time.Duration(clicks-i) * 400 * time.Millisecond)}
	}
	for batch := range slices.Chunk(list, 1000) {
		count(t, db, func(tx gateway.Transaction) error { return tx.CountOpenings(t.Context(), batch) })
	}
	opened := must(db.MostOpened(t.Context(), 0, clicks))
	naive := interesttest.Naive{Openings: list}
	books, _ := naive.Counts()
	assert.Len(t, books, len(opened))
	for _, book := range opened {
		assert.Contains(t, books, book)
	}
	assert.Len(t, must(db.History(t.Context(), visitor)), 30)
}

func testHistory(t *testing.T, db Catalogue) {
	ctx := t.Context()
	cookie, daily := trend.VisitorOf(uuid.NewString(), ""), trend.VisitorOf("", "0123456789abcdef")
	assert.Empty(t, must(db.History(ctx, cookie)))
	count(t, db, func(tx gateway.Transaction) error {
		return tx.CountOpenings(ctx, append(together(cookie, noon, 3, 4, 3), together(daily, noon, 5)...))
	})
	assert.Equal(t, interest.History{{Book: 3, At: noon.Add(2 * time.Second).UnixMilli()}, {Book: 4, At: noon.Add(time.Second).UnixMilli()}}, must(db.History(ctx, cookie)))
	assert.Empty(t, must(db.History(ctx, daily)), "only cookies have one")
}

func testOldOpeningsAreDropped(t *testing.T, db Catalogue) {
	ctx, now := t.Context(), time.Now()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	open := func(list ...*interest.Opening) {
		t.Helper()
		count(t, db, func(tx gateway.Transaction) error { return tx.CountOpenings(ctx, list) })
	}
	require.NoError(t, db.DropOpenings(ctx), "nothing was counted yet")
	var cookies []trend.Visitor
	for range 3 {
		cookies = append(cookies, trend.VisitorOf(uuid.NewString(), ""))
		open(together(cookies[len(cookies)-1], ago(interest.KeepDays+1), 1, 2)...)
	}
	open(together(cookies[0], now, 3)...)
	open(together(trend.VisitorOf(uuid.NewString(), ""), ago(500), 8, 9)...)
	own, neighbours, err := db.Neighbours(ctx, 1, 9)
	require.NoError(t, err)
	require.Len(t, neighbours, 1)
	require.NoError(t, db.DropOpenings(ctx))
	again, kept, err := db.Neighbours(ctx, 1, 9)
	require.NoError(t, err)
	assert.Equal(t, own, again, "counts stay")
	assert.Equal(t, neighbours, kept)
	assert.ElementsMatch(t, []uint{1, 2, 3}, must(db.MostOpened(ctx, 0, 9)), "old ones without worth are deleted")
	assert.Equal(t, []uint{3}, booksOf(must(db.History(ctx, cookies[0]))))
	assert.Empty(t, must(db.History(ctx, cookies[1])))
	count(t, db, func(tx gateway.Transaction) error {
		assert.Equal(t, trend.DayOf(now)-interest.KeepDays, must(tx.FirstInterestDay(ctx)))
		return nil
	})

	// An erasure is remembered until no event from before it can arrive.
	erased := trend.VisitorOf(uuid.NewString(), "")
	count(t, db, func(tx gateway.Transaction) error {
		return tx.EraseInterests(ctx, []*trend.Erasure{{Visitor: erased, Until: ago(20)}})
	})
	require.NoError(t, db.DropOpenings(ctx))
	open(together(erased, ago(21), 77)...)
	assert.NotContains(t, must(db.MostOpened(ctx, 0, 9)), uint(77))
}

func booksOf(h interest.History) (books []uint) {
	for _, o := range h {
		books = append(books, o.Book)
	}
	return books
}
