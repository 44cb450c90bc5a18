package mq

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/eapache/go-resiliency/breaker"
	"github.com/google/uuid"
)

// accept finds a place for an event and begins to send it.
func (q *KafkaQueue) accept(key string, value []byte, headers []Header) (*send, error) {
	q.doorMu.RLock()
	defer q.doorMu.RUnlock()
	if q.closed {
		return nil, fmt.Errorf("%w: the queue is closed", ErrLost)
	}
	if q.bytes.Add(int64(len(value))) > maxUnderwayBytes {
		q.bytes.Add(-int64(len(value)))
		q.overflow(true)
		return nil, fmt.Errorf("%w: %d MiB of events are under way already", ErrLost, maxUnderwayBytes>>20)
	}
	select {
	case q.places <- struct{}{}:
		if len(q.places) <= cap(q.places)*9/10 { // not at each place that becomes free
			q.overflow(false)
		}
	default:
		q.bytes.Add(-int64(len(value)))
		q.overflow(true)
		return nil, fmt.Errorf("%w: %d events are under way already", ErrLost, q.options.places)
	}
	q.underway.Add(1)
	q.Connect()
	s := &send{queue: q, size: int64(len(value)), message: q.message(key, value, headers), begun: time.Now(), done: make(chan error, 1)}
	q.working.Go(s.run)
	return s, nil
}

// message builds the record and numbers it: from here on it is accepted.
func (q *KafkaQueue) message(key string, value []byte, headers []Header) *sarama.ProducerMessage {
	now := time.Now()
	msg := &sarama.ProducerMessage{
		Topic: q.topic, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(value),
		Headers: make([]sarama.RecordHeader, 0, len(headers)+4),
	}
	add := func(key, value string) {
		msg.Headers = append(msg.Headers, sarama.RecordHeader{Key: []byte(key), Value: []byte(value)})
	}
	hasID := false
	for _, h := range headers {
		msg.Headers = append(msg.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
		switch h.Key {
		case "ce_id":
			hasID = true
		case "ce_time":
			if t, err := time.Parse(time.RFC3339Nano, string(h.Value)); err == nil {
				msg.Timestamp = t
			}
		}
	}
	if !hasID {
		add("ce_id", uuid.Must(uuid.NewV7()).String())
	}
	if msg.Timestamp.IsZero() {
		msg.Timestamp = now
		add("ce_time", now.UTC().Format(time.RFC3339Nano))
	}
	add("ce_source", q.source)
	add("ce_sequence", fmt.Sprintf("%020d", q.sequence.Add(1)))
	return msg
}

// send is one event under way.
type send struct {
	queue   *KafkaQueue
	size    int64 // of the value
	message *sarama.ProducerMessage
	begun   time.Time
	done    chan error // takes the outcome; nil, or wraps ErrLost or ErrUnconfirmed

	mu        sync.Mutex
	abandoned bool // counted as unconfirmed; nobody waits
	settled   bool
}

func (s *send) run() {
	q := s.queue
	defer func() {
		q.underway.Add(-1)
		q.bytes.Add(-s.size)
		<-q.places
	}()
	err := q.deliver(s.message)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = true
	if s.abandoned && (err == nil || errors.Is(err, ErrLost)) {
		q.unconfirmed.Add(-1)
	}
	switch {
	case err == nil:
		q.delivered.Add(1)
		q.lastAck.Store(time.Now().UnixNano())
		q.setState(up, nil)
	case errors.Is(err, ErrLost):
		q.lost.Add(1)
	case !s.abandoned:
		q.unconfirmed.Add(1)
	}
	s.done <- err
}

// abandon counts the send as unconfirmed, unless it was settled meanwhile.
func (s *send) abandon() (err error, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settled {
		return <-s.done, true
	}
	s.abandoned = true
	s.queue.unconfirmed.Add(1)
	return nil, false
}

const (
	// recordVersion is the format of records since Kafka 0.11.
	recordVersion = 2
	// breakerPause is how often a send asks whether sarama tries again, and
	// resendPause how long it waits after sarama gave up.
	breakerPause = time.Second
	resendPause  = time.Second
)

// deliver tries until Kafka acknowledges or refuses the event, or until the
// queue is given up.
func (q *KafkaQueue) deliver(msg *sarama.ProducerMessage) error {
	select {
	case <-q.connected:
	case <-q.closing.Done():
		return fmt.Errorf("%w: the queue was closed before Kafka was reached", ErrLost)
	}
	producer := q.normal
	if msg.ByteSize(recordVersion) >= maxBatchBytes {
		producer = q.large
	}
	for restored := false; ; {
		_, _, err := producer.SendMessage(msg)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, breaker.ErrBreakerOpen):
			// sarama rests after failures, for ten seconds; nothing was sent.
			q.setState(down, err)
			select {
			case <-time.After(breakerPause):
			case <-q.closing.Done():
				return fmt.Errorf("%w: the queue was closed before Kafka was reached again", ErrLost)
			}
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition) && !restored:
			// The topic was deleted while we run.
			if err := q.restoreTopic(); err != nil {
				q.setState(down, err)
				return fmt.Errorf("%w: %w", ErrLost, err)
			}
			restored = true
		case refused(err):
			q.options.log.Error("Kafka refused an event", "error", err)
			return fmt.Errorf("%w: %w", ErrLost, err)
		default:
			// Whether it arrived isn't known: another copy has the same ce_id.
			q.setState(down, err)
			q.options.log.Debug("an event is sent again", "error", err)
			select {
			case <-time.After(resendPause):
			case <-q.closing.Done():
				return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
			}
		}
	}
}

// refused reports errors after which the record is certainly not in the
// topic and never will be.
func refused(err error) bool {
	for _, refusal := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidMessage, sarama.ErrInvalidMessageSize,
		sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic, sarama.ErrTopicAuthorizationFailed,
		sarama.ErrClusterAuthorizationFailed, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidTimestamp,
		sarama.ErrInvalidRecord,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	_, invalid := errors.AsType[sarama.ConfigurationError](err) // sarama's own check of the size
	return invalid
}

func (q *KafkaQueue) restoreTopic() error {
	q.topicMu.Lock()
	defer q.topicMu.Unlock()
	created, err := ensureTopic(q.normal.client, q.topic, q.options.topic)
	if created {
		q.options.log.Warn("topic was missing and is made anew", "topic", q.topic)
	}
	return err
}
