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

// Record is one record of a topic.
type Record struct {
	Partition int32
	Offset    int64
	Key       string
	Value     []byte
	Time      time.Time
	Headers   []Header
}

// Header returns the value of the first header of that key, or "".
func (r *Record) Header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Start says where reading begins.
type Start struct {
	// Beginning: at the oldest record. Otherwise at the first that is not
	// older than At, or, if At is zero, at the next one written.
	Beginning bool
	At        time.Time
}

// leaderWait is how long the partitions of a new topic may be without a leader.
const leaderWait = 10 * time.Second

// ErrNoTopic tells that the topic doesn't exist.
var ErrNoTopic = errors.New("there is no such topic")

// Kafka is a cluster and how it is reached.
type Kafka struct {
	// Brokers are host:port of some of its brokers.
	Brokers []string
	Security
}

// Tail reads all partitions of a topic, without a consumer group, and calls
// handle for one record after the other until ctx ends, which is no error, or
// handle fails. Records of one partition come in their order. It calls ready,
// if not nil, once everything written from then on will be read. Where the
// offset it has come to doesn't exist any more, since records were deleted
// before they were read or the topic was made anew, it goes on with the oldest
// there are. (A new topic that is already longer is read on from that offset.)
func Tail(ctx context.Context, kafka Kafka, topic string, from Start, ready func(), handle func(*Record) error) error {
	client, err := dial(kafka.Brokers, newConfig(kafka.Security))
	if err != nil {
		return err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return fmt.Errorf("read topic %s: %w", topic, err)
	}
	defer consumer.Close()
	partitions, err := consumer.Partitions(topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) || err == nil && len(partitions) == 0 {
		return fmt.Errorf("read topic %s: %w", topic, ErrNoTopic)
	}
	if err != nil {
		return fmt.Errorf("read topic %s: %w", topic, err)
	}
	ctx, stop := context.WithCancel(ctx)
	reading, ctx := errgroup.WithContext(ctx)
	records := make(chan *sarama.ConsumerMessage)
	defer func() { // before consumer and client are closed
		stop()
		_ = reading.Wait()
	}()
	for _, partition := range partitions {
		offset, err := backoff.Retry(ctx, func() (int64, error) {
			offset, err := from.offset(client, topic, partition)
			if err != nil && !errors.Is(err, sarama.ErrNotLeaderForPartition) && !errors.Is(err, sarama.ErrLeaderNotAvailable) {
				err = backoff.Permanent(err)
			}
			return offset, err
		}, backoff.WithMaxElapsedTime(leaderWait))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read topic %s: partition %d: %w", topic, partition, err)
		}
		open := func(offset int64) (sarama.PartitionConsumer, error) {
			messages, err := consumer.ConsumePartition(topic, partition, offset)
			if err != nil {
				return nil, fmt.Errorf("read topic %s: partition %d: %w", topic, partition, err)
			}
			return messages, nil
		}
		messages, err := open(offset)
		if err != nil {
			return err
		}
		reading.Go(func() error { return readPartition(ctx, messages, open, records) })
	}
	if ready != nil {
		ready()
	}
	reading.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case message := <-records:
				if err := handle(record(message)); err != nil {
					return err
				}
			}
		}
	})
	return reading.Wait()
}

// readPartition passes messages on until ctx ends. sarama ends them when their
// offset is gone: they are read from the oldest on again.
func readPartition(ctx context.Context, messages sarama.PartitionConsumer, open func(offset int64) (sarama.PartitionConsumer, error), records chan<- *sarama.ConsumerMessage) error {
	for {
		select {
		case <-ctx.Done():
			messages.AsyncClose()
			return nil
		case message, ok := <-messages.Messages():
			if !ok {
				again, err := backoff.Retry(ctx, func() (sarama.PartitionConsumer, error) { return open(sarama.OffsetOldest) },
					backoff.WithMaxElapsedTime(0)) // as long as sarama itself
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
				continue
			}
			select {
			case records <- message:
			case <-ctx.Done():
			}
		}
	}
}

// offset is resolved to a number at once: sarama would resolve "the next one
// written" later.
func (s Start) offset(client sarama.Client, topic string, partition int32) (int64, error) {
	switch {
	case s.Beginning:
		return client.GetOffset(topic, partition, sarama.OffsetOldest)
	case s.At.IsZero():
		return client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	offset, err := client.GetOffset(topic, partition, s.At.UnixMilli())
	if err == nil && offset < 0 { // nothing that new yet
		return client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	return offset, err
}

func record(message *sarama.ConsumerMessage) *Record {
	r := &Record{
		Partition: message.Partition, Offset: message.Offset, Key: string(message.Key),
		Value: message.Value, Time: message.Timestamp, Headers: make([]Header, len(message.Headers)),
	}
	for i, h := range message.Headers {
		r.Headers[i] = Header{Key: string(h.Key), Value: h.Value}
	}
	return r
}
