package wal

import (
	"context"
	"io"
)

// readAhead is the number of bytes that one read asks for.
const readAhead = 256 << 10

// Record is one record of the log. The reader's caller owns Data.
type Record struct {
	Index uint64
	Data  []byte
}

// Reader reads records in order while writers append. It isn't safe for
// concurrent use. A log must have only one reader at a time, because Release
// frees what that reader has read.
type Reader struct {
	log     *Log
	next    uint64
	segment *segment
	offset  int64 // of the next record, in segment
	// ahead holds bytes read at offset and not yet decoded.
	ahead []byte
}

// NewReader returns a reader that starts at the first unreleased record.
func (l *Log) NewReader() *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Reader{log: l, next: l.position.released + 1}
}

// Next returns the next record. It waits for one until ctx ends. If records
// can't be read, it returns a *DamageError, and the next call continues after
// them. After Close it returns ErrClosed.
func (r *Reader) Next(ctx context.Context) (Record, error) {
	for {
		s, end, changed, err := r.place()
		if err != nil {
			return Record{}, err
		}
		if s == nil {
			select {
			case <-ctx.Done():
				return Record{}, context.Cause(ctx)
			case <-changed:
				continue
			}
		}
		if s != r.segment {
			r.segment, r.offset, r.ahead = s, headerSize, nil
		}
		record, ok, err := r.read(end)
		if err != nil || ok {
			return record, err
		}
	}
}

// place returns the segment that holds the next record, and the offset where
// that segment's records end. If there is no next record yet, s is nil and
// changed closes when there may be one.
func (r *Reader) place() (s *segment, end int64, changed chan struct{}, err error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	r.next = max(r.next, l.position.released+1)
	if r.next > l.durable {
		if l.closed {
			return nil, 0, nil, ErrClosed
		}
		return nil, 0, l.changed, nil
	}
	for _, s := range l.segments {
		if s.last >= r.next && s.end > headerSize {
			r.next = max(r.next, s.firstIndex) // Open has reported the records in between
			return s, s.end, nil, nil
		}
	}
	// No file holds any of the remaining records. Open has reported that, but the
	// reader reports it again, because its caller must release them.
	damage := &DamageError{From: r.next, To: l.durable, Reason: "no file holds them", Reported: true}
	r.next = l.durable + 1
	return nil, 0, nil, damage
}

// read decodes the record at the offset. ok is false if that record comes before
// the one that Next looks for.
func (r *Reader) read(end int64) (record Record, ok bool, err error) {
	found, length, whole := decodeRecord(r.ahead, r.segment.salt)
	if !whole {
		if r.ahead, err = r.fill(end, readAhead); err != nil {
			return Record{}, false, err
		}
		if found, length, whole = decodeRecord(r.ahead, r.segment.salt); !whole { // the record may be longer than readAhead
			if r.ahead, err = r.fill(end, end-r.offset); err != nil {
				return Record{}, false, err
			}
			found, length, whole = decodeRecord(r.ahead, r.segment.salt)
		}
	}
	if !whole || found.index > r.next {
		return Record{}, false, r.skipDamage(end)
	}
	r.offset += int64(length)
	r.ahead = r.ahead[length:]
	if found.index < r.next {
		return Record{}, false, nil
	}
	r.next++
	return Record{Index: found.index, Data: found.data}, true, nil
}

// fill reads up to n bytes at the offset into a new buffer, since records that
// were handed out keep the old one.
func (r *Reader) fill(end, n int64) ([]byte, error) {
	return readAt(r.segment.file, r.offset, min(n, end-r.offset))
}

// readAt reads n bytes, or fewer at the end of the file. It replaces unreadable
// sectors by zeros, which fail the checksum. It returns an error only if no
// sector can be read.
func readAt(f file, offset, n int64) ([]byte, error) {
	b := make([]byte, n)
	read, err := f.ReadAt(b, offset)
	if err == nil || err == io.EOF {
		return b[:read], nil
	}
	const sector = 512
	whole := 0
	for at := int64(0); at < n; at += sector {
		part := b[at:min(at+sector, n)]
		switch read, failed := f.ReadAt(part, offset+at); {
		case failed == nil:
			whole++
		case failed == io.EOF:
			return b[:at+int64(read)], nil
		default:
			clear(part)
		}
	}
	if whole == 0 {
		return nil, err
	}
	return b, nil
}

// skipDamage moves the reader to the next readable record of the segment.
func (r *Reader) skipDamage(end int64) error {
	text, err := r.fill(end, end-r.offset)
	if err != nil {
		return err
	}
	l := r.log
	l.mu.Lock()
	r.segment.damaged = true
	last := r.segment.last
	l.mu.Unlock()
	damage := &DamageError{From: r.next, To: last, Segment: r.segment.name(), Reason: "the checksum is wrong"}
	if at := resync(text, 0, r.segment.salt, r.next); at >= 0 {
		found, _, _ := decodeRecord(text[at:], r.segment.salt)
		damage.To = found.index - 1
		r.offset += at
		r.ahead = text[at:]
	} else {
		r.offset, r.ahead = end, nil
	}
	reported := r.segment.firstIndex > damage.To || damage.To < damage.From
	r.next = max(damage.To+1, r.next)
	if reported {
		return nil
	}
	return damage
}
