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
	// GetBooks returns the books with these ids, in their order. Books that don't exist are
	// left out.
	GetBooks(ctx context.Context, ids []uint) ([]*model.Book, error)
	// ChangeBook reads a book and stores the one that change returns in its place, in
	// one transaction: between the two, nobody else changes it. It returns the book as
	// stored. ID, CreatedAt, Popularity and AuthorAliases stay; the other fields must be
	// valid. If change returns nil, ChangeBook deletes the book and returns nil. If change
	// returns an error, ChangeBook changes nothing and returns that error. Otherwise its
	// errors are those of CreateBook and GetBook.
	//
	// change may modify its argument. It must have no other effects: after a collision
	// with another transaction, such as a deadlock, it is called again.
	ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error)
}
