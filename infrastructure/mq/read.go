package mq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

const (
	// readTimeout bounds the wait for the next record that is there.
	readTimeout = 15 * time.Second
	// parallelReads bounds the partitions that are read at a time.
	parallelReads = 8
)

// Trimmed says what a topic no longer had when it was read.
type Trimmed struct {
	// Partitions counts those that begin later than their reader wanted, because
	// older records were deleted. Records that belong to the time read may be among
	// those; Kafka doesn't tell.
	Partitions int
	// Begin is when the last of these partitions begins. It is zero if one of them
	// holds no record.
	Begin time.Time
}

// Read reads the records of a topic that aren't older than since, to the end that it
// has now, and calls handle for one after the other. If since is zero, it reads
// everything. Records of one partition keep their order.
func Read(ctx context.Context, kafka Kafka, topic string, since time.Time, handle func(*Record) error) (Trimmed, error) {
	t, err := openTopic(kafka, topic)
	if err != nil {
		return Trimmed{}, err
	}
	defer t.close()
	partitions, err := t.partitions()
	if err != nil {
		return Trimmed{}, err
	}
	extents := make([]extent, len(partitions))
	for i, partition := range partitions {
		if extents[i].end, err = t.offset(ctx, partition, Start{}); err != nil {
			return Trimmed{}, t.failed(partition, err)
		}
	}
	var handling sync.Mutex
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(parallelReads)
	for i, partition := range partitions {
		reading.Go(func() error {
			err := t.read(ctx, partition, since, &extents[i], func(r *Record) error {
				handling.Lock()
				defer handling.Unlock()
				return handle(r)
			})
			if err != nil {
				err = t.failed(partition, err)
			}
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return Trimmed{}, err
	}
	return summary(extents), nil
}

// extent is the part of a partition that is read.
type extent struct {
	end     int64     // the offset behind the last record
	trimmed bool      // records before begin were deleted
	begin   time.Time // the time of the first record
}

func summary(extents []extent) (all Trimmed) {
	empty := false
	for _, e := range extents {
		if e.trimmed {
			all.Partitions++
			empty = empty || e.begin.IsZero()
			if e.begin.After(all.Begin) {
				all.Begin = e.begin
			}
		}
	}
	if empty {
		all.Begin = time.Time{}
	}
	return all
}

func (t *topicReader) read(ctx context.Context, partition int32, since time.Time, e *extent, handle func(*Record) error) error {
	oldest, err := t.offset(ctx, partition, Start{Beginning: true})
	if err != nil {
		return err
	}
	next, err := t.offset(ctx, partition, Start{Beginning: since.IsZero(), At: since})
	if err != nil {
		return err
	}
	e.trimmed = oldest > 0 && next <= oldest
	for next < e.end {
		if next, err = t.readFrom(ctx, partition, next, e, handle); err != nil {
			return err
		}
	}
	return nil
}

// readFrom reads from an offset to the end, and returns the next offset. If that offset is
// gone, it returns the oldest one.
func (t *topicReader) readFrom(ctx context.Context, partition int32, next int64, e *extent, handle func(*Record) error) (int64, error) {
	messages, err := t.consumer.ConsumePartition(t.topic, partition, next)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return t.skip(partition, e)
	}
	if err != nil {
		return next, err
	}
	defer messages.AsyncClose()
	for next < e.end {
		select {
		case <-ctx.Done():
			return next, context.Cause(ctx)
		case <-time.After(readTimeout):
			return next, fmt.Errorf("no record between the offsets %d and %d came within %s", next, e.end, readTimeout)
		case message, ok := <-messages.Messages():
			if !ok { // sarama ends when the offset is gone
				return t.skip(partition, e)
			}
			if e.begin.IsZero() {
				e.begin = message.Timestamp
			}
			if next = message.Offset + 1; next > e.end {
				return next, nil
			}
			if err := handle(newRecord(message)); err != nil {
				return next, err
			}
		}
	}
	return next, nil
}

// skip continues at the oldest record, because those before it were deleted meanwhile.
func (t *topicReader) skip(partition int32, e *extent) (int64, error) {
	e.trimmed, e.begin = true, time.Time{}
	return t.client.GetOffset(t.topic, partition, sarama.OffsetOldest)
}
