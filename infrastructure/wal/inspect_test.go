package wal

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Inspect may look at a log in use.
func TestInspectWhileSegmentsAreUsedAgain(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{Unsynced: true})
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
	fails, most := 0, uint64(0)
	var first error
	for range 3000 {
		stats, _, err := Inspect(dir)
		if err != nil {
			if fails++; first == nil {
				first = err
			}
		}
		most = max(most, stats.Waiting)
	}
	close(stop)
	<-done
	assert.Zero(t, fails, "of 3000: %v", first)
	assert.Less(t, most, uint64(200))
}
