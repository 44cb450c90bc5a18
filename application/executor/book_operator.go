// Package executor answers requests: each operator does one job of the shop
// with the gateways and the message queue that it is given. It must not know
// HTTP, databases or Kafka.
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

// BookOperator lets shoppers search and staff keep the catalogue. Its methods
// may be called concurrently; their errors are those of the gateways, and
// model.Error of code Invalid for a book that isn't acceptable.
type BookOperator struct {
	books  gateway.BookManager
	events mq.Helper
	index  gateway.BookIndex
	log    *slog.Logger
}

// NewBookOperator returns an operator on the catalogue in books and index
// that tells events of the searches.
func NewBookOperator(books gateway.BookManager, events mq.Helper, index gateway.BookIndex, log *slog.Logger) *BookOperator {
	return &BookOperator{books: books, events: events, index: index, log: log}
}

// Page says which part of a result is wanted, and in which order.
type Page struct {
	Limit   int
	Sort    model.Sort
	Filters model.Filters
}

// Answer is one page of a result.
type Answer struct {
	// SearchID identifies a keyword search and its event; empty where there
	// is no keyword or no event.
	SearchID string
	Search   model.Search
	*model.SearchResult
	// Body is the JSON array of the books: the answer of the API and the
	// value of the event are these bytes, which must not be changed.
	Body []byte
}

// GetBooks searches the catalogue. Each search with a keyword is told as one
// event, together with the visit; a visit without a surface tells none. An
// event that isn't confirmed doesn't fail the search; one that is refused does,
// with code UnavailableNow.
func (o *BookOperator) GetBooks(ctx context.Context, offset int, keyword model.Keyword, page Page, visit model.Visit) (*Answer, error) {
	search := model.Search{Keyword: keyword, Filters: page.Filters, Sort: page.Sort, Offset: offset, Limit: page.Limit}
	result, err := o.index.SearchBooks(ctx, search)
	if err != nil {
		return nil, err
	}
	body, err := model.EncodeBooks(result.Books)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Search: search, SearchResult: result, Body: body}
	if keyword == "" || visit.Surface == "" {
		return answer, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a search id: %w", err)
	}
	answer.SearchID = id.String()
	event := model.SearchEvent{
		ID: answer.SearchID, Time: time.Now(), Search: search, Visit: visit,
		Value: body, Total: result.Total, Served: len(result.Books),
	}
	switch _, err := o.events.SendEvent(string(keyword), event.Value, event.Headers()...); {
	case errors.Is(err, mq.ErrRefused):
		return nil, &model.Error{Code: model.UnavailableNow, Message: "searches can't be recorded at the moment", Cause: err}
	case err != nil:
		// It is counted, and the change of state is logged, where it was sent.
		o.log.Debug("search event not confirmed", "search_id", answer.SearchID, "error", err)
	}
	return answer, nil
}

// GetBook returns one book.
func (o *BookOperator) GetBook(ctx context.Context, id uint) (*model.Book, error) {
	return o.books.GetBook(ctx, id)
}

// CreateBook stores a new book and returns it as stored.
func (o *BookOperator) CreateBook(ctx context.Context, b *model.Book) (*model.Book, error) {
	if b.ID != 0 {
		return nil, model.Errorf(model.Invalid, "id", "is given by the shop")
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

// UpdateBook replaces the book of that id and returns it as stored.
func (o *BookOperator) UpdateBook(ctx context.Context, id uint, b *model.Book) (*model.Book, error) {
	if b.ID != 0 && b.ID != id {
		return nil, model.Errorf(model.Invalid, "id", "can't be changed")
	}
	b.ID = id
	if err := b.Validate(); err != nil {
		return nil, err
	}
	if err := o.books.UpdateBook(ctx, b); err != nil {
		return nil, err
	}
	return o.books.GetBook(ctx, id)
}

// DeleteBook removes a book.
func (o *BookOperator) DeleteBook(ctx context.Context, id uint) error {
	return o.books.DeleteBook(ctx, id)
}
