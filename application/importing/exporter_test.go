package importing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/model"
)

// pages are what ExportBooks returns, by the id that they come after.
type pages map[uint][]*model.ImportRow

func (p pages) ExportBooks(_ context.Context, after uint) ([]*model.ImportRow, error) {
	if p[after] == nil && after > 100 {
		return nil, errors.New("the catalogue is gone")
	}
	return p[after], nil
}

// collected is an output that keeps the ids of books, up to a limit.
type collected struct {
	ids   []uint
	limit int
}

func (c *collected) Write(fill func(add func(*model.ImportRow) error) error) error {
	return fill(func(row *model.ImportRow) error {
		if len(c.ids) == c.limit {
			return errors.New("disk full")
		}
		c.ids = append(c.ids, row.Book.ID)
		return nil
	})
}

func exported(ids ...uint) (rows []*model.ImportRow) {
	for _, id := range ids {
		rows = append(rows, &model.ImportRow{Book: model.Book{ID: id}})
	}
	return rows
}

func TestExportWritesEveryBook(t *testing.T) {
	books := pages{0: exported(1, 2), 2: exported(5), 5: exported(7, 9)}
	out := collected{limit: 100}
	n, err := importing.NewExporter(books).Export(t.Context(), &out)
	require.NoError(t, err)
	assert.Equal(t, 5, n)
	assert.Equal(t, []uint{1, 2, 5, 7, 9}, out.ids)

	full := collected{limit: 3}
	_, err = importing.NewExporter(books).Export(t.Context(), &full)
	assert.ErrorContains(t, err, "write book 7: disk full")

	broken := pages{0: exported(1, 200)}
	_, err = importing.NewExporter(broken).Export(t.Context(), &collected{limit: 100})
	assert.ErrorContains(t, err, "the catalogue is gone")
}
