// Package wal is a write-ahead log. When Append returns, the record is on disk;
// readers get it in order, after a crash of the process or the machine too,
// until it is released. Many appends share one sync. The package must not know
// what its records mean, and no other program may write to its folder.
//
// The log never syncs a file again after a failed sync, because the system may
// mark pages as clean that were not written. It leaves that file and continues
// in the next one. It detects damage by checksums, reports the indexes of the
// lost records, and never returns damaged data.
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
	// ErrFull means that the size limit is reached or that the disk has no space.
	ErrFull = errors.New("the log is full")
	// ErrClosed means that Close was called.
	ErrClosed = errors.New("the log is closed")
	// ErrInUse means that another process has the folder open.
	ErrInUse = errors.New("another process uses the folder")
	// ErrTooLarge means that a record is empty or doesn't fit into a segment.
	ErrTooLarge = errors.New("the record is empty or larger than a segment")
)

// DamageError reports records that can't be read.
type DamageError struct {
	// From and To are the first and the last missing index.
	From, To uint64
	// Segment is the file's name; it is empty if no file holds the records.
	Segment string
	Reason  string
	// Reported means that Damages reports these records too.
	Reported bool
}

func (e *DamageError) Error() string {
	reason := e.Reason
	if e.Segment != "" {
		reason = e.Segment + ": " + reason
	}
	return fmt.Sprintf("records %d to %d can't be read: %s", e.From, e.To, reason)
}

// Options configure a log. The zero value suits most callers.
type Options struct {
	// Segment is the size of a file in bytes; 0 means DefaultSegment. A record
	// must fit into one segment.
	Segment int64
	// Max limits the total size of the segments in bytes; 0 means no limit. It
	// must be at least three segments.
	Max int64
	// Unsynced leaves syncing to the operating system. A crash of the process
	// loses nothing; a crash of the machine may lose records.
	Unsynced bool
	// Reserve is called before a third or later segment is made. If it returns an
	// error, for example because the disk is nearly full, the segment isn't made.
	Reserve func() error
	// Synced is called after each sync of records, with the sync's duration and
	// the number of records it covered. One goroutine calls it. It must not block.
	Synced func(took time.Duration, records int)
	// Deleted is called when somebody has deleted the file that was written to, and the
	// records go to a new one. It must not block.
	Deleted func()

	files     fileSystem    // set by tests; nil = the folder
	noteEvery time.Duration // set by tests; 0 = the constant noteEvery
}

// Log is an open log. Its methods may be called concurrently.
type Log struct {
	files   fileSystem
	options Options
	lock    *flock.Flock
	entries sync.Pool

	mu      sync.Mutex
	pending []*entry
	// awaited is the number of pending records that the committer waits for.
	awaited  int
	segments []*segment // oldest first; appends go to the last
	spare    spareState
	position position
	closed   bool
	changed  chan struct{} // closed and replaced when there is more to read
	durable  uint64        // highest index that readers may see

	wake    chan struct{} // wakes the committer
	prepare chan struct{} // asks housekeep for a spare
	ready   *sync.Cond    // uses mu; signals a change of spare
	closing chan struct{}
	working sync.WaitGroup

	// used by the committer alone
	next   uint64 // index of the next record
	buffer []byte

	damages  []*DamageError
	setAside []aside
	highest  uint64 // highest number of a file that was set aside
}

// segment is one file of records.
type segment struct {
	header
	file file
	// end is the offset after the last record.
	end int64
	// last is the index of the last record, or firstIndex-1 if there is none.
	last uint64
	// broken means that a write or a sync failed; nothing more may be appended.
	broken  bool
	damaged bool
}

// Open opens the log in dir and recovers it after a crash. It makes the folder if
// it is missing. If another process has the log open, the error wraps ErrInUse.
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

// Damages returns the ranges of records that Open found in no file. Damage inside
// a file is found and reported by the reader.
func (l *Log) Damages() []*DamageError { return l.damages }

// Release marks all records up to index as no longer needed. Files that hold only
// released records are reused or removed; if that fails, the next call or the
// next rotation retries. Call it only with indexes that the reader has passed.
func (l *Log) Release(index uint64) error {
	l.mu.Lock()
	l.position.released = max(l.position.released, min(index, l.durable))
	l.mu.Unlock()
	return l.free()
}

// free stores the released index and recycles segments that hold no needed
// record.
func (l *Log) free() error {
	l.mu.Lock()
	var free, kept []*segment
	for i, s := range l.segments {
		released := len(kept) == 0 && s.last <= l.position.released
		failed := s.broken && s.last < s.firstIndex // no append to it succeeded
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
		return fmt.Errorf("store the released index: %w", err)
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
		l.wantSpare() // the released segments may have made space
	}
	return errors.Join(errs...)
}

// Stats describes the content of a log.
type Stats struct {
	// Waiting is the number of unreleased records, Bytes their approximate size,
	// and Files the size of the files that hold them.
	Waiting      uint64
	Bytes, Files int64
	// Last is the highest index on disk, Released the highest released index.
	Last, Released uint64
	// Missing is the number of records that no file holds. Only Inspect sets it.
	Missing uint64
}

// Stats returns the current state of the log.
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

// waiting returns the approximate size of the records above an index.
func (s *segment) waiting(released uint64) int64 {
	if s.last < s.firstIndex || released >= s.last {
		return 0
	}
	all := s.last - s.firstIndex + 1
	open := min(all, s.last-released)
	return int64(float64(s.end-headerSize) * float64(open) / float64(all))
}

// Close makes pending records durable and closes the log. Waiting readers and
// later appends get ErrClosed.
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

// release closes all files and unlocks the folder.
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
