package bleve

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
)

// A merge that fails and is tried again, or that the end of the program interrupts, is no death.
func TestMergeWithoutDeath(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "index")
	require.NoError(t, os.MkdirAll(folder, 0o700))
	b := newBackground(nil, folder, slog.New(slog.DiscardHandler))
	for range 3 {
		b.merging(true)
	}
	assert.Equal(t, 1, b.deaths.count(merging), "if the program dies now")
	b.mergeEnded()
	assert.Zero(t, b.deaths.count(merging))

	b.deaths.enter(merging) // another run died
	b.mergeEnded()
	assert.Equal(t, 1, b.deaths.count(merging))
}

// If Bleve panics while it opens an index, the callbacks forget the index: another one in the
// same folder gets its errors.
func TestForgottenAfterAPanic(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "index")
	b := newBackground(nil, folder, slog.New(slog.DiscardHandler))
	b.begin()
	require.Same(t, b, openIndexes.find(folder))
	b.end()
	b.end() // closing panicked
	assert.Nil(t, openIndexes.find(folder))
}

// After a panic of one of its goroutines, Bleve never answers.
func TestApplyEndsWithTheStore(t *testing.T) {
	x, err := Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	held := make(chan struct{})
	x.queue.Queue(func() { <-held }) // the only worker
	applied := make(chan error, 1)
	go func() { applied <- x.Apply([]*model.Book{{ID: 1, Title: "Late"}}, nil, index.Position{}) }()
	panicked := errors.New("panicked for a test")
	x.background.fail(panicked)
	require.ErrorIs(t, <-applied, panicked)
	close(held)
	require.NoError(t, x.Close())
}

// A question that panics again and again doesn't fail the index, many different ones do.
func TestQuestionsThatPanic(t *testing.T) {
	x, err := Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { _ = x.Close() }()
	ask := func(question string) (err error) {
		defer x.answered(question, &err)
		panic("a bug")
	}
	for range 100 {
		require.ErrorIs(t, ask("the same"), index.ErrQuestion)
	}
	require.NoError(t, x.Failed())
	for i := range manyQuestions {
		err = ask(strconv.Itoa(i))
	}
	require.ErrorIs(t, err, index.ErrDamaged)
	require.ErrorIs(t, x.Failed(), index.ErrDamaged)
}
