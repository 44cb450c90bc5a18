package mq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
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

// topicReader is one call of Tail or Read, or a Stream.
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

// offset returns where to begin. sarama would find "the next one written" only
// later, so this asks for its number.
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
	return offsetAt(t.client, t.topic, partition, from.At)
}

// offsetAt returns the offset of the first record that is not older than a time, or of the
// next one written.
func offsetAt(client sarama.Client, topic string, partition int32, at time.Time) (int64, error) {
	offset, err := client.GetOffset(topic, partition, at.UnixMilli())
	if err == nil && offset < 0 {
		return client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	return offset, err
}

func (t *topicReader) failed(partition int32, err error) error {
	return fmt.Errorf("read topic %s: partition %d: %w", t.topic, partition, err)
}
