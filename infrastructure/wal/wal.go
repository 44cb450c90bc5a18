// Package wal is a write-ahead log: what Append has taken is on disk, and is
// read back in its order after a crash of the process or of the machine, until
// it is released. Many appends share one sync. The log knows nothing of what
// its records say, and nobody but it writes to its folder.
//
// What a sync has failed for is never synced again: its pages may be marked
// clean although they were not written. The file is left, and the log goes on
// in the next one. Damage, which checksums find, is reported with the indexes
// that it costs, and never passed on.
package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// DefaultSegment is the size of a segment, in bytes.
	DefaultSegment = 32 << 20
	lockName       = "lock"
	spareName      = "spare"
	damagedSuffix  = ".damaged"
)

var (
	// ErrFull: the bound is reached, or the disk has no space.
	ErrFull = errors.New("the log is full")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("the log is closed")
	// ErrInUse: another process has the log's folder.
	ErrInUse = errors.New("another process uses the folder")
	// ErrTooLarge: a record doesn't fit into a segment.
	ErrTooLarge = errors.New("the record is larger than a segment")
)

// DamageError tells which records can't be read.
type DamageError struct {
	// From and To are the first and the last index that are missing.
	From, To uint64
	// Segment is the file's name, empty if it is missing altogether.
	Segment string
	Reason  string
	// Told: it is among those that Open has found.
	Told bool
}

func (e *DamageError) Error() string {
	where := e.Segment
	if where == "" {
		where = "a missing segment"
	}
	return fmt.Sprintf("records %d to %d can't be read: %s: %s", e.From, e.To, where, e.Reason)
}

// Options are how a log is kept. The zero value is what most want.
type Options struct {
	// Segment is the size of a file, in bytes; 0 = DefaultSegment. It bounds
	// a record.
	Segment int64
	// Max bounds all files together, in bytes; 0 = without bound. It holds at
	// least three segments.
	Max int64
	// Unsynced leaves the syncing to the operating system: a crash of the
	// process loses nothing, one of the machine does.
	Unsynced bool
	// Reserve refuses a third and further segments when it returns an error, as
	// where too little of the disk is free. The first two are always made.
	Reserve func() error
	// Synced is told of each sync of records: how long it took, and how many
	// share it. It is called by one goroutine and must not block.
	Synced func(took time.Duration, records int)

	files fileSystem // of a test
}

// Log is open for one process. Its methods may be called concurrently.
type Log struct {
	files   fileSystem
	options Options
	lock    *flock.Flock

	mu       sync.Mutex
	pending  []*entry
	segments []*segment // oldest first; the last is written to
	spare    spareState
	position position
	closed   bool
	changed  chan struct{} // closed, and made anew, when there is more to read
	durable  uint64        // highest index that may be read

	wake    chan struct{} // the committer has work
	prepare chan struct{} // the preparer has work
	ready   *sync.Cond    // with mu: the spare's state has changed
	closing chan struct{}
	working sync.WaitGroup

	// of the committer alone
	next   uint64 // index of the next record
	buffer []byte
	// crowd is about how many writers there are, grouped how many records the
	// last group had.
	crowd, grouped int

	damages  []*DamageError
	setAside []aside
}

// segment is one file of records.
type segment struct {
	header
	file file
	// end is behind the last record.
	end int64
	// last is the index of the last record; firstIndex-1 if there is none.
	last uint64
	// broken: a write or a sync has failed, nothing more is written.
	broken  bool
	damaged bool
}

type entry struct {
	parts [][]byte
	size  int64
	index uint64
	done  chan error
}

// spareState is how far the next segment is.
type spareState struct {
	file file // nil if there is none
	err  error
	// wanted: the preparer is at it, or the committer has it in hand.
	wanted bool
}

// Open opens the log in dir, which is made if it is missing, and recovers what
// a crash has left.
func Open(dir string, options Options) (*Log, error) {
	if options.Segment == 0 {
		options.Segment = DefaultSegment
	}
	if options.Max > 0 && options.Max < 3*options.Segment {
		return nil, fmt.Errorf("open log %s: %d bytes don't hold three segments of %d", dir, options.Max, options.Segment)
	}
	l := &Log{
		files: options.files, options: options,
		changed: make(chan struct{}), wake: make(chan struct{}, 1), prepare: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	l.ready = sync.NewCond(&l.mu)
	if l.files == nil {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open log: %w", err)
		}
		l.files = folder(dir)
		l.lock = flock.New(filepath.Join(dir, lockName))
		held, err := l.lock.TryLock()
		if err == nil && !held {
			err = ErrInUse
		}
		if err != nil {
			return nil, fmt.Errorf("open log %s: %w", dir, err)
		}
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log %s: %w", dir, err), l.release())
	}
	l.working.Go(l.commitGroups)
	l.working.Go(l.prepareSpares)
	l.wantSpare()
	return l, nil
}

