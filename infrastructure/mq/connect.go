package mq

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// connect tries until it has a producer or the queue is given up.
func (q *KafkaQueue) connect() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 100 * time.Millisecond
	pause.MaxInterval = 5 * time.Second
	for {
		err := q.connectOnce()
		if err == nil {
			q.setState(up, nil)
			close(q.connected)
			return
		}
		q.setState(down, err)
		select {
		case <-q.closing.Done():
			return
		case <-time.After(pause.NextBackOff()):
		}
	}
}

func (q *KafkaQueue) connectOnce() (err error) {
	config := newConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // keeps the order; sarama requires it of an idempotent producer
	config.Producer.Retry.Max = 10
	config.Producer.Retry.Backoff = 250 * time.Millisecond
	config.Producer.Timeout = 5 * time.Second
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	client, err := sarama.NewClient(q.brokers, config)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, client.Close())
		}
	}()
	created, err := ensureTopic(client, q.topic, q.options.topic)
	if err != nil {
		return err
	}
	if created {
		q.options.log.Info("topic created", "topic", q.topic)
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	q.client, q.producer = client, producer
	return nil
}
