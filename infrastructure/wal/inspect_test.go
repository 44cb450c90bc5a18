package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInspectLooksAtALogInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Open(dir, Options{Segment: 4096})
	require.NoError(t, err)
	defer l.Close()
	_, oldest, err := Inspect(dir)
	require.NoError(t, err)
	assert.Nil(t, oldest)
	for i := range 200 {
		_, err := l.Append([]byte{byte(i)}, make([]byte, 100))
		require.NoError(t, err)
	}
	r := l.NewReader()
	for range 50 {
		_, err := r.Next(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, l.Release(50))
	stats, oldest, err := Inspect(dir)
	require.NoError(t, err)
	assert.Equal(t, l.Stats(), stats)
	assert.EqualValues(t, 150, stats.Waiting)
	assert.InDelta(t, 150*(recordHeader+101), stats.Bytes, 2*(recordHeader+101))
	assert.EqualValues(t, 50, oldest[0], "the oldest unreleased record")
	_, err = l.Append([]byte("more"))
	assert.NoError(t, err)
}

func TestInspectWithoutPosition(t *testing.T) {
	dir := t.TempDir()
	appendSome(t, openLog(t, dir, Options{}), 1, 10, 10)
	at := copyLog(t, dir)
	require.NoError(t, os.Remove(filepath.Join(at, positionName)))
	stats, _, err := Inspect(at)
	require.NoError(t, err)
	assert.EqualValues(t, 10, stats.Waiting)

	// The released index is lost; the remaining records are still there.
	l := openLog(t, at, Options{})
	appendSome(t, l, 11, 60, 150)
	readSome(t, l.NewReader(), 60)
	require.NoError(t, l.Release(40))
	at = copyLog(t, at)
	require.NoError(t, os.Remove(filepath.Join(at, positionName)))
	stats, _, err = Inspect(at)
	require.NoError(t, err)
	assert.Zero(t, stats.Missing)
	assert.Less(t, stats.Waiting, uint64(60))
	again := openLog(t, at, Options{})
	assert.Empty(t, again.Damages())
	_, damages := readSome(t, again.NewReader(), int(stats.Waiting))
	assert.Empty(t, damages)

	_, _, err = Inspect(t.TempDir())
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestInspectSaysThatThereIsNoFolder(t *testing.T) {
	_, _, err := Inspect(filepath.Join(t.TempDir(), "none"))
	assert.True(t, errors.Is(err, fs.ErrNotExist), err)
}

// Inspect works on a log in use.
func TestInspectWhileSegmentsAreUsedAgain(t *testing.T) {
	t.Parallel()
	for _, unsynced := range []bool{true, false} {
		t.Run(fmt.Sprintf("unsynced %t", unsynced), func(t *testing.T) { inspectWhileInUse(t, unsynced) })
	}
}

func inspectWhileInUse(t *testing.T, unsynced bool) {
	dir := t.TempDir()
	l, err := Open(dir, Options{Segment: small, Unsynced: unsynced, noteEvery: 200 * time.Microsecond})
	require.NoError(t, err)
	defer l.Close()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := l.NewReader()
		for n := uint64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := l.Append(data(n, 1000)); err != nil {
				t.Error(err)
				return
			}
			record, _, err := r.TryNext()
			if err == nil && record.Index > 20 {
				_ = l.Release(record.Index - 20)
			}
		}
	}()
	fails, most, missing := 0, uint64(0), uint64(0)
	var first error
	for range 3000 {
		stats, _, err := Inspect(dir)
		if err != nil {
			if fails++; first == nil {
				first = err
			}
		}
		most, missing = max(most, stats.Waiting), max(missing, stats.Missing)
	}
	close(stop)
	<-done
	assert.Zero(t, fails, "of 3000: %v", first)
	assert.Less(t, most, uint64(200))
	assert.Zero(t, missing)
}
