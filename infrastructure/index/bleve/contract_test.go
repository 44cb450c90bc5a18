package bleve_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
	"literank.com/event-books/infrastructure/index/indextest"
)

func TestContract(t *testing.T) {
	indextest.Run(t, func(t *testing.T) indextest.Catalogue { return newShelf(t) }, indextest.Features{})
}

// shelf keeps books in memory, and an index of them.
type shelf struct {
	gateway.BookManager // the suite only calls the two methods below
	*bleve.Index
	books []*model.Book
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return &shelf{Index: open(t, filepath.Join(t.TempDir(), "index"))}
}

func open(t *testing.T, folder string) *bleve.Index {
	t.Helper()
	index, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	return index
}

func put(x *bleve.Index, books ...*model.Book) error { return x.Apply(books, nil, index.Position{}) }

func (s *shelf) CreateBook(_ context.Context, b *model.Book) (uint, error) {
	s.books = append(s.books, b)
	b.ID = uint(len(s.books))
	return b.ID, put(s.Index, b)
}

func (s *shelf) ChangeBook(_ context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	b, err := change(s.books[id-1])
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return nil, s.Apply(nil, []uint{id}, index.Position{})
	}
	b.ID = id
	s.books[id-1] = b
	return b, put(s.Index, b)
}
