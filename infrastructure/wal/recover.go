package wal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// recover reads the folder and makes the log ready for readers and writers.
func (l *Log) recover() error {
	if err := l.openPosition(); err != nil {
		return err
	}
	if err := l.openSegments(); err != nil {
		return err
	}
	if err := l.findEnds(); err != nil {
		return err
	}
	l.next = l.findMissing()
	l.durable = l.next - 1
	if n := len(l.segments); n > 0 {
		if err := l.goOn(l.segments[n-1]); err != nil {
			return err
		}
		// The process before may have written these records without a sync. Readers
		// see them from now on, so they must be durable.
		for _, s := range l.segments {
			if err := s.file.sync(); err != nil {
				return fmt.Errorf("sync %s: %w", s.name(), err)
			}
		}
		return nil
	}
	spare, err := l.makeSpare()
	if err != nil {
		return err
	}
	first, err := l.begin(spare, nil)
	if err != nil {
		return errors.Join(err, spare.Close())
	}
	l.segments = []*segment{first}
	return nil
}

// findMissing reports the records that should exist but don't. It returns the
// index of the next record.
func (l *Log) findMissing() (next uint64) {
	known := l.position.synced
	if l.position.generation == 0 && len(l.segments) > 0 { // the position is lost, and with it the released index
		l.position.released = l.segments[0].firstIndex - 1
	}
	next = l.position.released + 1
	for _, s := range l.segments {
		if s.firstIndex > next {
			l.missing(next, s.firstIndex-1)
		}
		next = max(next, s.last+1)
	}
	most := max(known, next)
	for _, file := range l.setAside {
		most += file.most
	}
	for _, file := range l.setAside { // report records without a valid checksum; never reuse their indexes
		if file.last <= most {
			known = max(known, file.last)
		}
	}
	if known >= next {
		l.missing(next, known)
		next = known + 1
	} else if len(l.setAside) > 0 && len(l.damages) == 0 {
		l.damages = append(l.damages, &DamageError{From: next, To: next - 1, Segment: l.setAside[0].name, Reason: errNoHeader.Error()})
	}
	return next
}

func (l *Log) missing(from, to uint64) {
	reason := "no file holds them"
	for _, file := range l.setAside {
		reason += ", or " + file.name + damagedSuffix + " does"
	}
	l.damages = append(l.damages, &DamageError{From: from, To: to, Reason: reason})
}

// openSegments opens all segments. It sets a file with a damaged header aside;
// findMissing reports the records of that file.
func (l *Log) openSegments() error {
	names, err := l.files.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		bare, damaged := strings.CutSuffix(name, damagedSuffix)
		number, ok := numberOf(bare)
		if !ok {
			continue
		}
		if damaged {
			l.highest = max(l.highest, number)
			continue
		}
		f, err := l.files.open(name, false)
		if err != nil {
			return err
		}
		b := make([]byte, headerSize)
		if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
			return errors.Join(fmt.Errorf("read %s: %w", name, err), f.Close())
		}
		h, err := decodeHeader(b)
		switch {
		case errors.Is(err, errNoHeader):
			text, err := readAll(f)
			if err != nil {
				return errors.Join(fmt.Errorf("read %s: %w", name, err), f.Close())
			}
			if err := errors.Join(f.Close(), l.files.rename(name, name+damagedSuffix)); err != nil {
				return err
			}
			l.setAside = append(l.setAside, aside{name, lastPlausible(text), uint64(len(text) / recordHeader)})
			l.highest = max(l.highest, number)
			continue
		case err != nil:
			return errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
		case h.number != number:
			// The machine crashed after this released file got its new header and
			// before its new name was durable.
			if err := errors.Join(f.Close(), l.files.remove(name)); err != nil {
				return err
			}
			continue
		}
		l.segments = append(l.segments, &segment{header: h, file: f})
	}
	slices.SortFunc(l.segments, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	return nil
}

// aside describes a file that was set aside: its name, the highest index that it
// seems to hold, and an upper bound for its number of records.
type aside struct {
	name       string
	last, most uint64
}

