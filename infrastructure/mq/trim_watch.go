package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// trimInterval is the time between two looks at the topics.
const trimInterval = 30 * time.Second

// TrimWatch notices when Kafka deletes records that are younger than they should get,
// because a topic has reached its bound in bytes.
type TrimWatch struct {
	kafka     Kafka
	topics    []string
	retention time.Duration
	log       *slog.Logger

	client  sarama.Client            // of look; nil before the first one, and after a failure
	kept    map[topicPartition]int64 // the first offset that must still be there
	warned  map[string]bool
	trimmed atomic.Int64
}

type topicPartition struct {
	topic     string
	partition int32
}

// NewTrimWatch watches topics whose records should stay for as long as retention.
func NewTrimWatch(kafka Kafka, topics []string, retention time.Duration, log *slog.Logger) *TrimWatch {
	return &TrimWatch{
		kafka: kafka, topics: topics, retention: retention, log: log,
		kept: make(map[topicPartition]int64), warned: make(map[string]bool),
	}
}

// Trimmed counts the records that were deleted too early since Run began.
func (w *TrimWatch) Trimmed() int64 { return w.trimmed.Load() }

// Run watches until ctx ends; call it once. It warns once about each topic. While Kafka is
// away, it retries; records that are deleted too early meanwhile are noticed afterwards.
func (w *TrimWatch) Run(ctx context.Context) {
	tick := time.NewTicker(trimInterval)
	defer tick.Stop()
	for {
		looked := make(chan error, 1)
		go func() { looked <- w.look(time.Now()) }()
		select {
		case err := <-looked:
			if err != nil {
				w.log.Debug("can't look for trimmed topics, retrying", "error", err)
			}
		case <-ctx.Done(): // a Kafka that stays silent doesn't hold up the end
			go func() { <-looked; w.hangUp() }()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.hangUp()
			return
		}
	}
}

// look connects at first, and again after it has failed.
func (w *TrimWatch) look(now time.Time) (err error) {
	if w.client == nil {
		config := newConfig(w.kafka.Security)
		config.Metadata.RefreshFrequency = trimInterval // for added partitions
		if w.client, err = dial(w.kafka.Brokers, config); err != nil {
			w.client = nil
			return err
		}
	}
	if err = w.lookAtAll(now); err != nil {
		w.hangUp()
	}
	return err
}

func (w *TrimWatch) hangUp() {
	if w.client != nil {
		_ = w.client.Close()
		w.client = nil
	}
}

func (w *TrimWatch) lookAtAll(now time.Time) error {
	var errs []error
	for _, topic := range w.topics {
		deleted, err := w.lookAt(w.client, topic, now)
		w.trimmed.Add(deleted)
		if deleted > 0 && !w.warned[topic] {
			w.warned[topic] = true
			w.log.Warn("records were deleted before mq.retention was over: the topic has reached its bound in bytes; "+
				"raise mq.broker_max_bytes, or retention.bytes of a topic on Kafka", "topic", topic, "retention", w.retention.String(), "records", deleted)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// lookAt counts the records of a topic that were deleted too early since the last look.
func (w *TrimWatch) lookAt(client sarama.Client, topic string, now time.Time) (deleted int64, err error) {
	partitions, err := client.Partitions(topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return 0, nil
	}
	for _, id := range partitions {
		partition := topicPartition{topic, id}
		oldest, err := client.GetOffset(topic, id, sarama.OffsetOldest)
		if err != nil {
			return deleted, fmt.Errorf("topic %s, partition %d: %w", topic, id, err)
		}
		if kept, known := w.kept[partition]; known {
			deleted += max(0, oldest-kept)
		}
		if w.kept[partition], err = offsetAt(client, topic, id, now.Add(-w.retention)); err != nil {
			delete(w.kept, partition)
			return deleted, fmt.Errorf("topic %s, partition %d: %w", topic, id, err)
		}
	}
	return deleted, err
}
