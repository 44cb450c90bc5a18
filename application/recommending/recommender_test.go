package recommending

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/database"
)

// shop is a catalogue with what its visitors open.
type shop struct {
	*database.DB
	*Recommender
	t testing.TB
}

func newShop(t testing.TB, index func(gateway.BookIndex) gateway.BookIndex, books ...*model.Book) *shop {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), log)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	for _, b := range books {
		b.ID, err = db.CreateBook(t.Context(), b)
		require.NoError(t, err)
	}
	return &shop{db, New(db, db, NewContents(db, index(db), log)), t}
}

func same(index gateway.BookIndex) gateway.BookIndex { return index }

// open counts what a visitor opens, some days ago.
func (s *shop) open(visitor trend.Visitor, daysAgo int, books ...uint) {
	s.t.Helper()
	shard := model.Shard{Group: "interests", Stream: "clicks"}
	claim, err := s.Claim(s.t.Context(), shard)
	require.NoError(s.t, err)
	var openings []*interest.Opening
	for i, book := range books {
		openings = append(openings, &interest.Opening{Visitor: visitor, Book: book, At: time.Now().AddDate(0, 0, -daysAgo).Add(time.Duration(i) * time.Millisecond)})
	}
	require.NoError(s.t, s.Advance(s.t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: claim}, tx.CountOpenings(s.t.Context(), openings)
	}))
}

func newCookie() trend.Visitor { return trend.VisitorOf(uuid.NewString(), "") }

func titles(list []model.Recommendation) (titles []string) {
	for _, r := range list {
		titles = append(titles, r.Book.Title)
	}
	return titles
}

func TestSeeds(t *testing.T) {
	var books []*model.Book
	for _, title := range []string{"A", "B", "C", "D", "E", "F", "Prayers"} {
		books = append(books, &model.Book{Title: title})
	}
	books[6].Subjects = []string{"Christian life"}
	for i := range 7 { // the only neighbour of each
		books = append(books, &model.Book{Title: "next to " + books[i].Title})
	}
	s := newShop(t, same, books...)
	for range 3 {
		for i := range uint(7) {
			s.open(newCookie(), 0, 1+i, 8+i)
		}
	}
	visitor := newCookie()
	s.open(visitor, 2, 1, 2, 7, 3, 4, 5, 6)
	list, err := s.ForVisitor(t.Context(), visitor, "", 20)
	require.NoError(t, err)
	var chosen []model.Recommendation
	for _, r := range list {
		if r.Reason == model.BecauseOpened {
			chosen = append(chosen, r)
			assert.Equal(t, "next to "+r.Because.Title, r.Book.Title)
		}
	}
	assert.Equal(t, []string{"next to F", "next to E", "next to D", "next to C", "next to B"}, titles(chosen), "the last five, the last first, and no prayers")
	assert.Subset(t, titles(list), []string{"next to A", "next to Prayers"}, "they are popular")
	assert.NotContains(t, titles(list), "A", "it was seen")

	s.now = func() time.Time { return time.Now().AddDate(0, 0, interest.KeepDays) }
	list, err = s.ForVisitor(t.Context(), visitor, "", 20)
	require.NoError(t, err)
	assert.Equal(t, model.Popular, list[0].Reason, "what was opened long ago is forgotten, even if it isn't deleted yet")
}

// An edition of what the reader knows is nothing new, and neither is a second edition.
func TestEditionsAreListedOnce(t *testing.T) {
	s := newShop(t, same, &model.Book{Title: "Dune", Author: "Frank Herbert", Language: "en"}, &model.Book{Title: "Dune", Author: "Frank Herbert", Language: "en", Edition: "2nd"},
		&model.Book{Title: "Emma", Author: "Jane Austen", Language: "en"}, &model.Book{Title: "Emma", Author: "Jane Austen", Language: "en", Edition: "Reprint"})
	for range 3 {
		s.open(newCookie(), 0, 1, 2, 3, 4)
	}
	list, err := s.Related(t.Context(), 1, 9)
	require.NoError(t, err)
	assert.Equal(t, []string{"Emma"}, titles(list))
}

func TestDeletedBooksAreLeftOut(t *testing.T) {
	s := newShop(t, same, &model.Book{Title: "A"}, &model.Book{Title: "B"}, &model.Book{Title: "C"})
	for range 3 {
		s.open(newCookie(), 0, 1, 2, 3)
	}
	remove := func(id uint) {
		_, err := s.ChangeBook(t.Context(), id, func(*model.Book) (*model.Book, error) { return nil, nil })
		require.NoError(t, err)
	}
	remove(2)
	list, err := s.Related(t.Context(), 1, 9)
	require.NoError(t, err)
	assert.Equal(t, []string{"C"}, titles(list))
	visitor := newCookie()
	s.open(visitor, 0, 1)
	remove(1)
	list, err = s.ForVisitor(t.Context(), visitor, "", 9)
	require.NoError(t, err)
	assert.Equal(t, []string{"C"}, titles(list))
	_, err = s.Related(t.Context(), 1, 9)
	assert.Equal(t, model.NotFound, model.ErrorCode(err))
}

// broken is an index that is away.
type broken struct{ gateway.BookIndex }

func (broken) SearchBooks(context.Context, model.Search) (*model.SearchResult, error) {
	return nil, errors.New("away")
}

func TestListsWorkWithoutTheIndex(t *testing.T) {
	s := newShop(t, func(index gateway.BookIndex) gateway.BookIndex { return broken{index} },
		&model.Book{Title: "A", Author: "X"}, &model.Book{Title: "B", Author: "X"}, &model.Book{Title: "C", Author: "X"})
	for range 3 {
		s.open(newCookie(), 0, 1, 2)
	}
	list, err := s.Related(t.Context(), 1, 9)
	require.NoError(t, err)
	assert.Equal(t, []string{"B"}, titles(list))
	s.contents.index = s.DB
	list, err = s.Related(t.Context(), 1, 9)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"B", "C"}, titles(list), "what was not found isn't remembered")
}

// Similar books are for those that nobody has opened together.
func TestCountsOutweighContent(t *testing.T) {
	s := newShop(t, same, &model.Book{Title: "A", Author: "X", Series: "S"}, &model.Book{Title: "Similar", Author: "X", Series: "S"}, &model.Book{Title: "Together"})
	first := func() string {
		t.Helper()
		list, err := s.Related(t.Context(), 1, 9)
		require.NoError(t, err)
		return list[0].Book.Title
	}
	assert.Equal(t, "Similar", first())
	for range 3 {
		s.open(newCookie(), 0, 1, 3)
	}
	assert.Equal(t, "Together", first())
}
