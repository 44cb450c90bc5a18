package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookIndex searches the catalogue. It finds the books that BookManager stored before the
// call; an engine with a copy of the catalogue may take a second to show a change.
type BookIndex interface {
	// SearchBooks returns one page of the books that contain every word of the keyword and
	// pass the filters, in the order that s asks for, and their total unless s is
	// WithoutTotal. An empty keyword matches all books. A keyword without a searchable word
	// matches none.
	SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error)
	// Suggest returns up to limit titles and authors that complete what a shopper has typed
	// so far, the best first. It returns none without the capability.
	Suggest(ctx context.Context, typed model.Keyword, limit int) ([]model.Suggestion, error)
	// Explain says why a book stands where it does in the result of a search, or why it is
	// missing. It returns nil without the capability.
	Explain(ctx context.Context, s model.Search, book uint) (*model.Explanation, error)
	// Capabilities says what the engine can do beyond finding every word. It may change from
	// call to call, when another engine takes over.
	Capabilities() model.Capabilities
}

// NoCapabilities is to be embedded into a BookIndex that has none.
type NoCapabilities struct{}

// Suggest suggests nothing.
func (NoCapabilities) Suggest(context.Context, model.Keyword, int) ([]model.Suggestion, error) {
	return nil, nil
}

// Explain explains nothing.
func (NoCapabilities) Explain(context.Context, model.Search, uint) (*model.Explanation, error) {
	return nil, nil
}

// Capabilities returns the zero value.
func (NoCapabilities) Capabilities() model.Capabilities { return model.Capabilities{} }
