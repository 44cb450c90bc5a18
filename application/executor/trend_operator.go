package executor

import (
	"context"

	"literank.com/event-books/application/trends"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// TrendOperator answers what is searched most. Its methods may be called concurrently.
type TrendOperator struct {
	board *trends.Board
	books gateway.BookManager
}

// NewTrendOperator returns an operator on a board.
func NewTrendOperator(board *trends.Board, books gateway.BookManager) *TrendOperator {
	return &TrendOperator{board, books}
}

// GetTrends returns the best n keywords of a list, with their books, and how complete the
// counts are. Books that no longer exist are left out. The error has the code UnavailableNow
// until the counts are read.
func (o *TrendOperator) GetTrends(ctx context.Context, window trend.Window, order trend.Order, n int) ([]model.Trend, model.Completeness, error) {
	entries, err := o.board.List(window, order, n)
	if err != nil {
		return nil, model.Completeness{}, err
	}
	completeness, err := o.board.Completeness()
	if err != nil {
		return nil, model.Completeness{}, err
	}
	list, err := o.withBooks(ctx, entries)
	return list, completeness, err
}

// RelatedSearches returns up to n public keywords that find the same books as the first page of a
// search. Other pages have none.
func (o *TrendOperator) RelatedSearches(a *Answer, n int) []model.RelatedSearch {
	if a.Search.Keyword == "" || a.Search.Offset > 0 {
		return nil
	}
	var related []model.RelatedSearch
	for _, e := range o.board.Related(a.Served, a.IDs, n) {
		related = append(related, model.RelatedSearch{Query: e.Query, Searches: e.Searches})
	}
	return related
}

func (o *TrendOperator) withBooks(ctx context.Context, entries []trends.Entry) ([]model.Trend, error) {
	var ids []uint
	for _, e := range entries {
		ids = append(ids, e.Books...)
	}
	found, err := o.books.GetBooks(ctx, ids)
	if err != nil {
		return nil, err
	}
	books := make(map[uint]*model.Book, len(found))
	for _, b := range found {
		books[b.ID] = b
	}
	list := make([]model.Trend, len(entries))
	for i, e := range entries {
		list[i] = model.Trend{Query: e.Query, Books: []*model.Book{}, Searches: e.Searches, Requests: e.Requests, Before: e.Before}
		for _, id := range e.Books {
			if b := books[id]; b != nil {
				list[i].Books = append(list[i].Books, b)
			}
		}
	}
	return list, nil
}
