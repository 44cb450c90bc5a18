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

// spareState is the state of the file that becomes the next segment.
type spareState struct {
	file file // nil if there is none
	err  error
	// wanted means that housekeep makes a spare, or that the committer holds it.
	wanted bool
}

// rotate turns the spare file into a new segment.
func (l *Log) rotate() error {
	freeing := l.free() // retry segments that an earlier error kept
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
		// A file may remain whose header says where this segment ends, so nothing
		// may follow there.
		before.broken = true
	}
	l.spare = spareState{}
	l.mu.Unlock()
	return err
}

// begin turns the spare file into the segment after the one before, which is nil
// for the first. It syncs the header before it gives the file its name.
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

// numberAfter returns the number of the segment after the one before, which is
// nil for the first. It never reuses the number of a file that was set aside.
// It skips a number if records are missing in between, so the two segments
// don't count as neighbours.
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

// takeSpare returns the spare file. If housekeep is making it, takeSpare waits.
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
	// The file keeps its name until begin renames it, so no other file may get
	// that name before.
	l.spare = spareState{wanted: true}
	return spare, nil
}

// wantSpare asks housekeep for a spare file if there is none.
func (l *Log) wantSpare() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spare.file == nil && !l.spare.wanted {
		l.spare.wanted = true
		notify(l.prepare)
	}
}

// noteEvery bounds how long a record is on disk before the position covers it.
// Until then, the log doesn't notice if the record's file disappears.
const noteEvery = time.Second

// housekeep makes spare files and stores the position regularly.
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

// makeSpare writes a file of zeros. Later writes to it change no metadata and
// need no space.
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

// recycle turns a segment into the spare file if there is none; otherwise it
// removes the segment. It keeps a damaged segment for people to examine. A file that
// somebody has deleted needs neither.
func (l *Log) recycle(s *segment) error {
	err := l.putAway(s)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (l *Log) putAway(s *segment) error {
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
