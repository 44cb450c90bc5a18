package databasetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func testRefusedChange(t *testing.T, db Catalogue) {
	id, err := db.CreateBook(t.Context(), &model.Book{Title: "Kept", Subjects: []string{"a"}})
	require.NoError(t, err)
	refused := errors.New("refused")
	stored, err := db.ChangeBook(t.Context(), id, func(b *model.Book) (*model.Book, error) {
		b.Title, b.Subjects[0] = "Changed", "b"
		return b, refused
	})
	assert.Nil(t, stored)
	assert.Equal(t, refused, err)
	kept, err := db.GetBook(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "Kept", kept.Title)
	assert.Equal(t, []string{"a"}, kept.Subjects)
}

const (
	writers = 6
	rounds  = 5
)

// atOnce runs write on handles of their own, and returns the errors.
func atOnce(t *testing.T, open func() Catalogue, write func(db Catalogue, writer int) error) []error {
	handles, failed := make([]Catalogue, writers), make([]error, writers)
	for i := range handles {
		handles[i] = open()
	}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i, db := range handles {
		wg.Go(func() {
			<-begin
			failed[i] = write(db, i)
		})
	}
	close(begin)
	wg.Wait()
	return failed
}

func testConditionalChangesAtOnce(t *testing.T, open func() Catalogue) {
	db := open()
	id, err := db.CreateBook(t.Context(), &model.Book{Title: "Contested", ISBN: "9780306406157"})
	require.NoError(t, err)
	for round := range rounds {
		condition := model.Errorf(model.PreconditionFailed, "", "another edition")
		before, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		failed := atOnce(t, open, func(db Catalogue, writer int) error {
			_, err := db.ChangeBook(t.Context(), id, func(b *model.Book) (*model.Book, error) {
				if b.Edition != before.Edition {
					return nil, condition
				}
				return &model.Book{Title: b.Title, ISBN: b.ISBN, Edition: fmt.Sprint(round, writer)}, nil
			})
			return err
		})
		after, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		for writer, err := range failed {
			if err == nil {
				assert.Equal(t, fmt.Sprint(round, writer), after.Edition, "a change succeeded and was lost")
			} else {
				assert.Equal(t, condition, err)
			}
		}
		assert.NotEqual(t, before.Edition, after.Edition, "one succeeds")
	}
	failed := atOnce(t, open, func(db Catalogue, _ int) error {
		_, err := db.ChangeBook(t.Context(), id, func(*model.Book) (*model.Book, error) { return nil, nil })
		return err
	})
	var deleted int
	for _, err := range failed {
		if err == nil {
			deleted++
		} else {
			assert.Equal(t, model.NotFound, model.ErrorCode(err))
		}
	}
	assert.Equal(t, 1, deleted)
}

func testChangesOfDifferentFieldsAtOnce(t *testing.T, open func() Catalogue) {
	db := open()
	id, err := db.CreateBook(t.Context(), &model.Book{Title: "Shared"})
	require.NoError(t, err)
	fields := []func(*model.Book) *string{
		func(b *model.Book) *string { return &b.Author }, func(b *model.Book) *string { return &b.Description },
		func(b *model.Book) *string { return &b.Publisher }, func(b *model.Book) *string { return &b.Series },
		func(b *model.Book) *string { return &b.Edition }, func(b *model.Book) *string { return &b.Title },
	}
	require.Len(t, fields, writers)
	for round := range rounds {
		for _, err := range atOnce(t, open, func(db Catalogue, writer int) error {
			_, err := db.ChangeBook(t.Context(), id, func(b *model.Book) (*model.Book, error) {
				*fields[writer](b) = fmt.Sprint("round ", round)
				return b, nil
			})
			return err
		}) {
			require.NoError(t, err)
		}
		after, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		for i, field := range fields {
			assert.Equal(t, fmt.Sprint("round ", round), *field(after), "field %d", i)
		}
	}
}