// Damages returns the records that Open didn't find in any file. What can't be
// read in a file is told by the reader when it comes there.
func (l *Log) Damages() []*DamageError { return l.damages }

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
	e := entries.Get().(*entry)
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
	l.mu.Unlock()
	notify(l.wake)
	return Pending{e}, nil
}

// entries are used again: there is one for each append.
var entries = sync.Pool{New: func() any { return &entry{done: make(chan error, 1)} }}

// Pending is a record on its way to the disk.
type Pending struct{ entry *entry }

// Wait is called once. It returns the record's index when it is on disk.
func (p Pending) Wait() (index uint64, err error) {
	e := p.entry
	if err = <-e.done; err == nil {
		index = e.index
	}
	clear(e.parts)
	entries.Put(e)
	return index, err
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// commitGroups writes what has gathered while the group before was written.
func (l *Log) commitGroups() {
	for {
		select {
		case <-l.wake:
		case <-l.closing:
			l.commitPending() // what came before the door was shut
			return
		}
		// Those that were answered just now come back with their next record.
		runtime.Gosched()
		l.gather()
		l.commitPending()
		l.mu.Lock()
		l.crowd = max(l.crowd-1-l.crowd/8, l.grouped+len(l.pending))
		l.mu.Unlock()
	}
}

// gatherPause is about what a sync takes on a good disk.
const gatherPause = 100 * time.Microsecond

// few writers don't make groups by themselves that are worth a sync.
const few = 16

// gather waits for a moment where fewer records have come than there were
// writers around a moment ago: one sync for all of them costs less than one for
// each half. (PostgreSQL knows this as commit_delay and commit_siblings.)
func (l *Log) gather() {
	l.mu.Lock()
	waiting := len(l.pending)
	l.mu.Unlock()
	if !l.options.Unsynced && l.crowd <= few && 4*waiting < 3*l.crowd {
		nap(gatherPause)
	}
}

func (l *Log) commitPending() {
	l.mu.Lock()
	group := l.pending
	l.pending = nil
	l.mu.Unlock()
	l.grouped = len(group)
	for len(group) > 0 {
		current := l.current()
		n := l.fitting(current, group)
		if n == 0 {
			if err := l.rotate(); err != nil {
				settle(group, err)
				return
			}
			continue
		}
		settle(group[:n], l.write(current, group[:n]))
		group = group[n:]
	}
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

// rotate begins a new segment with the spare file.
func (l *Log) rotate() error {
	freeing := l.free() // what was kept because of an earlier error may go now
	spare, err := l.takeSpare()
	if err != nil {
		return errors.Join(err, freeing)
	}
	before := l.current()
	s, err := l.begin(spare, before)
	if err != nil {
		err = errors.Join(fmt.Errorf("begin a segment: %w", err), spare.Close())
		for _, name := range []string{spareName, header{number: before.number + 1}.name()} {
			if gone := l.files.remove(name); gone != nil && !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	l.mu.Lock()
	if err == nil {
		l.segments = append(l.segments, s)
	} else {
		// A file may be left that tells where this one ends.
		before.broken = true
	}
	l.spare = spareState{}
	l.mu.Unlock()
	return err
}

// begin makes the segment after the one before, nil for the first, of the spare
// file: its header is on disk before it has its name.
func (l *Log) begin(spare file, before *segment) (*segment, error) {
	var salt [8]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	h := header{number: 1, firstIndex: l.next, salt: binary.BigEndian.Uint64(salt[:])}
	if before != nil {
		h.number, h.before = before.number+1, before.end
	}
	if _, err := spare.WriteAt(h.encode(), 0); err != nil {
		return nil, err
	}
	if err := spare.sync(); err != nil {
		return nil, err
	}
	if err := l.files.rename(spareName, h.name()); err != nil {
		return nil, err
	}
	if err := l.files.syncFolder(); err != nil {
		return nil, err
	}
	return &segment{header: h, file: spare, end: headerSize, last: h.firstIndex - 1}, nil
}

// takeSpare waits for the preparer, if that is at it.
func (l *Log) takeSpare() (file, error) {
	l.wantSpare()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.spare.file == nil && l.spare.wanted && !l.closed {
		l.ready.Wait()
	}
	if l.spare.file == nil {
		if l.spare.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFull, l.spare.err)
		}
		return nil, ErrClosed
	}
	spare := l.spare.file
	// It keeps its name until the segment is begun, so no other file may get it.
	l.spare = spareState{wanted: true}
	return spare, nil
}

// wantSpare asks for a spare file, if there is none.
func (l *Log) wantSpare() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spare.file == nil && !l.spare.wanted {
		l.spare.wanted = true
		notify(l.prepare)
	}
}

func (l *Log) prepareSpares() {
	for {
		select {
		case <-l.closing:
			return
		case <-l.prepare:
		}
		l.mu.Lock()
		needed := l.spare.file == nil
		count := len(l.segments)
		full := l.options.Max > 0 && int64(count+1)*l.options.Segment > l.options.Max
		l.mu.Unlock()
		if !needed {
			continue
		}
		spare, err := file(nil), error(nil)
		switch {
		case full:
			err = fmt.Errorf("its bound of %d bytes is reached", l.options.Max)
		case l.options.Reserve != nil && count > 1:
			err = l.options.Reserve()
		}
		if err == nil {
			spare, err = l.makeSpare()
		}
		l.mu.Lock()
		l.spare = spareState{file: spare, err: err}
		l.ready.Broadcast()
		l.mu.Unlock()
	}
}

// makeSpare writes a file of zeros, so that writing to it later changes no
// metadata and needs no space.
func (l *Log) makeSpare() (spare file, err error) {
	if err := l.files.remove(spareName); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	spare, err = l.files.open(spareName, true)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, min(l.options.Segment, 1<<20))
	for at := int64(0); at < l.options.Segment && err == nil; at += int64(len(zeros)) {
		_, err = spare.WriteAt(zeros[:min(int64(len(zeros)), l.options.Segment-at)], at)
	}
	if err == nil {
		err = spare.sync()
	}
	if err != nil {
		return nil, errors.Join(err, spare.Close(), l.files.remove(spareName))
	}
	return spare, nil
}

