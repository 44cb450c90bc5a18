package mq

import (
	"context"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Internals for the tests of package mq_test, which import mqtest and so can't
// be part of package mq.

const (
	MaxRecordBytes    = maxRecordBytes
	UnknownBatchBytes = unknownBatchBytes
)

// WithQueueTimeout shortens the timeouts of a KafkaQueue.
func (q *KafkaQueue) WithQueueTimeout(d time.Duration) *KafkaQueue {
	q.timeout = d
	return q
}

// Session is the present session of a producer.
type Session struct{ s *session }

func (p *Producer) Session(ctx context.Context) (Session, error) {
	s, err := p.connection(ctx)
	return Session{s}, err
}

// NewSession returns a session that no Producer knows.
func NewSession(brokers []string) (Session, error) {
	s, err := newSession(Kafka{Brokers: brokers}, maxPartitionBytes)
	return Session{s}, err
}

// Send tries for a minute to send records to the partitions that they name.
func (s Session) Send(ctx context.Context, topic string, records []*Record) []error {
	messages := make([]*sarama.ProducerMessage, len(records))
	for i, r := range records {
		messages[i] = r.message(topic)
		messages[i].Partition = r.Partition
	}
	return s.s.send(ctx, messages, time.Minute, time.Minute, func() {})
}

func (s Session) Drop()                    { s.s.drop() }
func (s Session) Dropped() <-chan struct{} { return s.s.dropped }
func (s Session) Ended() <-chan struct{}   { return s.s.ended }

// Refresh makes the session ask for the topic's metadata now.
func (s Session) Refresh(topics ...string) error { return s.s.client.RefreshMetadata(topics...) }

// Knows reports whether the session's metadata has the topic.
func (s Session) Knows(topic string) bool {
	topics, _ := s.s.client.Topics()
	return slices.Contains(topics, topic)
}

// Look makes the watch look at its topics now.
func (w *TrimWatch) Look(now time.Time) error { return w.look(now) }
