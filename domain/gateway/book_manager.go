// Package gateway declares the program's outward ports: interfaces, in the
// domain's words, for the databases, indexes and files that the application
// needs. Rooms under infrastructure implement them.
//
// All methods may be called concurrently unless an interface says otherwise. If
// the system behind a port can't be reached, a method returns a model.Error of
// code UnavailableNow.
package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookManager stores the catalogue.
type BookManager interface {
	// CreateBook stores b under a new id, which it returns. b must be valid
	// (see Book.Validate); its ID and CreatedAt are ignored. If another book has
	// its ISBN, the error is a model.Error of code Conflict.
	CreateBook(ctx context.Context, b *model.Book) (uint, error)
	// GetBook returns a model.Error of code NotFound if no book has the id.
	GetBook(ctx context.Context, id uint) (*model.Book, error)
	// UpdateBook replaces every field of the book b.ID except CreatedAt. It
	// returns the errors of CreateBook and GetBook.
	UpdateBook(ctx context.Context, b *model.Book) error
	// DeleteBook returns a model.Error of code NotFound if no book has the id.
	DeleteBook(ctx context.Context, id uint) error
}
