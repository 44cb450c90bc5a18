package mq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// TopicConfig says how a missing topic is created.
type TopicConfig struct {
	Partitions int
	// Replication 0 means one replica on each broker, at most 3.
	Replication int
	Retention   time.Duration
	// Compacted: Kafka keeps the last record of each key for ever, and Retention doesn't
	// apply. The embedded broker bounds the topic by its size.
	Compacted bool
	// MaxBytes bounds a batch of records; 0 means that of the largest event.
	MaxBytes int
}

// ensureTopic creates the topic through the admin interface if it is missing,
// logs that, and waits until the client knows the topic.
func ensureTopic(client sarama.Client, topic string, want TopicConfig, log *slog.Logger) error {
	created, err := createTopic(client, topic, want)
	if err != nil {
		return err
	}
	if created {
		log.Info("topic created", "topic", topic)
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, time.Second
	_, err = backoff.Retry(context.Background(), func() (struct{}, error) { return struct{}{}, client.RefreshMetadata(topic) },
		backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(10*time.Second))
	if err != nil {
		return fmt.Errorf("metadata of topic %s: %w", topic, err)
	}
	return nil
}

// createTopic leaves an existing topic as it is.
func createTopic(client sarama.Client, topic string, want TopicConfig) (created bool, err error) {
	// Closing the admin would close the client with it.
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return false, fmt.Errorf("topic %s: %w", topic, err)
	}
	found, err := admin.DescribeTopics([]string{topic})
	if err != nil {
		return false, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	if len(found) == 1 && found[0].Err == sarama.ErrNoError {
		return false, nil
	}
	if len(found) == 1 && found[0].Err != sarama.ErrUnknownTopicOrPartition {
		return false, fmt.Errorf("describe topic %s: %w", topic, found[0].Err)
	}
	detail, err := want.detail(client)
	if err != nil {
		return false, err
	}
	err = admin.CreateTopic(topic, detail, false)
	if errors.Is(err, sarama.ErrInvalidConfig) || errors.Is(err, sarama.ErrPolicyViolation) {
		// Some clusters forbid large records. Then they go to the dead letters.
		delete(detail.ConfigEntries, "max.message.bytes")
		err = admin.CreateTopic(topic, detail, false)
	}
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return false, nil // by another instance in the meantime
	}
	if err != nil {
		return false, fmt.Errorf("create topic %s: %w", topic, err)
	}
	return true, nil
}

// detail returns the settings of the topic on this cluster.
func (c TopicConfig) detail(client sarama.Client) (*sarama.TopicDetail, error) {
	maxBytes := strconv.Itoa(cmp.Or(c.MaxBytes, maxRecordBytes))
	retention := strconv.FormatInt(c.Retention.Milliseconds(), 10)
	detail := &sarama.TopicDetail{
		NumPartitions:     int32(c.Partitions),
		ReplicationFactor: int16(c.Replication),
		ConfigEntries:     map[string]*string{"retention.ms": &retention, "max.message.bytes": &maxBytes},
	}
	if c.Compacted {
		compact := "compact"
		detail.ConfigEntries["cleanup.policy"] = &compact
		delete(detail.ConfigEntries, "retention.ms")
	}
	if c.Replication == 0 {
		if err := client.RefreshMetadata(); err != nil {
			return nil, fmt.Errorf("count brokers: %w", err)
		}
		detail.ReplicationFactor = int16(min(3, len(client.Brokers())))
	}
	if detail.ReplicationFactor >= 3 {
		minISR := "2"
		detail.ConfigEntries["min.insync.replicas"] = &minISR
	}
	return detail, nil
}

// topicBatchBytes asks how many bytes the topic takes at once for a partition.
// Without an answer it assumes Kafka's default.
func topicBatchBytes(client sarama.Client, topic string) int {
	admin, err := sarama.NewClusterAdminFromClient(client) // closing it would close the client
	if err != nil {
		return unknownBatchBytes
	}
	const setting = "max.message.bytes"
	found, err := admin.DescribeConfigs([]*sarama.ConfigResource{
		{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{setting}},
	}, sarama.DescribeConfigsOptions{})
	if err != nil || len(found) != 1 {
		return unknownBatchBytes
	}
	for _, entry := range found[0].Configs {
		if n, err := strconv.Atoi(entry.Value); err == nil && entry.Name == setting {
			return min(maxPartitionBytes, n-n/20)
		}
	}
	return unknownBatchBytes
}
