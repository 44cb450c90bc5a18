package mq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// connectPatience is longer than sarama's own tries of a first contact take.
const connectPatience = time.Minute

var errSilent = errors.New("it does not answer any more")

// keepConnected has a producer at hand until the queue is given up, and another
// one when that was dropped.
func (q *KafkaQueue) keepConnected() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 100 * time.Millisecond
	pause.MaxInterval = 5 * time.Second
	for q.closing.Err() == nil {
		ctx, cancel := context.WithTimeoutCause(q.closing, connectPatience, errSilent)
		p, err := q.connectWithin(ctx, q.topic)
		cancel()
		switch {
		case err != nil && q.closing.Err() != nil: // that is why
		case err != nil:
			q.setState(down, err)
		default:
			if q.sending.Load() == 0 {
				q.setState(up, nil) // otherwise the first acknowledgement tells
			}
			begun := time.Now()
			q.use(p)
			select {
			case <-p.dropped:
				q.use(nil)
			case <-q.closing.Done():
				p.drop()
				return
			}
			if time.Since(begun) > leastPatience {
				pause.Reset()
			}
		}
		select {
		case <-q.closing.Done():
		case <-time.After(pause.NextBackOff()):
		}
	}
}

// use puts another producer, or none, in the place of the one there was.
func (q *KafkaQueue) use(p *producer) {
	q.producerMu.Lock()
	defer q.producerMu.Unlock()
	q.producer = p
	close(q.changed)
	q.changed = make(chan struct{})
}

// connection waits for a producer until ctx ends.
func (q *KafkaQueue) connection(ctx context.Context) (*producer, error) {
	for {
		q.producerMu.Lock()
		p, changed := q.producer, q.changed
		q.producerMu.Unlock()
		if p != nil && !p.isDropped() {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// connectWithin is connectTo that gives up when ctx ends; what it began then
// ends by itself.
func (q *KafkaQueue) connectWithin(ctx context.Context, topic string) (*producer, error) {
	type made struct {
		*producer
		error
	}
	result := make(chan made, 1)
	go func() {
		p, err := q.connectTo(topic)
		result <- made{p, err}
	}()
	select {
	case r := <-result:
		return r.producer, r.error
	case <-ctx.Done():
		go func() {
			if r := <-result; r.producer != nil {
				r.producer.drop()
			}
		}()
		return nil, fmt.Errorf("connect to Kafka: %w", context.Cause(ctx))
	}
}

// connectTo looks with a client of few tries whether Kafka is there and has the
// topic, since the producer's own client would try for minutes.
func (q *KafkaQueue) connectTo(topic string) (*producer, error) {
	probe, err := dial(q.brokers, newConfig(q.options.security))
	if errors.Is(err, io.EOF) && q.reached.Load() {
		return nil, errors.New("connect to Kafka: it ends the connection") // not for a setting, which were right before
	}
	if err != nil {
		return nil, err
	}
	q.reached.Store(true)
	defer probe.Close()
	created, err := ensureTopic(probe, topic, q.options.topic)
	if created {
		q.options.log.Info("topic created", "topic", topic)
	}
	if err != nil {
		return nil, err
	}
	batchBytes := unknownBatchBytes
	if admin, err := sarama.NewClusterAdminFromClient(probe); err == nil { // closing it would close the client
		batchBytes = topicBatchBytes(admin, topic)
	}
	return newProducer(q.brokers, q.options, batchBytes)
}
