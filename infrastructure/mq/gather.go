package mq

import (
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// gather makes sarama wait until it has taken all messages of a call before it
// puts the first one into a request. Otherwise a busy machine splits the call
// into several requests, and Kafka could reject an earlier one and take a later
// one. sarama's channels must have room for all messages.
func gather(messages []*sarama.ProducerMessage) {
	g := &gate{opened: make(chan struct{})}
	for i, m := range messages {
		m.Value = gatedValue{m.Value, g, i == len(messages)-1}
	}
}

// gate opens when sarama takes the last message.
type gate struct {
	opened  chan struct{}
	opening sync.Once
}

// gatedValue relies on sarama calling Length on every message before encoding
// any.
type gatedValue struct {
	sarama.Encoder
	gate *gate
	last bool
}

func (v gatedValue) Length() int {
	if v.last {
		v.gate.opening.Do(func() { close(v.gate.opened) })
	}
	return v.Encoder.Length()
}

func (v gatedValue) Encode() ([]byte, error) {
	select {
	case <-v.gate.opened: // usually; a timer for each message would be expensive
	default:
		select {
		case <-v.gate.opened:
		case <-time.After(endTimeout): // the session is being closed
		}
	}
	return v.Encoder.Encode()
}