// lastPlausible returns the highest index of a segment whose header is damaged.
// It follows the records without checking them, because the salt is unknown.
func lastPlausible(text []byte) (last uint64) {
	for at := int64(headerSize); at+recordHeader <= int64(len(text)); {
		size, index := int64(binary.BigEndian.Uint32(text[at:])), binary.BigEndian.Uint64(text[at+8:])
		if size == 0 || at+recordHeader+size > int64(len(text)) || last > 0 && index != last+1 {
			break
		}
		last, at = index, at+recordHeader+size
	}
	return last
}

// findEnds finds the last record of each segment: from the header of the segment
// after it, or by a search if that segment is missing.
func (l *Log) findEnds() error {
	for i, s := range l.segments {
		if i+1 < len(l.segments) && l.segments[i+1].number == s.number+1 {
			s.end, s.last = l.segments[i+1].before, l.segments[i+1].firstIndex-1
			continue
		}
		known := l.position.synced
		if i+1 < len(l.segments) {
			known = l.segments[i+1].firstIndex - 1 // all earlier records were on disk
		}
		if err := l.searchEnd(s, known); err != nil {
			return fmt.Errorf("read %s: %w", s.name(), err)
		}
	}
	return nil
}

// found is a valid record in a segment.
type found struct {
	index, synced uint64
	start, end    int64
}

// searchEnd reads a segment whose end isn't recorded anywhere. An incomplete
// record after the last one known to be on disk is a torn tail of a crash: it is
// cut off. An unreadable record before that is damage, even if nothing readable
// follows.
func (l *Log) searchEnd(s *segment, known uint64) error {
	text, err := readAll(s.file)
	if err != nil {
		return err
	}
	records := search(text, s.header, s.firstIndex)
	for _, r := range records {
		known = max(known, r.synced)
	}
	s.end, s.last = headerSize, s.firstIndex-1
	for _, r := range records {
		if r.index > s.last+1 {
			if s.last+1 > known {
				break // the tail is torn here
			}
			s.damaged = true // the reader reports the missing records
		}
		s.end, s.last = r.end, r.index
	}
	return nil
}

func readAll(f file) ([]byte, error) {
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	return readAt(f, 0, size)
}

// search returns the valid records of a segment in order.
func search(text []byte, h header, next uint64) (records []found) {
	for at := int64(headerSize); at < int64(len(text)); {
		r, length, ok := decodeRecord(text[at:], h.salt)
		if ok && r.index >= next {
			records = append(records, found{r.index, r.synced, at, at + int64(length)})
			at, next = at+int64(length), r.index+1
			continue
		}
		if at = resync(text, at+1, h.salt, next); at < 0 {
			break
		}
	}
	return records
}

// farthest bounds the gap in indexes that resync accepts after damage.
const farthest = 1 << 32

// resync returns the offset of the next valid record whose index is at least
// next, or -1. It checks the index first: computing a checksum at every byte,
// over whatever length stands there, would take far too long.
func resync(text []byte, at int64, salt, next uint64) int64 {
	for ; at+recordHeader < int64(len(text)); at++ {
		index := binary.BigEndian.Uint64(text[at+8:])
		if index < next || index-next > farthest || binary.BigEndian.Uint64(text[at+16:]) >= index {
			continue
		}
		if _, _, ok := decodeRecord(text[at:], salt); ok {
			return at
		}
	}
	return -1
}

// goOn prepares the last segment for appends. It overwrites a torn tail, so that
// a torn record can't become valid again behind a new one.
func (l *Log) goOn(s *segment) error {
	if s.damaged || l.next != s.last+1 {
		s.broken = true // the next record starts a new segment
		return nil
	}
	text, err := readAll(s.file)
	if err != nil {
		return err
	}
	if int64(len(text)) != l.options.Segment {
		s.broken = true // the size was changed, or the file was cut off
		return nil
	}
	// Write the whole segment again: a failed sync may have left pages marked as
	// clean that are not on disk.
	clear(text[s.end:])
	_, err = s.file.WriteAt(text, 0)
	return err
}
