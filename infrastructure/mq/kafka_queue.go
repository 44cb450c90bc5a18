package mq

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/singleflight"
)

var _ Helper = (*KafkaQueue)(nil)

var errQueueClosed = errors.New("the queue is closed")

// queueTimeout bounds each step of a send: to write, to read an answer, and to
// look for the leader of a partition.
const queueTimeout = 5 * time.Second

// KafkaQueue sends each event to a Kafka topic at once, with acks=all and
// idempotence, and waits for the acknowledgement. It connects when it is first
// used, and creates the topic if it is missing. It keeps nothing: if Kafka doesn't
// acknowledge an event, the caller decides what to do with it. The shop's own
// Helper is the spool.
//
// SendEvent takes as long as sarama's timeouts allow: 44 s at most, which are two
// attempts of 13 s (3 s to connect, 5 s to write, 5 s to read the answer) and
// 18 s in between to look for the partition's leader (3 s to connect, and three
// answers). Until there is a first connection, each call tries to make it and
// fails after 18 s at most, whatever the number of brokers; to look for the topic
// and to create it can take twice that.
type KafkaQueue struct {
	kafka   Kafka
	topic   string
	options options
	source  string
	timeout time.Duration // queueTimeout

	connecting singleflight.Group
	mu         sync.Mutex
	client     sarama.Client       // nil before the first connection
	producer   sarama.SyncProducer // on client
	sequence   uint64
	closed     bool
	calls      sync.WaitGroup // of SendEvent
}

// NewKafkaQueue prepares a queue to topic on the brokers (host:port). It does
// not connect: the error is about its arguments only.
func NewKafkaQueue(brokers []string, topic string, opts ...Option) (*KafkaQueue, error) {
	o, err := newOptions(brokers, topic, opts)
	if err != nil {
		return nil, fmt.Errorf("new Kafka queue: %w", err)
	}
	source, err := NewSource(o.instance)
	if err != nil {
		return nil, err
	}
	return &KafkaQueue{kafka: Kafka{slices.Clone(brokers), o.security}, topic: topic, options: o, source: source, timeout: queueTimeout}, nil
}

// SendEvent returns true when Kafka has acknowledged the event. The error wraps
// ErrLost if the event is certainly not in the topic, and ErrUnconfirmed if it
// may be.
func (q *KafkaQueue) SendEvent(key string, value []byte, headers ...Header) (bool, error) {
	if !q.begin() {
		return false, fmt.Errorf("%w: %w", ErrLost, errQueueClosed)
	}
	defer q.calls.Done()
	producer, err := q.connect()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrLost, err)
	}
	headers, at := CompleteHeaders(headers)
	event := Record{Key: key, Value: value, Time: at, Headers: AppendSource(headers, q.source, q.number())}
	_, _, err = producer.SendMessage(event.message(q.topic))
	if err == nil {
		return true, nil
	}
	outcome := ErrUnconfirmed
	if rejects(err) || errors.Is(err, sarama.ErrClosedClient) {
		outcome = ErrLost
	}
	return false, fmt.Errorf("%w: %w", outcome, err)
}

// begin enters a call, unless the queue is closed. sarama panics if a producer is
// closed while a call still feeds it.
func (q *KafkaQueue) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.calls.Add(1)
	return true
}

func (q *KafkaQueue) number() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sequence++
	return q.sequence
}

// connect returns the producer, and makes it if there is none. Calls that come
// meanwhile share the attempt.
func (q *KafkaQueue) connect() (sarama.SyncProducer, error) {
	q.mu.Lock()
	producer := q.producer
	q.mu.Unlock()
	if producer != nil {
		return producer, nil
	}
	made, err, _ := q.connecting.Do("", func() (any, error) { return q.makeProducer() })
	if err != nil {
		return nil, err
	}
	return made.(sarama.SyncProducer), nil
}

func (q *KafkaQueue) makeProducer() (_ sarama.SyncProducer, err error) {
	client, err := dial(q.kafka.Brokers, queueConfig(q.kafka.Security, q.timeout))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, client.Close())
		}
	}()
	if err := ensureTopic(client, q.topic, q.options.topic, q.options.log); err != nil {
		return nil, err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("make producer: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.client, q.producer = client, producer
	return producer, nil
}

func queueConfig(security Security, timeout time.Duration) *sarama.Config {
	config := newConfig(security)
	config.Net.ReadTimeout = timeout
	config.Net.WriteTimeout = timeout
	config.Metadata.Retry.Max = 1
	config.Metadata.Timeout = timeout
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // sarama requires it of an idempotent producer
	config.Producer.Retry.Max = 1
	config.Producer.Timeout = timeout
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = maxRecordBytes
	config.Producer.Flush.MaxMessages = 1 // Kafka rejects an event alone, not with its neighbours
	return config
}

// Close ends the connection. Calls under way are finished first; later ones get
// ErrLost.
func (q *KafkaQueue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.calls.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.producer == nil {
		return nil
	}
	err := errors.Join(q.producer.Close(), q.client.Close())
	q.producer, q.client = nil, nil
	return err
}
