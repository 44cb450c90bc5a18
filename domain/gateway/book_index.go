package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookIndex finds books. What BookManager stored before a call is found by it.
type BookIndex interface {
	// SearchBooks returns one page of the books that contain every word of
	// the keyword and pass the filters, in the order asked for, and their
	// total. An empty keyword finds all books; one without any word that can
	// be matched finds none.
	SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error)
}
