package mq

import (
	"context"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"
)

// Tail reads all partitions of a topic, without a consumer group, and calls
// handle for one record after the other until ctx ends, which is no error, or
// handle fails. Records of one partition keep their order. Tail calls ready, if
// not nil, once it will read everything written from then on.
//
// If the next offset no longer exists, because records were deleted before they
// were read or the topic was created anew, Tail continues at the oldest record.
// (It doesn't notice a new topic that is already longer than the old one.)
func Tail(ctx context.Context, kafka Kafka, topic string, from Start, ready func(), handle func(*Record) error) error {
	t, err := openTopic(kafka, topic)
	if err != nil {
		return err
	}
	defer t.close()
	return t.tail(ctx, from, ready, handle)
}

func (t *topicReader) tail(ctx context.Context, from Start, ready func(), handle func(*Record) error) error {
	partitions, err := t.partitions()
	if err != nil {
		return err
	}
	records := make(chan *sarama.ConsumerMessage)
	ctx, stop := context.WithCancel(ctx)
	reading, ctx := errgroup.WithContext(ctx)
	defer func() { // before consumer and client are closed
		stop()
		_ = reading.Wait()
	}()
	for _, partition := range partitions {
		offset, err := t.offset(ctx, partition, from)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return t.failed(partition, err)
		}
		messages, err := t.open(partition, offset)
		if err != nil {
			return err
		}
		reading.Go(func() error { return t.forward(ctx, partition, messages, records) })
	}
	if ready != nil {
		ready()
	}
	reading.Go(func() error { return handleEach(ctx, records, handle) })
	return reading.Wait()
}

func (t *topicReader) open(partition int32, offset int64) (sarama.PartitionConsumer, error) {
	messages, err := t.consumer.ConsumePartition(t.topic, partition, offset)
	if err != nil {
		return nil, t.failed(partition, err)
	}
	return messages, nil
}

// forward passes the messages of a partition on until ctx ends. If the offset is
// gone, sarama ends them, and forward continues at the oldest message.
func (t *topicReader) forward(ctx context.Context, partition int32, messages sarama.PartitionConsumer, records chan<- *sarama.ConsumerMessage) error {
	for {
		select {
		case <-ctx.Done():
			messages.AsyncClose()
			return nil
		case message, ok := <-messages.Messages():
			if ok {
				select {
				case records <- message:
				case <-ctx.Done():
				}
				continue
			}
		}
		again, err := backoff.Retry(ctx, func() (sarama.PartitionConsumer, error) { return t.open(partition, sarama.OffsetOldest) },
			backoff.WithMaxElapsedTime(0)) // as long as sarama itself retries
		if ctx.Err() != nil {
			if again != nil {
				again.AsyncClose()
			}
			return nil
		}
		if err != nil {
			return err
		}
		messages = again
	}
}

func handleEach(ctx context.Context, records <-chan *sarama.ConsumerMessage, handle func(*Record) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case message := <-records:
			if err := handle(newRecord(message)); err != nil {
				return err
			}
		}
	}
}
