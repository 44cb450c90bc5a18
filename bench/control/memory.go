package control

import (
	"context"
	"sync"
	"time"

	"literank.com/event-books/infrastructure/mq"
)

// Memory is a Helper that keeps events in memory instead of on disk: it accepts
// each one at once, sends them in order, and loses what waits when its process
// ends.
type Memory struct {
	producer *mq.Producer
	source   string

	mu       sync.Mutex
	sequence uint64
	waiting  []*mq.Record
	more     chan struct{} // has room for one wake-up
}

// NewMemory begins to send to topic.
func NewMemory(brokers []string, topic string) (*Memory, error) {
	producer, err := mq.NewProducer(brokers, topic)
	if err != nil {
		return nil, err
	}
	source, err := mq.NewSource("control")
	if err != nil {
		return nil, err
	}
	m := &Memory{producer: producer, source: source, more: make(chan struct{}, 1)}
	producer.Connect()
	go m.send()
	return m, nil
}

// SendEvent never waits.
func (m *Memory) SendEvent(key string, value []byte, headers ...mq.Header) (bool, error) {
	headers, at := mq.CompleteHeaders(headers)
	m.mu.Lock()
	m.sequence++
	m.waiting = append(m.waiting, &mq.Record{Key: key, Value: value, Time: at, Headers: mq.AppendSource(headers, m.source, m.sequence)})
	m.mu.Unlock()
	select {
	case m.more <- struct{}{}:
	default:
	}
	return true, nil
}

// send never ends.
func (m *Memory) send() {
	const pause = 100 * time.Millisecond
	ctx := context.Background()
	for range m.more {
		m.mu.Lock()
		left := m.waiting
		m.waiting = nil
		m.mu.Unlock()
		for len(left) > 0 {
			partitions, err := m.producer.Partitions(ctx)
			if err == nil {
				left, err = m.producer.Deliver(ctx, left, partitions, func(*mq.Record, error) {})
			}
			if err != nil {
				time.Sleep(pause)
			}
		}
	}
}
