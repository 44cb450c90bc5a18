// Package mq is the way to the message queue: it sends events to a Kafka
// topic and reads them back. It is the only place that knows sarama. It must
// not know what the events say.
package mq

import (
	"errors"

	"literank.com/event-books/domain/model"
)

// Header is one header of a record.
type Header = model.Header

// Helper sends events. Implementations may be called concurrently.
type Helper interface {
	// SendEvent hands over one event: the record's key, its value and its
	// headers. It supplies ce_id (UUIDv7) and ce_time where headers lack
	// them, adds ce_source and ce_sequence, and gives the record the time in
	// ce_time. It keeps value until the event is settled: the caller must not
	// change it.
	//
	// true means durably accepted, with a nil error. Otherwise the error wraps
	// ErrUnconfirmed, ErrLost or ErrRefused. It returns within about a second
	// whatever happens to Kafka.
	SendEvent(key string, value []byte, headers ...Header) (bool, error)
}

var (
	// ErrUnconfirmed: the event may arrive or not.
	ErrUnconfirmed = errors.New("event is not confirmed")
	// ErrLost: the event was not taken, or refused for good.
	ErrLost = errors.New("event is lost")
	// ErrRefused: the event was not taken, and what it tells of must not be
	// answered.
	ErrRefused = errors.New("event is refused")
)
