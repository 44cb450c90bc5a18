package wal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TryNext relies on Next looking at its context only when there is nothing to
// return. If Next checked the context first, no record would ever come back. A
// select between both would choose at random, hence the many records.
func TestTryNextReturnsWhatIsThere(t *testing.T) {
	const records = 200
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	r := l.NewReader()
	_, ok, err := r.TryNext()
	require.NoError(t, err)
	assert.False(t, ok, "the log is empty")

	appendSome(t, l, 1, records, 200)
	for want := uint64(1); want <= records; want++ {
		record, ok, err := r.TryNext()
		require.NoError(t, err)
		require.True(t, ok, "record %d is on disk", want)
		require.Equal(t, want, record.Index)
	}
	_, ok, err = r.TryNext()
	require.NoError(t, err)
	assert.False(t, ok, "all records are read")

	require.NoError(t, l.Close())
	_, ok, err = r.TryNext()
	assert.False(t, ok)
	assert.ErrorIs(t, err, ErrClosed, "an error comes back, too")
}

func TestTryNextReturnsDamage(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	appendSome(t, l, 1, 5, 100)
	l.notePosition()
	at := copyLog(t, dir)
	require.NoError(t, os.Remove(filepath.Join(at, l.current().name())))
	_, ok, err := openLog(t, at, Options{}).NewReader().TryNext()
	assert.False(t, ok)
	assert.ErrorAs(t, err, new(*DamageError))
}
