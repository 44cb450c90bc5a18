package spool

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/wal"
)

// drainer sends what is in the log to the broker, in the order of the log, and
// releases what is settled. It reads one batch ahead, and begins to send it when
// the one before is settled as a whole. So an event that was tried is at most one
// batch ahead of the oldest unsettled one.
type drainer struct {
	dir, topic     string
	wal            *wal.Log
	broker         Broker
	partitionCount *partitionCount
	dead           *deadLetters
	counts         *counts
	metrics        *metrics
	log            *slog.Logger
	flush          <-chan struct{}

	// oldest is the time of the oldest event being sent, in unix nanoseconds; 0
	// if there is none.
	oldest atomic.Int64
	// held is set while events wait because there is no partition count to use.
	held atomic.Bool
}

// run drains until ctx ends.
func (d *drainer) run(ctx context.Context) {
	batches := make(chan *batch)
	var reading sync.WaitGroup
	reading.Go(func() { d.readBatches(ctx, batches) })
	defer reading.Wait()
	for {
		select {
		case b := <-batches:
			d.settle(ctx, b)
			if ctx.Err() != nil {
				return
			}
			d.release(b)
		case <-ctx.Done():
			return
		}
	}
}

// settle sends a batch until each event is acknowledged or a dead letter, or ctx
// ends.
func (d *drainer) settle(ctx context.Context, b *batch) {
	for _, u := range b.unreadable {
		d.setAside(ctx, u)
	}
	if len(b.events) == 0 {
		return
	}
	d.oldest.Store(b.oldest.UnixNano())
	defer d.oldest.Store(0)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	left := b.events
	for fresh := true; len(left) > 0; fresh = false {
		var err error
		if left, err = d.attempt(ctx, left, fresh); err == nil {
			pause.Reset()
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// attempt sends as many events as go at once, and returns the others. fresh says
// that none of them was tried before.
func (d *drainer) attempt(ctx context.Context, events []*mq.Record, fresh bool) (left []*mq.Record, err error) {
	present, err := d.presentPartitions(ctx)
	if err != nil {
		return events, err
	}
	count, err := d.partitionCount.choose(present, fresh)
	d.held.Store(err != nil)
	if err != nil {
		return events, err
	}
	var rejected []rejection
	begun, acknowledged := time.Now(), 0
	_, end := mq.TraceSend(ctx, "send", d.topic, events)
	defer func() { end(err) }()
	left, err = d.broker.Deliver(ctx, events, count, func(event *mq.Record, reason error) {
		if reason != nil {
			rejected = append(rejected, rejection{event, reason})
			return
		}
		acknowledged++
	})
	d.counts.delivered.Add(int64(acknowledged))
	if acknowledged > 0 {
		d.metrics.delivered(acknowledged, time.Since(begun))
	}
	for _, r := range rejected {
		d.bury(ctx, r)
	}
	return left, err
}

// presentPartitions waits for the broker until ctx ends.
func (d *drainer) presentPartitions(ctx context.Context) (int32, error) {
	const pause = 100 * time.Millisecond // the broker itself waits between its attempts
	for {
		present, err := d.broker.Partitions(ctx)
		if err == nil || ctx.Err() != nil {
			return present, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// rejection is an event that the broker will never take, and why.
type rejection struct {
	event  *mq.Record
	reason error
}

// release frees the log of a settled batch.
func (d *drainer) release(b *batch) {
	if err := d.wal.Release(b.last); err != nil {
		// The next start sends its events again, as copies.
		d.log.Error("the spool can't record which events were sent", "dir", d.dir, "error", err)
	}
}

// bury makes an event that the broker rejects a dead letter.
func (d *drainer) bury(ctx context.Context, r rejection) {
	d.untilDone(ctx, "a rejected event can't be added to the dead letters", func() error {
		place, err := d.dead.put(ctx, r.event, r.reason)
		if err == nil {
			d.counts.deadLettered.Add(1)
			d.log.Error("Kafka rejected an event permanently", "error", r.reason, "bytes", r.event.Size(), "dead_letters", place)
		}
		return err
	})
}

// setAside makes an unreadable record a dead letter.
func (d *drainer) setAside(ctx context.Context, u unreadable) {
	d.untilDone(ctx, "an unreadable event can't be added to the dead letters", func() error {
		err := d.dead.writeRaw(u.data, u.reason)
		if err == nil {
			d.counts.deadLettered.Add(1)
			d.log.Error("an event in the spool is unreadable and was set aside", "error", u.reason, "dead_letters", filepath.Join(d.dir, deadLettersName))
		}
		return err
	})
}

// untilDone tries until it succeeds or ctx ends; the event is still in the log
// then.
func (d *drainer) untilDone(ctx context.Context, trouble string, try func() error) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = time.Minute
	for ctx.Err() == nil {
		err := try()
		if err == nil || ctx.Err() != nil {
			return
		}
		d.log.Error(trouble, "dir", d.dir, "error", err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// readBatches reads the log until ctx ends.
func (d *drainer) readBatches(ctx context.Context, batches chan<- *batch) {
	r := &batchReader{wal: d.wal, reader: d.wal.NewReader(), flush: d.flush, damaged: d.damaged, keys: headerKeys{}}
	for {
		b, err := r.next(ctx)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, wal.ErrClosed) {
				return
			}
			d.log.Error("the spool can't be read", "dir", d.dir, "error", err)
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return
		}
	}
}

// damaged counts and logs events that can't be read any more.
func (d *drainer) damaged(damage *wal.DamageError) {
	if damage.Reported {
		return // when the spool was opened
	}
	n := int64(damage.To - damage.From + 1)
	d.counts.lost.Add(n)
	d.log.Error("events are lost: the spool is damaged", "events", n, "segment", damage.Segment, "dir", d.dir, "error", damage)
}
