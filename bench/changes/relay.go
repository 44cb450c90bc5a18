//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"literank.com/event-books/bench/testbed"
)

const (
	// leastRelay is what is asked: the relay ÷ sarama alone.
	leastRelay = 0.5
	// relayBatch is the number of changes that the relay sends at once.
	relayBatch = 1000
	// leastPending is the number of changes that must wait.
	leastPending = 50_000
	published    = "event_books_changes_published_total"
)

// measureRelay compares the relay with a producer that sends the same records.
func (s *station) measureRelay(ctx context.Context, set settings, file string) (figures []figure, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	program, err := s.build(ctx, "")
	if err != nil {
		return nil, err
	}
	dsn, db, drop, err := testbed.NewDatabase(ctx, s.server, "changes")
	if err != nil {
		return nil, err
	}
	closers.Add(drop)
	if _, err := testbed.Import(ctx, program, s.dir, dsn, file); err != nil {
		return nil, err
	}
	prefix := newPrefix("relay")
	shop, err := s.launch("relay", program, 0, environ(0, dsn, s.brokers, prefix), &closers, cancel)
	if err != nil {
		return nil, err
	}
	if err := shop.Ready(ctx); err != nil {
		return nil, err
	}
	calls := []int{relayBatch, 5 * relayBatch}
	ratios, bare := make([][]float64, len(calls)), make([][]float64, len(calls))
	var relayed []float64
	var messages []*sarama.ProducerMessage
	for i := range max(1, int(3*set.scale)) | 1 {
		if i > 0 {
			if err := refill(ctx, db); err != nil {
				return nil, err
			}
			if err := shop.Launch(); err != nil {
				return nil, err
			}
			if err := shop.Ready(ctx); err != nil {
				return nil, err
			}
		}
		rate, err := relayRate(ctx, shop, db)
		if err != nil {
			return nil, errors.Join(err, context.Cause(ctx))
		}
		if _, err := shop.End(syscall.SIGTERM); err != nil {
			return nil, err
		}
		if messages == nil {
			if messages, err = readMessages(ctx, s.brokers, prefix+changeTopic); err != nil {
				return nil, err
			}
		}
		relayed = append(relayed, rate)
		for j, call := range calls {
			alone, err := bareRate(s.kafka, s.brokers, fmt.Sprintf("%sbare-%d-%d", prefix, i, call), messages, call)
			if err != nil {
				return nil, err
			}
			log.Printf("the relay sends %.0f records/s, sarama alone %.0f in calls of %d", rate, alone, call)
			ratios[j], bare[j] = append(ratios[j], rate/alone), append(bare[j], alone)
		}
	}
	for j, call := range calls {
		least := leastRelay
		if call != relayBatch {
			least = 0
		}
		figures = append(figures, ratio(fmt.Sprintf("the relay with %d changes waiting ÷ `SendMessages` of the same records, %d in a call", len(messages), call), ratios[j], least,
			fmt.Sprintf("median %.0f and %.0f records/s", median(relayed), median(bare[j]))))
	}
	return figures, nil
}

// refill puts all books into the outbox again.
func refill(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "INSERT INTO outbox (book_id, version, kind, changed_at) SELECT id, version, 'updated', ? FROM books", time.Now().UnixMilli())
	return err
}

// relayRate waits until the shop has published everything, and returns the records per
// second since it began to.
func relayRate(ctx context.Context, shop *testbed.Shop, db *sql.DB) (float64, error) {
	first, begun := 0, time.Time{}
	last, ended := 0, time.Time{}
	for {
		n, err := shop.Gauge(ctx, published)
		if err != nil {
			return 0, err
		}
		now := time.Now()
		switch {
		case n == 0:
		case begun.IsZero():
			first, begun = n, now
		case n > last:
			last, ended = n, now
		}
		if n > 0 && now.Sub(ended) > 500*time.Millisecond && !ended.IsZero() {
			var waiting int
			if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM outbox").Scan(&waiting); err != nil {
				return 0, err
			}
			if waiting == 0 {
				break
			}
		}
		if err := testbed.Sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
	if last < leastPending {
		return 0, fmt.Errorf("only %d changes waited, not %d", last, leastPending)
	}
	return float64(last-first) / ended.Sub(begun).Seconds(), nil
}

// readMessages returns the records of a topic as messages without a topic.
func readMessages(ctx context.Context, brokers []string, topic string) (messages []*sarama.ProducerMessage, err error) {
	err = testbed.NewTopicReader(brokers, topic).Read(ctx, func(m *sarama.ConsumerMessage) {
		message := &sarama.ProducerMessage{Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Timestamp: m.Timestamp}
		for _, h := range m.Headers {
			message.Headers = append(message.Headers, *h)
		}
		messages = append(messages, message)
	})
	return messages, err
}

// bareRate sends messages to a new topic, like the relay with acks=all and idempotence, and
// returns how many a second.
func bareRate(kafka *testbed.Kafka, brokers []string, topic string, messages []*sarama.ProducerMessage, call int) (rate float64, err error) {
	compact := "compact"
	err = kafka.WithAdmin(func(admin sarama.ClusterAdmin) error {
		return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: map[string]*string{"cleanup.policy": &compact}}, false)
	})
	if err != nil {
		return 0, err
	}
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(brokers, config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	begun := time.Now()
	for from := 0; from < len(messages); from += call {
		part := make([]*sarama.ProducerMessage, 0, call)
		for _, m := range messages[from:min(from+call, len(messages))] {
			part = append(part, &sarama.ProducerMessage{Topic: topic, Key: m.Key, Value: m.Value, Headers: m.Headers, Timestamp: m.Timestamp})
		}
		if err := producer.SendMessages(part); err != nil {
			return 0, err
		}
	}
	return float64(len(messages)) / time.Since(begun).Seconds(), nil
}
