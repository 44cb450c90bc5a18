// Package gateway names the ports that lead out of the program: what the
// application needs of the world, in the domain's words. Each is implemented
// in a room under infrastructure.
//
// All methods may be called concurrently. A failure to reach what lies behind
// a port is a model.Error of code UnavailableNow.
package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookManager keeps the catalogue.
type BookManager interface {
	// CreateBook stores b under a new id, which it returns. b is valid
	// (see Book.Validate); its ID and CreatedAt are not looked at. The error
	// is a model.Error of code Conflict if another book has its ISBN.
	CreateBook(ctx context.Context, b *model.Book) (uint, error)
	// GetBook returns a model.Error of code NotFound if there is no such book.
	GetBook(ctx context.Context, id uint) (*model.Book, error)
	// UpdateBook replaces all that is stored of the book b.ID but CreatedAt.
	// Its errors are those of CreateBook and GetBook.
	UpdateBook(ctx context.Context, b *model.Book) error
	// DeleteBook returns a model.Error of code NotFound if there is no such book.
	DeleteBook(ctx context.Context, id uint) error
}
