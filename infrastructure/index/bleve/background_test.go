package bleve

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
