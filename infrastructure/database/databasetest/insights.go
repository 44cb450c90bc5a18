package databasetest

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// testInsights compares what is read of single keywords with random events.
func testInsights(t *testing.T, db Catalogue) {
	ctx := t.Context()
	naive := randomEvents(rand.New(rand.NewPCG(3, 3)), "")
	naive.Erasures = nil
	count(t, db, func(tx gateway.Transaction) error {
		return apply(ctx, tx, shuffled(rand.New(rand.NewPCG(4, 4)), naive))
	})
	const last = trend.Day(1 << 20)
	ids := must(db.KeywordIDs(ctx, []string{"dune", "emma", "emma "}))
	require.Contains(t, ids, "dune")
	dune := ids["dune"]

	letter := trend.Scope{Kind: trend.API, Tag: "letter", Language: trend.Any}
	want, got := map[string]int64{}, map[string]int64{}
	for row, c := range naive.Counts() {
		if row.Surface == model.APISurface && row.Tag == "letter" {
			want[fmt.Sprint(row.Keyword, row.Day)] += c.Searches
		}
	}
	require.NoError(t, db.KeywordRows(ctx, letter, 0, last, func(r *trend.Row) error {
		for folded, id := range must(db.KeywordIDs(ctx, keywordsOf(naive))) {
			if id == r.Keyword {
				got[fmt.Sprint(folded, r.Day)] += r.Searches
			}
		}
		return nil
	}))
	agree(t, want, got)

	people := trend.Scope{Kind: trend.People, Tag: trend.Any, Language: trend.Any}
	day := trend.DayOf(noon)
	visited, expected := map[string]bool{}, map[string]bool{}
	require.NoError(t, db.KeywordVisits(ctx, dune, people, day, day, func(on trend.Day, visitor trend.Visitor, facts trend.Facts) {
		for bucket, fact := range facts.ByBucket() {
			if fact&trend.Searched != 0 {
				visited[fmt.Sprintf("%d %x %d", on, visitor, bucket)] = true
			}
		}
	}))
	typed := map[string]int64{}
	for _, s := range naive.Searches {
		if s.Folded != "dune" || s.Bot || s.Surface == model.DemoSurface {
			continue
		}
		if s.First {
			typed[s.Keyword]++
		}
		if on := trend.DayOf(s.At); on == day && s.Visitor != "" {
			expected[fmt.Sprintf("%d %x %d", on, s.Visitor, trend.BucketOf(s.At))] = true
		}
	}
	assert.Equal(t, expected, visited)
	best := slices.SortedFunc(maps.Keys(typed), func(a, b string) int { return cmp.Or(cmp.Compare(typed[b], typed[a]), cmp.Compare(a, b)) })
	assert.Equal(t, map[int64]string{dune: best[0]}, must(db.Spellings(ctx, []int64{dune, 1 << 40}, 0, last)))

	type click struct {
		search string
		book   uint
	}
	clicked := map[click]bool{}
	books := map[uint]trend.ClickedBook{}
	for _, c := range naive.Clicks {
		if of := (click{c.SearchID, c.Book}); c.Folded == "dune" && c.Surface != model.DemoSurface && !clicked[of] {
			clicked[of] = true
			books[c.Book] = trend.ClickedBook{Book: c.Book, Clicks: books[c.Book].Clicks + 1, Ordinals: books[c.Book].Ordinals + int64(c.Ordinal)}
		}
	}
	found := must(db.ClickedBooks(ctx, dune, people, 0, last, 9))
	require.Len(t, found, len(books))
	for i, b := range found {
		assert.Equal(t, books[b.Book], b)
		assert.True(t, i == 0 || found[i-1].Clicks >= b.Clicks)
	}
	assert.Len(t, must(db.ClickedBooks(ctx, dune, people, 0, last, 1)), 1)
	assert.Empty(t, must(db.NewestBooks(ctx, dune)), "no search has found any")
	assert.Empty(t, must(db.NewestBooks(ctx, 1<<40)))
}
