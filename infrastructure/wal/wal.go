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
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	// Segment is the file's name, empty if no file holds them.
	Segment string
	Reason  string
	// Told: it is among those that Open has found.
	Told bool
}

func (e *DamageError) Error() string {
	reason := e.Reason
	if e.Segment != "" {
		reason = e.Segment + ": " + reason
	}
	return fmt.Sprintf("records %d to %d can't be read: %s", e.From, e.To, reason)
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

	files     fileSystem    // of a test
	noteEvery time.Duration // of a test; 0 = noteEvery
}

// Log is open for one process. Its methods may be called concurrently.
type Log struct {
	files   fileSystem
	options Options
	lock    *flock.Flock
	entries sync.Pool

	mu      sync.Mutex
	pending []*entry
	// awaited is how many of them the committer waits for.
	awaited  int
	segments []*segment // oldest first; the last is written to
	spare    spareState
	position position
	closed   bool
	changed  chan struct{} // closed, and made anew, when there is more to read
	durable  uint64        // highest index that may be read

	wake    chan struct{} // the committer has work
	prepare chan struct{} // a spare is wanted
	ready   *sync.Cond    // with mu: the spare's state has changed
	closing chan struct{}
	working sync.WaitGroup

	// of the committer alone
	next   uint64 // index of the next record
	buffer []byte

	damages  []*DamageError
	setAside []aside
	highest  uint64 // number of a file that was set aside
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
		files: options.files, options: options, entries: sync.Pool{New: newEntry},
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
	l.working.Go(l.housekeep)
	l.wantSpare()
	return l, nil
}

// Damages returns the records that Open didn't find in any file. What can't be
// read in a file is told by the reader when it comes there.
func (l *Log) Damages() []*DamageError { return l.damages }

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

// Stats is what a log holds.
type Stats struct {
	// Waiting counts the records that are not released, Bytes is about the size
	// of them, Files the size of the files that hold them.
	Waiting      uint64
	Bytes, Files int64
	// Last is the highest index that is on disk, Released the highest that is
	// not needed.
	Last, Released uint64
	// Missing counts records that no file holds any more; Inspect alone tells it.
	Missing uint64
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
