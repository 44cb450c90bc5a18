package mq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"
)

// Start says where reading begins.
type Start struct {
	// Beginning: at the oldest record. Otherwise at the first record that is not
	// older than At or, if At is zero, at the next one written.
	Beginning bool
	At        time.Time
}

// leaderTimeout is how long the partitions of a new topic may have no leader.
const leaderTimeout = 10 * time.Second

// ErrNoTopic: the topic doesn't exist.
var ErrNoTopic = errors.New("there is no such topic")

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

// topicReader is one call of Tail or Read.
type topicReader struct {
	client   sarama.Client
	consumer sarama.Consumer
	topic    string
}

func openTopic(kafka Kafka, topic string) (*topicReader, error) {
	client, err := dial(kafka.Brokers, newConfig(kafka.Security))
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("read topic %s: %w", topic, err)
	}
	return &topicReader{client: client, consumer: consumer, topic: topic}, nil
}

func (t *topicReader) close() {
	_ = t.consumer.Close()
	_ = t.client.Close()
}

func (t *topicReader) partitions() ([]int32, error) {
	partitions, err := t.consumer.Partitions(t.topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) || err == nil && len(partitions) == 0 {
		err = ErrNoTopic
	}
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", t.topic, err)
	}
	return partitions, nil
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
			return fmt.Errorf("read topic %s: partition %d: %w", t.topic, partition, err)
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

// offset returns where to begin. sarama would find "the next one written" only
// later, so Tail asks for its number.
func (t *topicReader) offset(ctx context.Context, partition int32, from Start) (int64, error) {
	return backoff.Retry(ctx, func() (int64, error) {
		offset, err := t.offsetOf(partition, from)
		if err != nil && !errors.Is(err, sarama.ErrNotLeaderForPartition) && !errors.Is(err, sarama.ErrLeaderNotAvailable) {
			err = backoff.Permanent(err)
		}
		return offset, err
	}, backoff.WithMaxElapsedTime(leaderTimeout))
}

func (t *topicReader) offsetOf(partition int32, from Start) (int64, error) {
	switch {
	case from.Beginning:
		return t.client.GetOffset(t.topic, partition, sarama.OffsetOldest)
	case from.At.IsZero():
		return t.client.GetOffset(t.topic, partition, sarama.OffsetNewest)
	}
	offset, err := t.client.GetOffset(t.topic, partition, from.At.UnixMilli())
	if err == nil && offset < 0 { // no record is that new
		return t.client.GetOffset(t.topic, partition, sarama.OffsetNewest)
	}
	return offset, err
}

func (t *topicReader) open(partition int32, offset int64) (sarama.PartitionConsumer, error) {
	messages, err := t.consumer.ConsumePartition(t.topic, partition, offset)
	if err != nil {
		return nil, fmt.Errorf("read topic %s: partition %d: %w", t.topic, partition, err)
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
