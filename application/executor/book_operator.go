// Package executor answers requests: each operator does one job of the shop,
// through the gateways and the message queue. It must not know HTTP, databases or
// Kafka.
package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// BookOperator searches and edits the catalogue. Its methods may be called
// concurrently. They return the errors of the gateways, and a model.Error of code
// Invalid for a book that isn't acceptable.
type BookOperator struct {
	books  gateway.BookManager
	events mq.Helper
	index  gateway.BookIndex
	marker gateway.Highlighter
	log    *slog.Logger
}

// NewBookOperator returns an operator that searches index, edits books, sends each
// search's event through events, and shows with marker why books were found.
func NewBookOperator(books gateway.BookManager, events mq.Helper, index gateway.BookIndex, marker gateway.Highlighter, log *slog.Logger) *BookOperator {
	return &BookOperator{books: books, events: events, index: index, marker: marker, log: log}
}

// GetBooks searches the catalogue and sends one event for each search with a
// keyword; the event describes the visit, too. A visit without a surface gets
// no event. The search succeeds even if the queue doesn't confirm the event; if
// the queue refuses it, the search fails with the code UnavailableNow.
func (o *BookOperator) GetBooks(ctx context.Context, search model.Search, visit model.Visit) (*Answer, error) {
	result, err := o.index.SearchBooks(ctx, search)
	if err != nil {
		return nil, err
	}
	books, err := o.books.GetBooks(ctx, result.IDs)
	if err != nil {
		return nil, err
	}
	listed := list(result, books)
	body, err := model.EncodeBooks(listed)
	if err != nil {
		return nil, err
	}
	answer := newAnswer(search, result, listed, body)
	if search.Keyword == "" || visit.Surface == "" {
		return answer, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a search id: %w", err)
	}
	answer.SearchID, answer.SearchedAt, answer.Visit = id.String(), time.Now(), visit
	event := model.SearchEvent{
		ID: answer.SearchID, Time: answer.SearchedAt, Search: search, Visit: visit,
		Match: answer.Match, ServedQuery: answer.Served,
		Value: body, Total: answer.typed(), Served: len(books), TraceParent: mq.TraceParent(ctx),
	}
	event.Search.ByWork = result.ByWork // the engine may not know works
	switch _, err := o.events.SendEvent(string(search.Keyword), event.Value, event.Headers()...); {
	case errors.Is(err, mq.ErrRefused):
		return nil, &model.Error{Code: model.UnavailableNow, Message: "searches can't be recorded at the moment", Cause: err}
	case err != nil:
		// The queue counts it and logs its own changes of state.
		o.log.Debug("search event not confirmed", "search_id", answer.SearchID, "error", err)
	}
	return answer, nil
}

// Suggest returns up to limit titles and authors that complete what a shopper has typed so
// far. It returns none if the search engine can't. It sends no event.
func (o *BookOperator) Suggest(ctx context.Context, typed model.Keyword, limit int) ([]model.Suggestion, error) {
	return o.index.Suggest(ctx, typed, limit)
}

// Explain says why a book stands where it does in the result of a search, or why it is
// missing. It sends no event.
func (o *BookOperator) Explain(ctx context.Context, search model.Search, book uint) (*model.Explanation, error) {
	explanation, err := o.index.Explain(ctx, search, book)
	if err == nil && explanation == nil {
		err = model.Errorf(model.Malformed, "explain", "needs the search index; at the moment the database searches, which can't explain its results")
	}
	return explanation, err
}

// Highlight marks the words that were searched in the books of an answer.
func (o *BookOperator) Highlight(a *Answer) []model.Highlights {
	return o.marker.Highlight(model.Keyword(a.Served), a.PlainBooks())
}

// Capabilities says what the search engine can do at the moment.
func (o *BookOperator) Capabilities() model.Capabilities { return o.index.Capabilities() }

// GetBook returns one book.
func (o *BookOperator) GetBook(ctx context.Context, id uint) (*model.Book, error) {
	return o.books.GetBook(ctx, id)
}

// CreateBook stores a new book and returns it as stored.
func (o *BookOperator) CreateBook(ctx context.Context, b *model.Book) (*model.Book, error) {
	if b.ID != 0 {
		return nil, model.Errorf(model.Invalid, "id", "is chosen by the shop")
	}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	id, err := o.books.CreateBook(ctx, b)
	if err != nil {
		return nil, err
	}
	return o.books.GetBook(ctx, id)
}

// ChangeBook stores the book that change returns in the place of the one with that id,
// and returns it as stored. The id can't be changed, and created_at stays. If change
// returns nil, the book is deleted. See gateway.BookManager for its calls.
func (o *BookOperator) ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	return o.books.ChangeBook(ctx, id, func(current *model.Book) (*model.Book, error) {
		b, err := change(current)
		if err != nil || b == nil {
			return nil, err
		}
		if b.ID != 0 && b.ID != id {
			return nil, model.Errorf(model.Invalid, "id", "can't be changed")
		}
		return b, b.Validate()
	})
}
