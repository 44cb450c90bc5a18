package wal

import (
	"fmt"
	"runtime"
	"time"
)

// entry is a record that waits. It is used again.
type entry struct {
	parts [][]byte
	size  int64
	index uint64
	done  chan error
}

// Append writes a record, given in parts, and returns its index once it is on
// disk. It may not be empty. On an error the record may still be found after a
// crash, but not before. The parts must not be changed until it returns.
func (l *Log) Append(parts ...[]byte) (index uint64, err error) {
	pending, err := l.Start(parts...)
	if err != nil {
		return 0, err
	}
	return pending.Wait()
}

// Start is the first half of Append: records have the order in which they were
// started. Pending.Wait is the other.
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

// Pending is a record on its way to the disk.
type Pending struct {
	log   *Log
	entry *entry
}

// Wait is called once. It returns the record's index when it is on disk.
func (p Pending) Wait() (index uint64, err error) {
	e := p.entry
	if err = <-e.done; err == nil {
		index = e.index
	}
	clear(e.parts)
	p.log.entries.Put(e)
	return index, err
}

// commitGroups writes what has gathered while the group before was written.
func (l *Log) commitGroups() {
	siblings := siblings{patience: time.NewTimer(0)}
	defer siblings.patience.Stop()
	for {
		select {
		case <-l.wake:
		case <-l.closing:
			l.commitPending() // what came before the door was shut
			return
		}
		// Those that were answered just now come back with their next record.
		runtime.Gosched()
		if !l.options.Unsynced {
			siblings.await(l)
		}
		if around := l.commitPending(); around > 0 { // or it was woken for what is on disk already
			siblings.expected = around
		}
	}
}

// siblings are writers that share a group, each of which comes back with a
// record when the one before is on disk: one sync for all of them costs less
// than one for each half. (PostgreSQL knows this as commit_delay and
// commit_siblings.)
type siblings struct {
	// expected is how many there were around the last group.
	expected int
	patience *time.Timer
	// skip counts groups that are not waited for, skipped how many that were at
	// the start: those who come at random are no siblings.
	skip, skipped int
}

const (
	// fewSiblings don't make groups by themselves that are worth a sync.
	fewSiblings = 16
	// siblingPause is about twice what a sync takes on a good disk. Where nothing
	// else happens Go's timers make a millisecond of it.
	siblingPause = 200 * time.Microsecond
	// mostSkipped bounds the groups that are not waited for.
	mostSkipped = 63
)

// await waits until as many records are pending as are expected, or for a
// moment. The more often that was in vain, the more rarely it is tried.
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
	s.patience.Reset(siblingPause)
	for late := false; waits; {
		select {
		case <-l.wake:
		case <-s.patience.C:
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

// commitPending writes what is pending, and returns how many records that were
// and came meanwhile.
func (l *Log) commitPending() (around int) {
	l.mu.Lock()
	group := l.pending
	l.pending = nil
	l.mu.Unlock()
	around = len(group)
	for len(group) > 0 {
		current := l.current()
		n := l.fitting(current, group)
		if n == 0 {
			if err := l.rotate(); err != nil {
				settle(group, err)
				break
			}
			continue
		}
		settle(group[:n], l.write(current, group[:n]))
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

// fitting returns how many records of the group the segment has space for.
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

// write makes the group durable.
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
	if half { // by now one could have been released, which would cost nothing
		l.wantSpare()
	}
	return nil
}

// publish lets readers see what was written. mu is held.
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
