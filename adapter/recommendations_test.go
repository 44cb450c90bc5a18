package adapter

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// open counts books that a visitor with a cookie opens just now, one after the other.
func (s *shop) open(cookie string, books ...uint) {
	s.t.Helper()
	var openings []*interest.Opening
	for i, book := range books {
		openings = append(openings, &interest.Opening{Visitor: trend.VisitorOf(cookie, ""), Book: book, At: time.Now().Add(time.Duration(i) * time.Millisecond)})
	}
	s.advance(func(tx gateway.Transaction) error { return tx.CountOpenings(s.t.Context(), openings) })
}

func (s *shop) advance(work func(tx gateway.Transaction) error) {
	s.t.Helper()
	shard := model.Shard{Group: "interests", Stream: "test"}
	claim, err := s.db.Claim(s.t.Context(), shard)
	require.NoError(s.t, err)
	require.NoError(s.t, s.db.Advance(s.t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, work(tx)
	}))
}

// recommendedBook is one element of an answer.
type recommendedBook struct {
	UserID string `json:"user_id"`
	Title  string
	Author string
	Score  float64
	Book   *model.Book
	Reason string
}

func (s *shop) recommended(address string, headers ...string) (list []recommendedBook) {
	s.t.Helper()
	answer := s.get(address, headers...)
	require.Equal(s.t, http.StatusOK, answer.Code, answer.Body)
	require.NoError(s.t, json.Unmarshal(answer.Body.Bytes(), &list))
	return list
}

func recommendedTitles(list []recommendedBook) (titles []string) {
	for _, r := range list {
		titles = append(titles, r.Title)
	}
	return titles
}

func TestRecommendations(t *testing.T) {
	s := newShop(t)
	const dune, foundation, bible, emma, faust = 1, 2, 3, 4, 5
	s.add(&model.Book{Title: "Dune", Author: "Frank Herbert", Language: "en"}, &model.Book{Title: "Foundation", Author: "Isaac Asimov", Language: "en"},
		&model.Book{Title: "The Book of Psalms", Subjects: []string{"Bible"}, Language: "en"}, &model.Book{Title: "Emma", Author: "Jane Austen", Language: "en"},
		&model.Book{Title: "Faust", Author: "Goethe", Language: "de"})
	for range 3 {
		s.open(uuid.NewString(), dune, foundation)
		s.open(uuid.NewString(), bible, emma)
	}
	s.open(aVisitor, dune)
	list := s.recommended("/api/recommendations", "Cookie", signed(aVisitor))
	require.NotEmpty(t, list)
	first := list[0]
	assert.Equal(t, []string{"Foundation", "Isaac Asimov", "because you opened “Dune”"}, []string{first.Title, first.Author, first.Reason})
	assert.Positive(t, first.Score)
	assert.Equal(t, uint(foundation), first.Book.ID)
	assert.Len(t, first.UserID, 32)
	assert.NotEqual(t, strings.ReplaceAll(aVisitor, "-", ""), first.UserID)
	assert.NotContains(t, recommendedTitles(list), "Dune", "it was just seen")
	assert.Equal(t, "popular with our visitors", list[1].Reason, "popular books complete the list")
	assert.Len(t, s.recommended("/api/recommendations?ps=1", "Cookie", signed(aVisitor)), 1)

	page := s.get("/", "Cookie", signed(aVisitor))
	assert.Contains(t, page.Body.String(), "For you")
	assert.Contains(t, page.Body.String(), "because you opened “Dune”")
	assert.Contains(t, page.Header().Get("Cache-Control"), "private")
	assert.Contains(t, s.get("/api/recommendations").Header().Get("Cache-Control"), "private")

	// A book on a sensitive subject begins no list.
	s.open(aVisitor, bible)
	for _, r := range s.recommended("/api/recommendations", "Cookie", signed(aVisitor)) {
		assert.NotContains(t, r.Reason, "Psalms")
	}
	s.advance(func(tx gateway.Transaction) error {
		return tx.EraseInterests(t.Context(), []*trend.Erasure{{Visitor: trend.VisitorOf(aVisitor, ""), Until: time.Now()}})
	})
	for _, r := range s.recommended("/api/recommendations", "Cookie", signed(aVisitor)) {
		assert.NotContains(t, r.Reason, "opened “Dune”", "the visitor was forgotten")
	}
}

