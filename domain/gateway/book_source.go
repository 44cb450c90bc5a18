package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// BookSource is what copies of the catalogue are made from.
type BookSource interface {
	// GetBooks is that of BookManager.
	GetBooks(ctx context.Context, ids []uint) ([]*model.Book, error)
	// BookVersions returns up to limit books with ids above after, by id, without their
	// content.
	BookVersions(ctx context.Context, after uint, limit int) ([]model.BookVersion, error)
	// Generation is that of Outbox.
	Generation(ctx context.Context) (model.Generation, int64, error)
}
