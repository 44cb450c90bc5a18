package indexer

import (
	"context"
	"slices"
	"sync"
)

// queue holds the ids of books that an index has still to read from the catalogue, without
// repeats: those in a hurry first, then the oldest. One goroutine takes, and settles or puts back;
// the other methods may be called concurrently.
type queue struct {
	mu      sync.Mutex
	ids     []uint
	waiting map[uint]struct{} // the same ids
	more    chan struct{}     // has an element while ids may be waiting
	taken   []uint            // and not settled
	// progress is closed, and made anew, when ids are settled.
	progress chan struct{}
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
		}
	}
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// hurry moves ids to the front, if they are waiting.
func (q *queue) hurry(ids []uint) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var first []uint
	for _, id := range ids {
		if _, waits := q.waiting[id]; waits {
			first = append(first, id)
		}
	}
	if len(first) == 0 || len(first) == len(q.ids) {
		return // the order is right
	}
	rest := slices.DeleteFunc(slices.Clone(q.ids), func(id uint) bool { return slices.Contains(first, id) })
	q.ids = append(first, rest...)
}

// take returns up to limit ids. Those that are added from now on are taken again.
func (q *queue) take(limit int) []uint {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(limit, len(q.ids))
	q.taken = q.ids[:n:n]
	q.ids = q.ids[n:]
	for _, id := range q.taken {
		delete(q.waiting, id)
	}
	return q.taken
}

// settle says that the ids that were taken are in the index.
func (q *queue) settle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = nil
	close(q.progress)
	q.progress = make(chan struct{})
}

// putBack adds the ids that were taken again: they couldn't be indexed.
func (q *queue) putBack() {
	q.mu.Lock()
	taken := q.taken
	q.mu.Unlock()
	q.add(taken...)
	q.settle()
}

// left is the number of ids that aren't in the index yet.
func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ids) + len(q.taken)
}

// wait waits until the given ids are in the index, or ctx ends.
func (q *queue) wait(ctx context.Context, ids []uint) {
	for {
		q.mu.Lock()
		lacking := slices.ContainsFunc(ids, func(id uint) bool {
			_, waits := q.waiting[id]
			return waits || slices.Contains(q.taken, id)
		})
		progress := q.progress
		q.mu.Unlock()
		if !lacking {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-progress:
		}
	}
}
