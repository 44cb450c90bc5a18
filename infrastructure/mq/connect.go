package mq

import (
	"errors"
	"time"

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
		if err := q.normal.client.RefreshMetadata(q.topic); err == nil && q.underway.Load() == 0 {
			q.setState(up, nil)
		}
	}
}

func (q *KafkaQueue) connectOnce() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, q.normal.close(), q.large.close())
		}
	}()
	if q.normal, err = newProducer(q.brokers, q.options.security, maxBatchBytes); err != nil {
		return err
	}
	created, err := ensureTopic(q.normal.client, q.topic, q.options.topic)
	if created {
		q.options.log.Info("topic created", "topic", q.topic)
	}
	if err != nil {
		return err
	}
	q.large, err = newProducer(q.brokers, q.options.security, maxRecordBytes)
	return err
}
