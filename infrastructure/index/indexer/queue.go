package indexer

import (
	"context"
	"sync"
)

// queue holds the ids of books that an index has still to read from the catalogue, without
// repeats, the oldest first. One goroutine may take; the other methods may be called
// concurrently.
type queue struct {
	mu      sync.Mutex
	ids     []uint
	waiting map[uint]struct{} // the same ids
	more    chan struct{}     // has an element while ids may be waiting
	// added counts the ids that were ever added, settled those of them that are in the index.
	added, settled uint64
	progress       chan struct{} // closed, and made anew, when settled grows
}

func newQueue() *queue {
	return &queue{waiting: map[uint]struct{}{}, more: make(chan struct{}, 1), progress: make(chan struct{})}
}

func (q *queue) add(ids ...uint) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		if _, known := q.waiting[id]; !known {
			q.waiting[id] = struct{}{}
			q.ids = append(q.ids, id)
			q.added++
		}
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take returns up to limit ids. Those that are added from now on are taken again.
func (q *queue) take(limit int) []uint {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(limit, len(q.ids))
	taken := q.ids[:n:n]
	q.ids = q.ids[n:]
	for _, id := range taken {
		delete(q.waiting, id)
	}
	return taken
}

// settle says that n ids that were taken are in the index.
func (q *queue) settle(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settled += uint64(n)
	close(q.progress)
	q.progress = make(chan struct{})
}

// putBack adds ids that were taken, and couldn't be indexed.
func (q *queue) putBack(ids []uint) {
	q.settle(len(ids)) // they count anew
	q.add(ids...)
}

// left is the number of ids that aren't in the index yet.
func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.added - q.settled)
}

// wait waits until all ids that were added before the call are in the index, or ctx ends.
func (q *queue) wait(ctx context.Context) {
	q.mu.Lock()
	added := q.added
	q.mu.Unlock()
	for {
		q.mu.Lock()
		settled, progress := q.settled, q.progress
		q.mu.Unlock()
		if settled >= added {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-progress:
		}
	}
}
