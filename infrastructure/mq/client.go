package mq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// TopicConfig is how a topic is made that doesn't exist.
type TopicConfig struct {
	Partitions int
	// Replication 0 = as many as there are brokers, at most 3.
	Replication int
	Retention   time.Duration
}

// newConfig holds what every client of ours needs: no topic is ever made by
// merely asking for it, and a broker that doesn't answer is given up in
// seconds.
func newConfig(security Security) *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "event-books"
	c.Version = sarama.V2_8_0_0 // a protocol that Kafka 2.8 to 4.x speak
	c.Metadata.AllowAutoTopicCreation = false
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 10 * time.Second
	c.Net.WriteTimeout = 10 * time.Second
	c.Admin.Timeout = 10 * time.Second
	security.apply(c)
	return c
}

// ensureTopic creates the topic through the admin interface if it is missing,
// and waits until the client knows it. It reports whether it was created, also
// together with an error.
func ensureTopic(client sarama.Client, topic string, want TopicConfig) (created bool, err error) {
	created, err = createTopic(client, topic, want)
	if err != nil {
		return created, err
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, time.Second
	_, err = backoff.Retry(context.Background(), func() (struct{}, error) { return struct{}{}, client.RefreshMetadata(topic) },
		backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(10*time.Second))
	if err != nil {
		return created, fmt.Errorf("learn of topic %s: %w", topic, err)
	}
	return created, nil
}

// createTopic doesn't touch a topic that exists.
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
	maxBytes := strconv.Itoa(maxRecordBytes)
	retention := strconv.FormatInt(want.Retention.Milliseconds(), 10)
	detail := &sarama.TopicDetail{
		NumPartitions:     int32(want.Partitions),
		ReplicationFactor: int16(want.Replication),
		ConfigEntries:     map[string]*string{"retention.ms": &retention, "max.message.bytes": &maxBytes},
	}
	if want.Replication == 0 {
		if err := client.RefreshMetadata(); err != nil {
			return false, fmt.Errorf("count brokers: %w", err)
		}
		detail.ReplicationFactor = int16(min(3, len(client.Brokers())))
	}
	if detail.ReplicationFactor >= 3 {
		minISR := "2"
		detail.ConfigEntries["min.insync.replicas"] = &minISR
	}
	err = admin.CreateTopic(topic, detail, false)
	if errors.Is(err, sarama.ErrInvalidConfig) || errors.Is(err, sarama.ErrPolicyViolation) {
		// Some clusters don't let a topic take large records; then those are lost.
		delete(detail.ConfigEntries, "max.message.bytes")
		err = admin.CreateTopic(topic, detail, false)
	}
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return false, nil // another instance was faster
	}
	if err != nil {
		return false, fmt.Errorf("create topic %s: %w", topic, err)
	}
	return true, nil
}
