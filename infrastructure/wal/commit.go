package wal

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// entry is a pending record. Entries are pooled.
type entry struct {
	parts [][]byte
	size  int64
	index uint64
	done  chan error
}

// Append writes a record, given in parts, and returns its index once the record
// is on disk. An empty record is an error. The caller must not change the parts
// before Append returns. After an error, a record may still appear once the log
// is opened again after a crash; readers of this Log never see it.
func (l *Log) Append(parts ...[]byte) (index uint64, err error) {
	pending, err := l.Start(parts...)
	if err != nil {
		return 0, err
	}
	return pending.Wait()
}

// Start is the first half of Append; Pending.Wait is the second. The log keeps
// records in the order in which they were started.
func (l *Log) Start(parts ...[]byte) (Pending, error) {
	e := l.entries.Get().(*entry)
	e.parts, e.size = append(e.parts[:0], parts...), 0
	for _, part := range parts {
		e.size += int64(len(part))
	}
	if e.size == 0 || headerSize+recordHeader+e.size > l.options.Segment {
		return Pending{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, e.size)
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return Pending{}, ErrClosed
	}
	l.pending = append(l.pending, e)
	enough := len(l.pending) >= l.awaited
	l.mu.Unlock()
	if enough {
		notify(l.wake)
	}
	return Pending{l, e}, nil
}

func newEntry() any { return &entry{done: make(chan error, 1)} }

// Pending is a record that Start has taken and that may not be on disk yet.
type Pending struct {
	log   *Log
	entry *entry
}

// Wait returns the record's index once the record is on disk. Call it exactly
// once.
func (p Pending) Wait() (index uint64, err error) {
	e := p.entry
	if err = <-e.done; err == nil {
		index = e.index
	}
	clear(e.parts)
	p.log.entries.Put(e)
	return index, err
}

// commitGroups writes records in groups: each group holds the records that
// arrived while the group before was written.
func (l *Log) commitGroups() {
	siblings := siblings{timer: time.NewTimer(0)}
	defer siblings.timer.Stop()
	for {
		select {
		case <-l.wake:
		case <-l.closing:
			l.commitPending() // records that were started before Close
			return
		}
		// Let the writers of the group before start their next records.
		runtime.Gosched()
		if !l.options.Unsynced {
			siblings.await(l)
		}
		if around := l.commitPending(); around > 0 { // 0: the group before took the record that woke us
			siblings.expected = around
		}
	}
}

// siblings are concurrent writers that each append the next record as soon as
// the one before is on disk. When the log waits briefly for all of them, one
// sync covers the whole group instead of half of it. (PostgreSQL has the same
// idea in commit_delay and commit_siblings.)
type siblings struct {
	// expected is the number of writers seen around the last group.
	expected int
	timer    *time.Timer
	// skip counts down the groups that are committed without waiting; skipped is
	// the value from which it counts. Both exist because writers that arrive at
	// random are no siblings.
	skip, skipped int
}

const (
	// fewSiblings is the largest number of writers that the log waits for. More
	// writers form groups that are worth a sync without any wait.
	fewSiblings = 16
	// siblingPause bounds the wait. It is about twice the time of a sync on a good
	// disk. On an idle machine, Go's timers round it up to a millisecond.
	siblingPause = 200 * time.Microsecond
	// mostSkipped bounds the number of groups in a row that skip the wait.
	mostSkipped = 63
)

// await waits until the expected number of records is pending, at most for
// siblingPause. It waits less often after each fruitless wait, so writers that
// arrive at random rarely wait.
func (s *siblings) await(l *Log) {
	if s.expected > fewSiblings {
		return
	}
	if s.skip > 0 {
		s.skip--
		return
	}
	l.mu.Lock()
	pending := len(l.pending)
	waits := 0 < pending && pending < s.expected
	if waits {
		l.awaited = s.expected
	}
	l.mu.Unlock()
	if !waits {
		return
	}
	begun := time.Now()
	s.timer.Reset(siblingPause)
	for late := false; waits; {
		select {
		case <-l.wake:
		case <-s.timer.C:
			late = true
		}
		l.mu.Lock()
		if waits = len(l.pending) < s.expected && !late; !waits {
			l.awaited = 0
		}
		l.mu.Unlock()
	}
	if time.Since(begun) < siblingPause {
		s.skipped = 0
		return
	}
	s.skipped = min(2*s.skipped+1, mostSkipped)
	s.skip = s.skipped
}

// commitPending writes the pending records. It returns how many those were, plus
// the number that arrived during the write.
func (l *Log) commitPending() (around int) {
	l.mu.Lock()
	group := l.pending
	l.pending = nil
	l.mu.Unlock()
	around = len(group)
	deleted := 0
	// again reports whether somebody deleted the file, so that the records go to a new
	// one. The bound is for file systems that report each file as deleted.
	again := func(err error) bool {
		if !errors.Is(err, errDeleted) {
			return false
		}
		if deleted++; deleted == 1 && l.options.Deleted != nil {
			l.options.Deleted()
		}
		return deleted <= 3
	}
	for len(group) > 0 {
		current := l.current()
		n := l.fitting(current, group)
		if n == 0 {
			if err := l.rotate(); err != nil && !again(err) {
				settle(group, err)
				break
			}
			continue
		}
		err := l.write(current, group[:n])
		if err != nil && again(err) {
			continue
		}
		settle(group[:n], err)
		group = group[n:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return around + len(l.pending)
}

func settle(group []*entry, err error) {
	for _, e := range group {
		e.done <- err
	}
}

func (l *Log) current() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.segments[len(l.segments)-1]
}

// fitting returns how many records of the group fit into the rest of the segment.
func (l *Log) fitting(s *segment, group []*entry) (n int) {
	if s.broken {
		return 0
	}
	left := l.options.Segment - s.end
	for _, e := range group {
		if left -= recordHeader + e.size; left < 0 {
			break
		}
		n++
	}
	return n
}

// write appends the group to the segment and syncs it.
func (l *Log) write(s *segment, group []*entry) error {
	l.buffer = l.buffer[:0]
	synced := l.next - 1
	if l.options.Unsynced {
		synced = 0
	}
	for i, e := range group {
		e.index = l.next + uint64(i)
		l.buffer = appendRecord(l.buffer, s.salt, e.index, synced, e.parts...)
	}
	_, err := s.file.WriteAt(l.buffer, s.end)
	if err == nil && !l.options.Unsynced {
		begun := time.Now()
		err = s.file.sync()
		if l.options.Synced != nil && err == nil {
			l.options.Synced(time.Since(begun), len(group))
		}
	}
	written := int64(len(l.buffer))
	if cap(l.buffer) > 4<<20 {
		l.buffer = nil
	}
	if err != nil {
		l.mu.Lock()
		s.broken = true
		l.mu.Unlock()
		return fmt.Errorf("write to the log: %w", err)
	}
	l.next += uint64(len(group))
	l.mu.Lock()
	s.end += written
	s.last = l.next - 1
	l.publish()
	half := s.end > l.options.Segment/2
	l.mu.Unlock()
	if half { // not earlier: a released segment may become the spare for free
		l.wantSpare()
	}
	return nil
}

// publish makes the written records visible to readers. The caller holds mu.
func (l *Log) publish() {
	l.durable = l.next - 1
	close(l.changed)
	l.changed = make(chan struct{})
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
