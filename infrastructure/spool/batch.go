package spool

import (
	"context"
	"errors"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/wal"
)

const (
	// linger is how long the drainer lets events gather: a batch costs about the
	// same whatever its size.
	linger = 25 * time.Millisecond
	// maxBatchRecords and maxBatchBytes bound a batch.
	maxBatchRecords = 1000
	maxBatchBytes   = 8 << 20
)

// batch is what the drainer reads at once.
type batch struct {
	events []*mq.Record
	oldest time.Time // of the events
	// unreadable records were written by a later version.
	unreadable []unreadable
	// last is the index of the batch's last record, even if that is damaged.
	last  uint64
	bytes int
	// first is the first sequence of each source.
	first map[string]uint64
}

// unreadable is a whole record that is no event for this program.
type unreadable struct {
	data   []byte
	reason error
}

// batchReader cuts the log into batches. One goroutine uses it.
type batchReader struct {
	wal    *wal.Log
	reader *wal.Reader
	// flush is closed when the reader shall stop lingering.
	flush <-chan struct{}
	// damaged is called for records that can't be read.
	damaged func(*wal.DamageError)
	// putBack begins the next batch, because it didn't fit into the last one.
	putBack *item
	keys    headerKeys
}

// item is a record that was read: an event, something unreadable, or damage, with
// both fields nil. last is the index of the last record that it covers.
type item struct {
	event      *event
	unreadable *unreadable
	last       uint64
	bytes      int
}

// next waits for a record, lets others gather, and reads as many as fit into a
// batch.
func (r *batchReader) next(ctx context.Context) (*batch, error) {
	if r.putBack == nil {
		first, err := r.item(r.reader.Next(ctx))
		if err != nil {
			return nil, err
		}
		r.putBack = &first
	}
	b := &batch{first: map[string]uint64{}}
	b.take(*r.putBack)
	r.putBack = nil
	if r.wal.Stats().Last < b.last+maxBatchRecords {
		select {
		case <-time.After(linger):
		case <-r.flush:
		case <-ctx.Done():
		}
	}
	for len(b.events) < maxBatchRecords && b.bytes < maxBatchBytes {
		record, ok, err := r.reader.TryNext()
		if err == nil && !ok {
			break
		}
		more, err := r.item(record, err)
		if err != nil {
			break // the next call meets it again
		}
		if !b.take(more) {
			r.putBack = &more
			break
		}
	}
	return b, nil
}

// take adds an item, unless its sequence lies too far above one of the same
// source.
func (b *batch) take(more item) bool {
	if e := more.event; e != nil {
		first, known := b.first[e.source]
		if known && e.sequence-first >= model.WindowWidth {
			return false
		}
		if !known {
			b.first[e.source] = e.sequence
		}
		if len(b.events) == 0 {
			b.oldest = e.Time
		}
		b.events = append(b.events, &e.Record)
	}
	if more.unreadable != nil {
		b.unreadable = append(b.unreadable, *more.unreadable)
	}
	b.last, b.bytes = more.last, b.bytes+more.bytes
	return true
}

// item turns what the log's reader returned into an item.
func (r *batchReader) item(record wal.Record, err error) (item, error) {
	if damage, ok := errors.AsType[*wal.DamageError](err); ok {
		r.damaged(damage)
		return item{last: damage.To}, nil
	}
	if err != nil {
		return item{}, err
	}
	read := item{last: record.Index, bytes: len(record.Data)}
	if read.event, err = decodeEvent(record.Data, r.keys); err != nil { // its checksum is right
		read.event, read.unreadable = nil, &unreadable{record.Data, err}
	}
	return read, nil
}
