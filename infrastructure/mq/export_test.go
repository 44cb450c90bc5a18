package mq

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/domain/gateway"
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

// Shard is a claimed partition without a group and a topic.
type Shard struct{ s *shard }

// ClaimShard claims a partition of a consumer.
func ClaimShard(ctx context.Context, handlers gateway.Handlers, progress gateway.Progress) Shard {
	c := NewConsumer(Kafka{}, "group", "topic", handlers, progress, slog.New(slog.DiscardHandler))
	s := &shard{Consumer: c}
	var err error
	if s.Checkpoint, err = progress.Claim(ctx, s.Shard); err != nil {
		panic(err)
	}
	return Shard{s}
}

func (s Shard) GoTo(position int64) { s.s.Next, s.s.Last = position, "" }
func (s Shard) Next() int64         { return s.s.Next }

// Handle handles records; session is the context of the claim's session.
func (s Shard) Handle(session context.Context, records []*Record) error {
	return s.s.handle(context.WithoutCancel(session), session, records)
}
