package mq

import (
	"context"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// Tail reads all partitions of a topic, without a consumer group, and calls
// handle for one record after the other until ctx ends, which is no error, or
// handle fails. Records of one partition keep their order. Tail calls ready, if
// not nil, once it will read everything written from then on.
//
// If the next offset no longer exists, because records were deleted before they
// were read or the topic was created anew, Tail continues at the oldest record.
// (It doesn't notice a new topic that is already longer than the old one. A Stream does.)
func Tail(ctx context.Context, kafka Kafka, topic string, from Start, ready func(), handle func(*Record) error) error {
	t, err := openTopic(kafka, topic)
	if err != nil {
		return err
	}
	defer t.close()
	partitions, err := t.partitions()
	if err != nil {
		return err
	}
	start := make(map[int32]int64, len(partitions))
	for _, partition := range partitions {
		start[partition], err = t.offset(ctx, partition, from)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return t.failed(partition, err)
		}
	}
	oldest := func(ctx context.Context, partition int32) (sarama.PartitionConsumer, error) {
		return backoff.Retry(ctx, func() (sarama.PartitionConsumer, error) { return t.open(partition, sarama.OffsetOldest) },
			backoff.WithMaxElapsedTime(0)) // as long as sarama itself retries
	}
	return t.follow(ctx, start, ready, oldest, handle)
}
