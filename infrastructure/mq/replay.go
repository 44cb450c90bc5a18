package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Replay gives the records of a topic to handlers from the oldest one on, as a Consumer does, but
// without a consumer group: it reads all partitions itself, one after the other. It must be used
// by one goroutine at a time.
type Replay struct {
	*topicReader
	consumer *Consumer
	oldest   map[int32]int64
	shards   map[int32]*shard
}

// OpenReplay connects to Kafka and looks for the oldest record of each partition. The error wraps
// ErrNoTopic if there is no topic.
func OpenReplay(ctx context.Context, kafka Kafka, group, topic string, handlers gateway.Handlers, log *slog.Logger) (*Replay, error) {
	reader, err := openTopic(kafka, topic)
	if err != nil {
		return nil, err
	}
	r := &Replay{
		topicReader: reader, consumer: NewConsumer(kafka, group, topic, handlers, nil, log),
		oldest: map[int32]int64{}, shards: map[int32]*shard{},
	}
	if err := r.findOldest(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *Replay) findOldest(ctx context.Context) error {
	partitions, err := r.partitions()
	if err != nil {
		return err
	}
	for _, partition := range partitions {
		if r.oldest[partition], err = r.offset(ctx, partition, Start{Beginning: true}); err != nil {
			return r.failed(partition, err)
		}
	}
	return nil
}

// Oldest returns the position of the oldest record of each partition.
func (r *Replay) Oldest() map[int32]int64 { return r.oldest }

// Close ends the connection.
func (r *Replay) Close() { r.close() }

// Begin claims all partitions.
func (r *Replay) Begin(ctx context.Context, progress gateway.Progress) error {
	r.consumer.progress = progress
	for partition := range r.oldest {
		s := &shard{Shard: model.Shard{Group: r.consumer.group, Stream: r.topic, Number: partition}, Consumer: r.consumer}
		if _, err := s.claim(ctx, r.topicReader); err != nil {
			return err
		}
		if s.Next != r.oldest[partition] {
			return r.failed(partition, ErrBehind)
		}
		r.shards[partition] = s
	}
	return nil
}

// Next returns the position of the next record of a partition.
func (r *Replay) Next(partition int32) int64 { return r.shards[partition].Next }

// To handles the records of a partition up to a position, which is not handled any more. The
// error wraps ErrBehind if records were deleted before they were read, and gateway.ErrFenced if
// another replay has begun.
func (r *Replay) To(ctx context.Context, partition int32, end int64) error {
	s := r.shards[partition]
	if s.Next >= end {
		return nil
	}
	reader, closeReader, err := newReader(r.client, r.topic)
	if err != nil {
		return err
	}
	defer closeReader()
	messages, err := reader.open(partition, s.Next)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		err = r.failed(partition, ErrBehind)
	}
	if err != nil {
		return err
	}
	defer messages.AsyncClose()
	for s.Next < end {
		if err := r.batch(ctx, s, messages, end); err != nil {
			return err
		}
	}
	return nil
}

// batch handles some records. Then it rests for as long as that took, so that others can use the
// database.
func (r *Replay) batch(ctx context.Context, s *shard, messages sarama.PartitionConsumer, end int64) error {
	waiting, cancel := context.WithTimeout(ctx, readTimeout)
	batch := gatherRecords(waiting, messages.Messages())
	cancel()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if len(batch) == 0 {
		if waiting.Err() == nil { // sarama ends when the offset is gone
			return r.failed(s.Number, ErrBehind)
		}
		return r.failed(s.Number, fmt.Errorf("no record between the offsets %d and %d came within %s", s.Next, end, readTimeout))
	}
	for len(batch) > 0 && batch[len(batch)-1].Offset >= end {
		batch = batch[:len(batch)-1]
	}
	if len(batch) == 0 {
		return r.failed(s.Number, fmt.Errorf("there is no record between the offsets %d and %d", s.Next, end))
	}
	begun := time.Now()
	if err := s.handle(ctx, ctx, batch); err != nil {
		return r.failed(s.Number, err)
	}
	pauseUntil(ctx, time.Since(begun))
	return nil
}
