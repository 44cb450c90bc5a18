package wal

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
)

// spareState is how far the next segment is.
type spareState struct {
	file file // nil if there is none
	err  error
	// wanted: the preparer is at it, or the committer has it in hand.
	wanted bool
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
		for _, name := range []string{spareName, header{number: l.numberAfter(before)}.name()} {
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
	h := header{number: l.numberAfter(before), firstIndex: l.next, salt: binary.BigEndian.Uint64(salt[:])}
	if before != nil {
		h.before = before.end
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

// numberAfter is the number of the segment after the one before, nil for the
// first. Those of files that were set aside are not given again, and one is left
// out where records are missing in between: they don't follow each other then.
func (l *Log) numberAfter(before *segment) uint64 {
	if before == nil {
		return l.highest + 1
	}
	number := before.number + 1
	if l.next != before.last+1 {
		number++
	}
	return max(number, l.highest+1)
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

// noteEvery is how long records may be on disk without being missed if their
// file is gone.
const noteEvery = time.Second

// housekeep prepares spares, and notes the position.
func (l *Log) housekeep() {
	note := time.NewTicker(cmp.Or(l.options.noteEvery, noteEvery))
	defer note.Stop()
	for {
		select {
		case <-l.closing:
			return
		case <-note.C:
			l.notePosition()
			continue
		case <-l.prepare:
		}
		l.mu.Lock()
		count := len(l.segments)
		full := l.options.Max > 0 && int64(count+1)*l.options.Segment > l.options.Max
		l.mu.Unlock()
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
