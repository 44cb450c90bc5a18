package executor_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// catalogue answers each search with found and keeps the last book, with the id 7.
// All its methods return err.
type catalogue struct {
	gateway.NoCapabilities
	found *model.SearchResult
	err   error
	asked []model.Search
	kept  *model.Book
}

func (c *catalogue) SearchBooks(_ context.Context, s model.Search) (*model.SearchResult, error) {
	c.asked = append(c.asked, s)
	return c.found, c.err
}

func (c *catalogue) CreateBook(_ context.Context, b *model.Book) (uint, error) {
	kept := *b
	kept.ID, c.kept = 7, &kept
	return 7, c.err
}

func (c *catalogue) GetBook(context.Context, uint) (*model.Book, error) { return c.kept, c.err }

func (c *catalogue) GetBooks(_ context.Context, ids []uint) ([]*model.Book, error) {
	var books []*model.Book
	for _, id := range ids {
		if id != gone {
			books = append(books, &model.Book{ID: id, Title: "One"})
		}
	}
	return books, c.err
}

// gone is a book that the index finds and the catalogue doesn't have.
const gone = 9

func (c *catalogue) ChangeBook(_ context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	b, err := change(&model.Book{ID: id, Title: "Before"})
	if err != nil {
		return nil, err
	}
	c.kept = b
	return b, c.err
}

// sent keeps the events that it takes and answers with err.
type sent struct {
	t      *testing.T
	events []*model.SearchEvent
	err    error
}

func (s *sent) SendEvent(key string, value []byte, headers ...mq.Header) (bool, error) {
	event, err := model.DecodeSearchEvent(key, headers, value)
	assert.NoError(s.t, err)
	s.events = append(s.events, event)
	return s.err == nil, s.err
}

func operator(c *catalogue, s *sent) *executor.BookOperator {
	return executor.NewBookOperator(c, s, c, nil, slog.New(slog.DiscardHandler))
}

func TestGetBooks(t *testing.T) {
	books := []*model.Book{{ID: 1, Title: "One"}}
	for name, c := range map[string]struct {
		keyword model.Keyword
		surface model.Surface
		queue   error
		told    bool
	}{
		"told":        {"war", model.APISurface, nil, true},
		"unconfirmed": {"war", model.PageSurface, mq.ErrUnconfirmed, true},
		"lost":        {"war", model.PageSurface, mq.ErrLost, true},
		"no keyword":  {"", model.APISurface, nil, false},
		"no surface":  {"war", "", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			shelf, events := &catalogue{found: &model.SearchResult{IDs: []uint{1, gone}, Total: 12}}, &sent{t: t, err: c.queue}
			want := model.Search{Keyword: c.keyword, Filters: model.Filters{Author: "a"}, Sort: model.ByTitle, Offset: 10, Limit: 5}
			visit := model.Visit{Surface: c.surface, Agent: model.PersonAgent, Tag: "letter", ClientID: "c"}
			answer, err := operator(shelf, events).GetBooks(t.Context(), want, visit)
			require.NoError(t, err)
			assert.Equal(t, []model.Search{want}, shelf.asked)
			assert.Equal(t, want, answer.Search)
			assert.Equal(t, 12, answer.Total)
			encoded, err := model.EncodeBooks([]model.ListedBook{{Book: books[0]}})
			require.NoError(t, err)
			assert.Equal(t, encoded, answer.Body)
			if !c.told {
				assert.Empty(t, answer.SearchID)
				assert.Empty(t, events.events)
				return
			}
			require.Len(t, events.events, 1)
			told := events.events[0]
			assert.Equal(t, answer.SearchID, told.ID)
			assert.WithinDuration(t, time.Now(), told.Time, time.Minute)
			assert.Equal(t, want, told.Search)
			assert.Equal(t, visit, told.Visit)
			assert.Equal(t, answer.Body, told.Value)
			assert.Equal(t, 12, told.Total)
			assert.Equal(t, 1, told.Served)
			id, err := uuid.Parse(answer.SearchID)
			require.NoError(t, err)
			assert.EqualValues(t, 7, id.Version())
		})
	}
}

