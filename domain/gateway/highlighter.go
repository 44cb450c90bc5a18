package gateway

import "literank.com/event-books/domain/model"

// Highlighter shows why books were found.
type Highlighter interface {
	// Highlight marks the words of a keyword in each of the books, in their order.
	Highlight(k model.Keyword, books []*model.Book) []model.Highlights
}
