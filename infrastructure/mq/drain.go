package mq

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/infrastructure/wal"
)

const (
	// linger lets events gather, since a batch costs Kafka and us about the same
	// whatever its size.
	linger = 25 * time.Millisecond
	// maxBatchMemory bounds the events that are read for a batch, in bytes.
	maxBatchMemory = 8 << 20
	// windowWidth is how many sequences of a source a consumer remembers: what
	// lies further below the highest it takes for a copy.
	windowWidth = 65_536
)

// batch is what the drainer has read and sends at once, or in few steps.
type batch struct {
	events []*event
	// last is the index of its last record, also if that was damaged.
	last  uint64
	bytes int
}

// drain sends what is in the log, in its order, and releases what is settled.
// It reads one batch ahead while the one before is sent. The next one is begun
// when the one before is settled as a whole, so that never more than a
// batch lies between the oldest unsettled event and any that was tried.
func (s *Spool) drain(partitions *partitions) {
	defer close(s.drained)
	batches := make(chan *batch)
	var reading sync.WaitGroup
	reading.Go(func() { s.readBatches(batches) })
	defer reading.Wait()
	if s.weak() == disorderly {
		s.drainDisorderly(batches, partitions)
		return
	}
	sender := s.newSender(partitions)
	for {
		select {
		case b := <-batches:
			if !s.deliver(sender, b) {
				return
			}
			s.settled(b)
		case <-s.draining.Done():
			return
		}
	}
}

func (s *Spool) newSender(partitions *partitions) *sender {
	sender := newSender(s.queue)
	sender.sent = s.metrics.delivered
	if s.weak() != hasty {
		sender.partitions = partitions.choose
	}
	return sender
}

// deliver sends a batch until it is settled; false if the spool is closed
// before.
func (s *Spool) deliver(sender *sender, b *batch) bool {
	if len(b.events) == 0 {
		return true
	}
	s.oldest.Store(b.events[0].time.UnixNano())
	b.events = slices.DeleteFunc(b.events, func(e *event) bool {
		if e.unreadable != nil {
			s.setAside(e)
		}
		return e.unreadable != nil
	})
	err := sender.send(s.draining, b.events, func(e *event, refusal error) {
		if refusal == nil {
			s.delivered.Add(1)
			return
		}
		s.bury(e, refusal)
	})
	return err == nil && s.draining.Err() == nil
}

// settled releases a batch.
func (s *Spool) settled(b *batch) {
	s.oldest.Store(0)
	if err := s.log.Release(b.last); err != nil {
		// Its events are sent again after the next start, as copies.
		s.logger().Error("the spool can't note what was sent", "dir", s.dir, "error", err)
	}
}

// bury puts an event that Kafka refuses where the dead letters are.
func (s *Spool) bury(e *event, refusal error) {
	s.untilDone("an event that Kafka refuses finds no place among the dead letters", func() error {
		place, err := s.dead.put(s.draining, e, refusal)
		if err == nil {
			s.deadLettered.Add(1)
			s.logger().Error("Kafka refused an event for good", "error", refusal, "bytes", e.size(), "dead_letters", place)
		}
		return err
	})
}

// setAside puts what can't be read as an event where the dead letters are.
func (s *Spool) setAside(e *event) {
	s.untilDone("what can't be read finds no place among the dead letters", func() error {
		err := s.dead.writeRaw(e.unreadable, e.reason)
		if err == nil {
			s.deadLettered.Add(1)
			s.logger().Error("an event in the spool can't be read and is set aside", "error", e.reason, "dead_letters", filepath.Join(s.dir, deadLettersName))
		}
		return err
	})
}

// untilDone tries until it succeeds or the spool is closed, after which it is
// still in the log.
func (s *Spool) untilDone(trouble string, try func() error) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = time.Minute
	for s.draining.Err() == nil {
		err := try()
		if err == nil || s.draining.Err() != nil {
			return
		}
		s.logger().Error(trouble, "dir", s.dir, "error", err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-s.draining.Done():
		}
	}
}

// readBatches reads the log until the spool is closed.
func (s *Spool) readBatches(batches chan<- *batch) {
	r := &batchReader{spool: s, reader: s.log.NewReader()}
	for {
		b, err := r.next()
		if err != nil {
			if s.draining.Err() != nil || errors.Is(err, wal.ErrClosed) {
				return
			}
			s.logger().Error("the spool can't be read", "dir", s.dir, "error", err)
			select {
			case <-time.After(time.Minute):
			case <-s.draining.Done():
			}
			continue
		}
		select {
		case batches <- b:
		case <-s.draining.Done():
			return
		}
	}
}

// batchReader cuts the log into batches.
type batchReader struct {
	spool  *Spool
	reader *wal.Reader
	// held begins the next batch, since it didn't go into the one before.
	held *item
}

// item is an event that was read, or damage, which has none. last is the index of
// its last record.
type item struct {
	event *event
	last  uint64
	bytes int
}

// next waits for a record, lets others gather, and reads as many as go into a
// batch.
func (r *batchReader) next() (*batch, error) {
	s, b := r.spool, &batch{}
	if r.held == nil {
		first, err := s.read(r.reader.Next(s.draining))
		if err != nil {
			return nil, err
		}
		r.held = &first
	}
	b.take(*r.held)
	r.held = nil
	if s.log.Stats().Last < b.last+maxBatchRecords {
		select {
		case <-time.After(linger):
		case <-s.flush:
		case <-s.draining.Done():
		}
	}
	for len(b.events) < maxBatchRecords && b.bytes < maxBatchMemory {
		record, ok, err := r.reader.TryNext()
		if err == nil && !ok {
			break
		}
		more, err := s.read(record, err)
		if err != nil {
			break // the next call meets it again
		}
		if !b.take(more) {
			r.held = &more
			break
		}
	}
	return b, nil
}

// take adds what was read, unless a sequence would lie too far above one of the
// same source.
func (b *batch) take(more item) bool {
	if e := more.event; e != nil {
		for _, first := range b.events {
			if first.source == e.source {
				if e.sequence-first.sequence >= windowWidth {
					return false
				}
				break
			}
		}
		b.events = append(b.events, e)
	}
	b.last, b.bytes = more.last, b.bytes+more.bytes
	return true
}

// read makes an item of what the log's reader has returned: a record, or
// damage, which is told.
func (s *Spool) read(record wal.Record, err error) (item, error) {
	if damage, ok := errors.AsType[*wal.DamageError](err); ok {
		s.damaged(damage)
		return item{last: damage.To}, nil
	}
	if err != nil {
		return item{}, err
	}
	e, err := decodeEvent(record.Data)
	if err != nil {
		e = &event{unreadable: record.Data, reason: err} // its checksum is right
	}
	return item{event: e, last: record.Index, bytes: len(record.Data)}, nil
}

// drainDisorderly is the negative control of the crash suite: batches of few
// records, several at once, tried again one by one.
func (s *Spool) drainDisorderly(batches <-chan *batch, partitions *partitions) {
	const atOnce, few = 4, 20
	for {
		select {
		case b := <-batches:
			var sending sync.WaitGroup
			places := make(chan struct{}, atOnce)
			for from := 0; from < len(b.events); from += few {
				part := &batch{events: b.events[from:min(from+few, len(b.events))]}
				places <- struct{}{}
				sending.Go(func() {
					s.deliver(s.newSender(partitions), part)
					<-places
				})
			}
			sending.Wait()
			if s.draining.Err() != nil {
				return
			}
			s.settled(b)
		case <-s.draining.Done():
			return
		}
	}
}
