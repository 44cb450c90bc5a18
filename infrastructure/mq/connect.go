package mq

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// connect tries until it has a producer, then watches over it until the queue
// is given up.
func (q *KafkaQueue) connect() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 100 * time.Millisecond
	pause.MaxInterval = 5 * time.Second
	for {
		err := q.connectOnce()
		if err == nil {
			q.setState(up, nil)
			close(q.connected)
			q.watch()
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

// watch finds out that Kafka is back when no event is under way that would
// tell. That it answers doesn't prove that it acknowledges, so without an
// acknowledgement in between it is asked ever more rarely.
func (q *KafkaQueue) watch() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = time.Second
	pause.MaxInterval = time.Minute
	asked := time.Now()
	for {
		select {
		case <-q.closing.Done():
			return
		case <-time.After(pause.NextBackOff()):
		}
		if !q.isDown() || q.underway.Load() > 0 {
			pause.Reset()
			continue
		}
		if q.lastAck.Load() > asked.UnixNano() {
			pause.Reset()
		}
		asked = time.Now()
		if err := q.client.RefreshMetadata(q.topic); err == nil && q.underway.Load() == 0 {
			q.setState(up, nil)
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