// Release says that no record up to index is needed any more. Files that hold
// none but such are used again; where that fails, the next call or the next
// segment tries again. It must not be called before a reader has passed them.
func (l *Log) Release(index uint64) error {
	l.mu.Lock()
	l.position.released = max(l.position.released, min(index, l.durable))
	l.mu.Unlock()
	return l.free()
}

// free notes what was released and uses segments again that hold nothing that
// is needed.
func (l *Log) free() error {
	l.mu.Lock()
	var free, kept []*segment
	for i, s := range l.segments {
		released := len(kept) == 0 && s.last <= l.position.released
		failed := s.broken && s.last < s.firstIndex // nothing was ever written to it
		if i < len(l.segments)-1 && (released || failed) {
			free = append(free, s)
		} else {
			kept = append(kept, s)
		}
	}
	if len(free) == 0 && l.position.released == l.position.saved {
		l.mu.Unlock()
		return nil
	}
	err := l.savePosition(len(free) > 0)
	if err == nil {
		l.segments = kept
	}
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("note what was released: %w", err)
	}
	if len(free) == 0 {
		return nil
	}
	var errs []error
	for _, s := range free {
		errs = append(errs, l.recycle(s))
	}
	l.mu.Lock()
	failed := l.spare.err != nil
	l.mu.Unlock()
	if failed {
		l.wantSpare() // there may be space now
	}
	return errors.Join(errs...)
}

// recycle makes a spare of a segment if there is none, else removes it. What is
// damaged is kept for a person to look at.
func (l *Log) recycle(s *segment) error {
	if s.damaged {
		return errors.Join(s.file.Close(), l.files.rename(s.name(), s.name()+damagedSuffix))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spare.file != nil || l.spare.wanted || s.broken || l.closed {
		return errors.Join(s.file.Close(), l.files.remove(s.name()))
	}
	if err := l.files.rename(s.name(), spareName); err != nil {
		return errors.Join(err, s.file.Close())
	}
	l.spare = spareState{file: s.file}
	l.ready.Broadcast()
	return nil
}

// Stats is what a log holds.
type Stats struct {
	// Waiting counts the records that are not released, Bytes is about the size
	// of them, Files the size of the files that hold them.
	Waiting      uint64
	Bytes, Files int64
	// Last is the highest index that is on disk, Released the highest that is
	// not needed.
	Last, Released uint64
}

// Stats tells what there is at the moment.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{
		Waiting: l.durable - min(l.position.released, l.durable), Files: int64(len(l.segments)) * l.options.Segment,
		Last: l.durable, Released: l.position.released,
	}
	for _, segment := range l.segments {
		s.Bytes += segment.waiting(s.Released)
	}
	return s
}

// waiting is about the size of the records above an index.
func (s *segment) waiting(released uint64) int64 {
	if s.last < s.firstIndex || released >= s.last {
		return 0
	}
	all := s.last - s.firstIndex + 1
	open := min(all, s.last-released)
	return int64(float64(s.end-headerSize) * float64(open) / float64(all))
}

// Close makes durable what was taken and ends readers. Appends that come later
// get ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.ready.Broadcast()
	l.mu.Unlock()
	close(l.closing)
	l.working.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	if l.options.Unsynced {
		for _, s := range l.segments {
			errs = append(errs, s.file.sync())
		}
	}
	errs = append(errs, l.savePosition(true))
	close(l.changed)
	return errors.Join(append(errs, l.release())...)
}

// release closes files and gives the folder back.
func (l *Log) release() error {
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	if l.spare.file != nil {
		errs = append(errs, l.spare.file.Close())
	}
	if l.position.file != nil {
		errs = append(errs, l.position.file.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}
