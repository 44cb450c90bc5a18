package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookIndex searches the catalogue. It finds every book that BookManager stored
// before the call.
type BookIndex interface {
	// SearchBooks returns one page of the books that contain every word of the keyword and
	// pass the filters, in the order that s asks for, and their total unless s is
	// WithoutTotal. An empty keyword matches all books. A keyword without a searchable word
	// matches none.
	SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error)
}
