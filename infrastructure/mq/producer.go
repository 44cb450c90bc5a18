package mq

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxRecordBytes bounds an event; a hundred books with ordinary descriptions
	// have a tenth of it. Topics made by us take records of this size; the embedded broker takes
	// requests of 16 MiB.
	maxRecordBytes = 15 << 20
	// maxBatchBytes bounds what is sent at once for a partition: a batch has to
	// fit into any topic, also one made with Kafka's default of 1 MiB, or its
	// events would all be refused together.
	maxBatchBytes = 1_000_000
)

// producer is an idempotent producer on a client of its own.
type producer struct {
	client sarama.Client
	sarama.SyncProducer
}

// newProducer connects a producer for batches, and so also for events, of at
// most maxBytes.
func newProducer(brokers []string, security Security, maxBytes int) (*producer, error) {
	config := newConfig(security)
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // keeps the order; sarama requires it of an idempotent producer
	config.Producer.Retry.Max = 10
	config.Producer.Retry.Backoff = 250 * time.Millisecond
	config.Producer.Timeout = 5 * time.Second
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = maxBytes
	if maxBytes > maxBatchBytes {
		config.Producer.Flush.MaxMessages = 1
	}
	client, err := dial(brokers, config)
	if err != nil {
		return nil, err
	}
	sync, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make producer: %w", err), client.Close())
	}
	return &producer{client, sync}, nil
}

// close may be called on nil.
func (p *producer) close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.SyncProducer.Close(), p.client.Close())
}
