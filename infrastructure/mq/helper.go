// Package mq speaks Kafka: it sends events to a topic and reads records back.
// Only this package knows sarama. It knows how events
// are identified (identity.go), and must not know what they say.
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
	// headers. It adds ce_id (UUIDv7) and ce_time if headers lack them, adds
	// ce_source and ce_sequence, and takes the record's timestamp from
	// ce_time. It may keep value after it returns: the caller must not change
	// value any more.
	//
	// true means durably accepted, with a nil error. Otherwise the error wraps
	// ErrUnconfirmed, ErrLost or ErrRefused. The implementation states how long
	// SendEvent takes at most.
	SendEvent(key string, value []byte, headers ...Header) (bool, error)
}

var (
	// ErrUnconfirmed: the event may arrive or not.
	ErrUnconfirmed = errors.New("the event is not confirmed")
	// ErrLost: the event will not arrive.
	ErrLost = errors.New("the event is lost")
	// ErrRefused: the event was not accepted, and the caller must not answer
	// the request that it describes.
	ErrRefused = errors.New("the event is refused")
)
