//go:build unix

package testbed

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"literank.com/event-books/domain/model"
)

// TopicReader reads a topic from its beginning, including partitions that are added
// later. It isn't safe for concurrent use.
type TopicReader struct {
	brokers []string
	topic   string
	next    map[int32]int64 // offsets
}

// NewTopicReader returns a reader without connecting.
func NewTopicReader(brokers []string, topic string) *TopicReader {
	return &TopicReader{brokers, topic, map[int32]int64{}}
}

// Read passes records to handle, from the end of the last Read to the current end of each
// partition. Records of a partition come in order. A missing topic has no records. After
// an error, the next Read continues behind the last record that was passed on.
func (r *TopicReader) Read(ctx context.Context, handle func(*sarama.ConsumerMessage)) error {
	err := r.read(ctx, handle)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read topic %s: %w", r.topic, err)
	}
	return nil
}

func (r *TopicReader) read(ctx context.Context, handle func(*sarama.ConsumerMessage)) error {
	client, err := sarama.NewClient(r.brokers, saramaConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	defer consumer.Close()
	partitions, err := client.Partitions(r.topic)
	if err != nil {
		return err
	}
	for _, partition := range partitions {
		end, err := client.GetOffset(r.topic, partition, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		if r.next[partition] >= end {
			continue
		}
		records, err := consumer.ConsumePartition(r.topic, partition, r.next[partition])
		if err != nil {
			return err
		}
		for r.next[partition] < end {
			select {
			case record, ok := <-records.Messages():
				if !ok {
					return fmt.Errorf("partition %d: offset %d doesn't exist any more", partition, r.next[partition])
				}
				handle(record)
				r.next[partition] = record.Offset + 1
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if err := records.Close(); err != nil {
			return err
		}
	}
	return nil
}

// DecodeSearchEvent decodes a record of the search topic.
func DecodeSearchEvent(m *sarama.ConsumerMessage) (*model.SearchEvent, error) {
	return model.DecodeSearchEvent(string(m.Key), Headers(m), m.Value)
}

// Headers returns the headers of a record.
func Headers(m *sarama.ConsumerMessage) []model.Header {
	headers := make([]model.Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = model.Header{Key: string(h.Key), Value: h.Value}
	}
	return headers
}

// Size returns the number of records in the topic.
func (r *TopicReader) Size() (size int64, err error) {
	client, err := sarama.NewClient(r.brokers, saramaConfig())
	if err != nil {
		return 0, fmt.Errorf("size of topic %s: %w", r.topic, err)
	}
	defer client.Close()
	partitions, err := client.Partitions(r.topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return 0, nil
	}
	for _, partition := range partitions {
		var end int64
		if end, err = client.GetOffset(r.topic, partition, sarama.OffsetNewest); err != nil {
			break
		}
		size += end
	}
	if err != nil {
		return 0, fmt.Errorf("size of topic %s: %w", r.topic, err)
	}
	return size, nil
}

// PartitionCount returns the number of partitions of a topic. It fails if there is no
// such topic.
func PartitionCount(brokers []string, topic string) (int32, error) {
	client, err := sarama.NewClient(brokers, saramaConfig())
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	defer client.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	return int32(len(partitions)), nil
}
