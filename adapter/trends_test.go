package adapter

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// count counts searches, each by a visitor of its own, and refreshes the board.
func (s *shop) count(searches ...*trend.Search) {
	s.t.Helper()
	shard := model.Shard{Group: "trends", Stream: "test"}
	claim, err := s.db.Claim(s.t.Context(), shard)
	require.NoError(s.t, err)
	require.NoError(s.t, s.db.Advance(s.t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, tx.CountSearches(s.t.Context(), searches)
	}))
	require.NoError(s.t, s.board.Refresh(s.t.Context()))
}

// searched is a search of a person who found some books.
func searched(keyword, visitor string, books ...uint) *trend.Search {
	return &trend.Search{
		ID: uuid.NewString(), At: time.Now(), Keyword: keyword, Folded: model.Fold(keyword), Public: keyword, Visitor: trend.VisitorOf("", visitor),
		Surface: model.PageSurface, First: true, Facts: trend.Searched | trend.Shown | trend.Hit, Books: books,
	}
}

func TestTrends(t *testing.T) {
	s := newShop(t)
	const whale, emma = 1, 2
	s.add(&model.Book{Title: "Moby Dick", Author: "Herman Melville", Subjects: []string{"Whaling"}, Description: "A captain hunts."},
		&model.Book{Title: "Emma", Author: "Jane Austen"})
	get := func(address string) (list []model.Trend) {
		t.Helper()
		answer := s.get(address)
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &list))
		return list
	}
	assert.Equal(t, "[]", s.get("/api/trends").Body.String())
	assert.Equal(t, "counted=0, accepted=0, dead=0, waiting=0, lost=0, missed=0, late=0, unknown=0", s.get("/api/trends").Header().Get("X-Completeness"))
	assert.NotContains(t, s.get("/").Body.String(), "Often searched")

	s.count(
		searched("Emma", "00000000deadbeef", emma), searched("emma", "00000001deadbeef", emma), searched("Emma", "00000001deadbeef", emma),
		searched("melville whaling", "00000000deadbeef", whale, 999),
		searched("captain", "00000000deadbeef", whale), // only in a description
		searched("me@example.com", "00000000deadbeef", whale), searched("+1 555 123 4567", "00000000deadbeef", whale),
	)
	list := get("/api/trends")
	require.Len(t, list, 2)
	assert.Equal(t, "Emma", list[0].Query, "the spelling that was typed most often")
	assert.Equal(t, []int64{2, 3}, []int64{list[0].Searches, list[0].Requests}, "a visitor counts once in half an hour")
	assert.Equal(t, "Emma", list[0].Books[0].Title)
	assert.Equal(t, "melville whaling", list[1].Query)
	require.Len(t, list[1].Books, 1, "books that don't exist are left out")
	assert.Len(t, get("/api/trends?ps=1"), 1)
	assert.Equal(t, list, get("/api/trends?window=30d&sort=rising"))

	page := s.get("/").Body.String()
	assert.Contains(t, page, "Often searched")
	assert.Contains(t, page, `href="/?q=melville&#43;whaling"`)
	assert.NotContains(t, s.get("/?q=emma").Body.String(), "Often searched", "results show results")
}

// A keyword is public when enough networks, or known cookies, have searched it on one day.
func TestTrendsNeedVisitors(t *testing.T) {
	s := newShop(t, func(with *setup) { with.minVisitors = 3 })
	const emma = 1
	s.add(&model.Book{Title: "Emma"})
	listed := func() int {
		var list []model.Trend
		require.NoError(t, json.Unmarshal(s.get("/api/trends").Body.Bytes(), &list))
		return len(list)
	}
	cookie := uuid.NewString()
	byCookie := searched("emma", "", emma)
	byCookie.Visitor = trend.VisitorOf(cookie, "")
	s.count(searched("emma", "00000001aaaaaaaa", emma), searched("emma", "00000001bbbbbbbb", emma), searched("emma", "00000001cccccccc", emma))
	assert.Zero(t, listed(), "a hundred browsers of one network are one")
	s.count(searched("emma", "00000002aaaaaaaa", emma), byCookie)
	assert.Zero(t, listed(), "a new cookie is no visitor")
	earlier := searched("other", "", emma)
	earlier.Visitor, earlier.At = byCookie.Visitor, time.Now().Add(-24*time.Hour)
	s.count(earlier, searched("emma", "00000002bbbbbbbb", emma))
	assert.Equal(t, 1, listed(), "the cookie was seen the day before")
}

func TestRelatedSearches(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Moby Dick", Author: "Herman Melville", Subjects: []string{"Whaling"}}, &model.Book{Title: "Typee", Author: "Herman Melville"},
		&model.Book{Title: "Emma", Author: "Jane Austen"}, &model.Book{Title: "Emma and Melville"})
	related := func(address string) (queries []string) {
		t.Helper()
		var found struct{ Related []model.RelatedSearch }
		require.NoError(t, json.Unmarshal(s.get("/api/search?"+address).Body.Bytes(), &found))
		for _, r := range found.Related {
			queries = append(queries, r.Query)
			assert.Positive(t, r.Searches)
		}
		return queries
	}
	assert.Empty(t, related("q=herman"))
	s.count(
		searched("melville", "00000000deadbeef", 1, 2, 4), searched("Herman", "00000000deadbeef", 1, 2), searched("whaling", "00000000deadbeef", 1),
		searched("emma", "00000000deadbeef", 3, 4), searched("captain ahab", "00000000deadbeef", 1, 2),
	)
	assert.Equal(t, []string{"melville", "whaling"}, related("q=herman"), "not itself, nothing that the public may not see, and those with the most in common first")
	assert.Empty(t, related("q=emma"), "one book of several is too little")
	assert.Empty(t, related("q=herman&o=1"))
	assert.Empty(t, related("author=Herman+Melville"))
	page := s.get("/?q=herman").Body.String()
	assert.Contains(t, page, "Related searches")
	assert.Contains(t, page, `href="/?q=whaling"`)
	assert.NotContains(t, s.get("/?q=emma").Body.String(), "Related searches")
}
