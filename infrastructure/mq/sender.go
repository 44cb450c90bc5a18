package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// senderTimeout bounds each step of a send: to write, and to read the answer.
const senderTimeout = 5 * time.Second

var errSenderClosed = errors.New("the connection to Kafka is closed")

// Sender sends single records to one topic, each as soon as possible. It keeps no order,
// sends a record again for some seconds only, and may send it twice. So it suits messages
// that matter for a moment, such as questions and their answers. Its methods may be called
// concurrently.
type Sender struct {
	client   sarama.Client
	producer sarama.AsyncProducer
	topic    string

	mu      sync.Mutex
	closed  bool
	calls   sync.WaitGroup // of Send
	reports sync.WaitGroup
}

// OpenSender connects to Kafka. The topic must exist.
func OpenSender(kafka Kafka, topic string) (*Sender, error) {
	config := newConfig(kafka.Security)
	config.Net.ReadTimeout = senderTimeout
	config.Net.WriteTimeout = senderTimeout
	config.Metadata.Timeout = senderTimeout
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Timeout = senderTimeout
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	client, err := dial(kafka.Brokers, config)
	if err != nil {
		return nil, err
	}
	producer, err := sarama.NewAsyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make producer: %w", err), client.Close())
	}
	s := &Sender{client: client, producer: producer, topic: topic}
	s.reports.Go(func() {
		for message := range producer.Successes() {
			message.Metadata.(func(error))(nil)
		}
	})
	s.reports.Go(func() {
		for failed := range producer.Errors() {
			failed.Msg.Metadata.(func(error))(failed.Err)
		}
	})
	return s, nil
}

// Send hands a record over. It waits while there is no room, until ctx ends. Without an
// error, done is called once: with nil when Kafka has acknowledged the record, and otherwise
// with the reason. done must return soon. The key chooses the partition, as in Kafka's Java
// client.
func (s *Sender) Send(ctx context.Context, r *Record, done func(error)) error {
	if !s.begin() {
		return errSenderClosed
	}
	defer s.calls.Done()
	message := r.message(s.topic)
	message.Metadata = done
	select {
	case s.producer.Input() <- message:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin enters a call, unless the sender is closed: sarama panics if it gets a message then.
func (s *Sender) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.calls.Add(1)
	return true
}

// Close ends the sender. Records that Kafka hasn't acknowledged fail. It returns after a
// second at most.
func (s *Sender) Close() {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.client.Close() // or sarama would go on retrying
		s.calls.Wait()
		s.producer.AsyncClose()
		s.reports.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(endTimeout):
	}
}

// CreateTopics creates the topics that are missing.
func CreateTopics(kafka Kafka, want TopicConfig, log *slog.Logger, topics ...string) error {
	client, err := dial(kafka.Brokers, newConfig(kafka.Security))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, topic := range topics {
		if err := ensureTopic(client, topic, want, log); err != nil {
			return err
		}
	}
	return nil
}
