package wal

import (
	"context"
	"errors"
	"io"
)

// readAhead is how much is read at once, in bytes.
const readAhead = 256 << 10

// Record is one record of the log. Data belongs to who has read it.
type Record struct {
	Index uint64
	Data  []byte
}

// Reader reads records in their order, while others are appended. It is used
// by one goroutine; only one reader may be used at a time, since Release frees
// what was read.
type Reader struct {
	log     *Log
	next    uint64
	segment *segment // of offset
	offset  int64
	// ahead was read at offset and not yet decoded.
	ahead []byte
}

// NewReader begins at the first record that is not released.
func (l *Log) NewReader() *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Reader{log: l, next: l.position.released + 1}
}

// stopped is a context that has ended.
var stopped = func() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}()

// TryNext is Next without waiting; ok is false if there is no next record yet.
func (r *Reader) TryNext() (record Record, ok bool, err error) {
	record, err = r.Next(stopped)
	if errors.Is(err, context.Canceled) {
		return Record{}, false, nil
	}
	return record, err == nil, err
}

// Next returns the next record and waits for it until ctx ends. A
// *DamageError tells of records that can't be read; the next call goes on
// behind them. After Close it returns ErrClosed.
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

// place returns the segment that has the next record, and where its records
// end; no segment if there is no such record yet.
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
			r.next = max(r.next, s.firstIndex) // those in between were reported by Open
			return s, s.end, nil, nil
		}
	}
	// All up to the last are missing, which Open has told of; whoever releases
	// records has to know.
	damage := &DamageError{From: r.next, To: l.durable, Reason: "no file holds them", Told: true}
	r.next = l.durable + 1
	return nil, 0, nil, damage
}

// read decodes what stands at the offset. ok is false where that is a record
// before the one that is looked for.
func (r *Reader) read(end int64) (record Record, ok bool, err error) {
	found, length, whole := decodeRecord(r.ahead, r.segment.salt)
	if !whole {
		if r.ahead, err = r.fill(end, readAhead); err != nil {
			return Record{}, false, err
		}
		if found, length, whole = decodeRecord(r.ahead, r.segment.salt); !whole { // it may be longer
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

// fill reads up to n bytes at the offset into a new buffer: records handed out
// keep the old one.
func (r *Reader) fill(end, n int64) ([]byte, error) {
	return readAt(r.segment.file, r.offset, min(n, end-r.offset))
}

// readAt reads n bytes, fewer at the end of the file. Where the disk can't read
// some of them they are zeros, which a checksum will find; only if it can't
// read any that is an error.
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

// skipDamage goes on behind what can't be read.
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
