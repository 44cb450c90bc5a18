package wal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The same where what was released could not be noted once.
func TestFailedReleaseOfAFullLogFillsItForGood(t *testing.T) {
	d := newDisk()
	l, err := Open("", Options{Segment: small, Max: 3 * small, files: d})
	require.NoError(t, err)
	defer l.Close()
	n := uint64(0)
	for {
		if _, err := l.Append(data(n+1, 1000)); err != nil {
			require.ErrorIs(t, err, ErrFull)
			break
		}
		n++
	}
	readSome(t, l.NewReader(), int(n))
	d.mu.Lock()
	d.failWrite = func(name string) error {
		if name == positionName {
			return errNoSpace
		}
		return nil
	}
	d.mu.Unlock()
	require.Error(t, l.Release(n))
	d.mu.Lock()
	d.failWrite = nil
	d.mu.Unlock()
	assert.NoError(t, l.Release(n), "who releases may try again")
	for range 5 {
		_, err = l.Append(data(n+1, 1000))
	}
	assert.NoError(t, err, "nothing waits, the disk works, and no record is ever taken again")
}
