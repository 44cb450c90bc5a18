package indexer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQueue(t *testing.T) {
	q := newQueue()
	q.add(1, 2, 3, 2)
	assert.Equal(t, 3, q.left())
	q.hurry([]uint{3, 9})
	assert.Equal(t, []uint{3, 1}, q.take(2))
	assert.Equal(t, 3, q.left(), "what is taken isn't indexed yet")
	q.add(1, 4)
	q.putBack()
	assert.Equal(t, []uint{2, 1, 4, 3}, q.take(10))
	q.settle()
	assert.Zero(t, q.left())
	assert.Empty(t, q.take(10))
}

func TestQueueWaits(t *testing.T) {
	q := newQueue()
	q.add(1, 2)
	q.take(1)
	waited := make(chan struct{})
	go func() {
		q.wait(t.Context(), []uint{1})
		close(waited)
	}()
	select {
	case <-waited:
		t.Fatal("the book isn't indexed yet")
	default:
	}
	q.settle()
	<-waited
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	q.wait(ended, []uint{2})
	q.wait(t.Context(), []uint{7}) // nobody asked for it
}