func TestRecommendationsWithoutCookie(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Dune", Language: "en"}, &model.Book{Title: "Faust", Language: "de-AT"}, &model.Book{Title: "Emma", Language: "en"})
	page := func() string { return s.get("/").Body.String() }
	assert.NotContains(t, page(), "Popular books", "nobody has opened any")
	for _, r := range s.recommended("/api/recommendations", "Accept-Language", "de-CH, en") {
		assert.Empty(t, r.UserID)
		assert.Equal(t, map[bool]string{true: "popular in your language", false: "well known"}[r.Title == "Faust"], r.Reason)
	}
	s = newShop(t)
	s.add(&model.Book{Title: "Dune", Language: "en"}, &model.Book{Title: "Faust", Language: "de-AT"}, &model.Book{Title: "Emma", Language: "en"})
	for i := range 5 {
		s.open(uuid.NewString(), 1)
		if i < 4 {
			s.open(uuid.NewString(), 2)
		}
	}
	assert.Equal(t, []string{"Dune", "Faust", "Emma"}, recommendedTitles(s.recommended("/api/recommendations")))
	german := s.recommended("/api/recommendations", "Accept-Language", "de-CH, en")
	assert.Equal(t, []string{"Faust", "Dune", "Emma"}, recommendedTitles(german))
	assert.Equal(t, []string{"popular in your language", "popular with our visitors", "well known"}, []string{german[0].Reason, german[1].Reason, german[2].Reason})
	assert.Contains(t, page(), "Popular books")

	s.open(aVisitor, 1)
	for name, headers := range map[string][]string{
		"a made-up cookie":          {"Cookie", "visitor=" + aVisitor},
		"a browser without consent": {"Cookie", "visitor=no"},
		"a private browser":         {"Cookie", signed(aVisitor), "Sec-GPC", "1"},
	} {
		list := s.recommended("/api/recommendations", headers...)
		assert.Empty(t, list[0].UserID, name)
		assert.Contains(t, recommendedTitles(list), "Dune", name)
	}
	off := newShop(t, withCookie(visitor.Off))
	off.add(&model.Book{Title: "Dune"})
	assert.Empty(t, off.recommended("/api/recommendations", "Cookie", signed(aVisitor))[0].UserID)
}

func TestRelatedBooks(t *testing.T) {
	s := newShop(t, withEngine(t))
	const dune, foundation, messiah, emma = 1, 2, 3, 4
	s.add(&model.Book{Title: "Dune", Author: "Frank Herbert", Subjects: []string{"Science fiction"}}, &model.Book{Title: "Foundation", Author: "Isaac Asimov"},
		&model.Book{Title: "Dune Messiah", Author: "Frank Herbert", Subjects: []string{"Science fiction"}}, &model.Book{Title: "Emma", Author: "Jane Austen"})
	page := s.get("/books/1").Body.String()
	assert.NotContains(t, page, "Readers also opened")
	assert.Contains(t, page, "Similar books", "the first reader gets similar books")
	for range 2 {
		s.open(uuid.NewString(), dune, foundation)
	}
	assert.NotContains(t, s.get("/books/1").Body.String(), "Foundation", "two visitors are no crowd")
	s.open(uuid.NewString(), foundation, dune)
	list := s.recommended("/api/books/1/related")
	reasons := map[string]string{}
	for _, r := range list {
		reasons[r.Book.Title] = r.Reason
		assert.Positive(t, r.Score)
	}
	assert.Equal(t, map[string]string{"Foundation": "readers of “Dune” also opened it", "Dune Messiah": "similar to “Dune”"}, reasons)
	page = s.get("/books/1").Body.String()
	assert.Less(t, strings.Index(page, "Readers also opened"), strings.Index(page, "Foundation"))
	assert.Less(t, strings.Index(page, "Foundation"), strings.Index(page, "Similar books"))
	assert.Empty(t, s.recommended("/api/books/4/related"))
	assert.Equal(t, http.StatusNotFound, s.get("/api/books/99/related").Code)
}