// The event says what was searched, and how many books the keyword finds as typed.
func TestEventSaysHowTheBooksMatch(t *testing.T) {
	sixteen := "a b c d e f g h i j k l m n o p"
	for name, c := range map[string]struct {
		typed  model.Keyword
		found  model.SearchResult
		match  model.Match
		served string
		total  int
	}{
		"exact":               {"war", model.SearchResult{Match: model.ExactMatch, Total: 3}, model.ExactMatch, "war", 3},
		"nothing":             {"war", model.SearchResult{Match: model.NoMatch}, model.NoMatch, "war", 0},
		"engine without":      {"war", model.SearchResult{Total: 3}, model.ExactMatch, "war", 3},
		"nothing without":     {"war", model.SearchResult{}, model.NoMatch, "war", 0},
		"corrected":           {"wra", model.SearchResult{Match: model.CorrectedMatch, Served: "war", Total: 3}, model.CorrectedMatch, "war", 0},
		"corrected, one more": {"wra", model.SearchResult{Match: model.CorrectedMatch, Served: "war", Total: 3, Typed: 1}, model.CorrectedMatch, "war", 1},
		"relaxed":             {"war x", model.SearchResult{Match: model.RelaxedMatch, Served: "war", Total: 3}, model.RelaxedMatch, "war", 0},
		"only suggested":      {"wra", model.SearchResult{Match: model.ExactMatch, Suggested: "war", Total: 1}, model.ExactMatch, "wra", 1},
		"too many words":      {model.Keyword(sixteen + " q"), model.SearchResult{Match: model.ExactMatch, Total: 1}, model.ExactMatch, sixteen, 1},
		"operators":           {model.Keyword(`- "` + sixteen + `"`), model.SearchResult{Match: model.ExactMatch, Total: 1}, model.ExactMatch, `- "` + sixteen + `"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			events := &sent{t: t}
			answer, err := operator(&catalogue{found: &c.found}, events).GetBooks(t.Context(), model.Search{Keyword: c.typed, Limit: 5}, model.Visit{Surface: model.APISurface})
			require.NoError(t, err)
			require.Len(t, events.events, 1)
			told := events.events[0]
			assert.Equal(t, []any{c.match, c.served, c.total}, []any{told.Match, told.ServedQuery, told.Total})
			assert.Equal(t, []any{c.match, c.served, c.found.Total}, []any{answer.Match, answer.Served, answer.Total})
		})
	}
}

func TestFailedSearchIsNotTold(t *testing.T) {
	shelf, events := &catalogue{err: &model.Error{Code: model.UnavailableNow}}, &sent{t: t}
	answer, err := operator(shelf, events).GetBooks(t.Context(), model.Search{Keyword: "war", Limit: 5}, model.Visit{Surface: model.APISurface})
	assert.Nil(t, answer)
	assert.ErrorIs(t, err, shelf.err)
	assert.Empty(t, events.events)
}

func TestBooksAreCheckedBeforeTheyAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		book  model.Book
		field string
	}{
		"sound":             {model.Book{Title: " T ", ISBN: "0306406152"}, ""},
		"its own id":        {model.Book{Title: "T", ID: 7}, ""},
		"id of another":     {model.Book{Title: "T", ID: 8}, "id"},
		"no title":          {model.Book{}, "title"},
		"ISBN that is none": {model.Book{Title: "T", ISBN: "x"}, "isbn"},
	} {
		t.Run(name, func(t *testing.T) {
			shelf, b := &catalogue{}, c.book
			changed, err := operator(shelf, &sent{t: t}).ChangeBook(t.Context(), 7, func(*model.Book) (*model.Book, error) { return &b, nil })
			if c.field != "" {
				assert.Equal(t, model.Invalid, model.ErrorCode(err))
				assert.ErrorContains(t, err, c.field+": ")
				assert.Nil(t, shelf.kept)
			} else {
				require.NoError(t, err)
				assert.Equal(t, "T", changed.Title)
			}
			shelf, b = &catalogue{}, c.book
			created, err := operator(shelf, &sent{t: t}).CreateBook(t.Context(), &b)
			if c.field != "" || c.book.ID != 0 {
				assert.Equal(t, model.Invalid, model.ErrorCode(err))
				assert.Nil(t, shelf.kept)
			} else {
				require.NoError(t, err)
				assert.EqualValues(t, 7, created.ID)
				assert.Equal(t, "9780306406157", created.ISBN)
			}
		})
	}
}

func TestErrorsOfTheCatalogueArePassedOn(t *testing.T) {
	shelf := &catalogue{err: errors.New("no")}
	o := operator(shelf, &sent{t: t})
	_, created := o.CreateBook(t.Context(), &model.Book{Title: "T"})
	_, changed := o.ChangeBook(t.Context(), 7, func(b *model.Book) (*model.Book, error) { return b, nil })
	_, got := o.GetBook(t.Context(), 7)
	for _, err := range []error{created, changed, got} {
		assert.ErrorIs(t, err, shelf.err)
	}
	refused := errors.New("refused")
	_, err := o.ChangeBook(t.Context(), 7, func(b *model.Book) (*model.Book, error) { return b, refused })
	assert.ErrorIs(t, err, refused)
}

func TestABookIsDeletedByAChangeToNil(t *testing.T) {
	shelf := &catalogue{kept: &model.Book{}}
	changed, err := operator(shelf, &sent{t: t}).ChangeBook(t.Context(), 7, func(*model.Book) (*model.Book, error) { return nil, nil })
	require.NoError(t, err)
	assert.Nil(t, changed)
	assert.Nil(t, shelf.kept)
}

// Links lead only to pages that may be asked for.
func TestNextStaysWithinTheDepth(t *testing.T) {
	next := func(s model.Search) *model.Search {
		return (&executor.Answer{Search: s, SearchResult: model.SearchResult{IDs: make([]uint, s.Limit), Total: 50_000}}).Next()
	}
	assert.Nil(t, next(model.Search{Keyword: "x", Offset: model.MaxDepth - 20, Limit: 20}))
	assert.Nil(t, next(model.Search{Keyword: "x", Offset: model.MaxDepth - 50, Limit: 30}))
	assert.Equal(t, model.MaxDepth-20, next(model.Search{Keyword: "x", Offset: model.MaxDepth - 40, Limit: 20}).Offset)
	assert.Equal(t, model.MaxDepth, next(model.Search{Offset: model.MaxDepth - 20, Limit: 20}).Offset, "the plain list has no bound")
}
