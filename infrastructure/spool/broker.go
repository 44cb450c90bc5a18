package spool

import (
	"context"

	"literank.com/event-books/infrastructure/mq"
)

// Broker is the message broker as the spool sees it: the topic of events, or that
// of dead letters. mq.Producer is the Broker for Kafka. The spool doesn't close it.
type Broker interface {
	// Partitions returns how many partitions the topic has; 1 if the broker has
	// none. Without a connection it waits for the next attempt to connect, until
	// ctx ends.
	Partitions(ctx context.Context) (int32, error)
	// Deliver tries once to send events, in their order, from the first on and
	// as many as go at once. The partition of an event depends on its key and
	// the given number of partitions alone. For each event that is settled
	// Deliver calls report, with nil if the broker acknowledged it, else with the
	// reason why the broker will never take it. It calls report on the caller's
	// goroutine before it returns. It returns the events that must be sent again,
	// in their order, and an error if there is a reason to wait before that. When
	// ctx ends it returns soon, with an error.
	//
	// The next call gets the returned events first, then newer ones. Events of
	// one key must never overtake each other, copies apart. Deliver may keep
	// events after it returns, and nobody changes them. One goroutine at a time
	// calls it.
	Deliver(ctx context.Context, events []*mq.Record, partitions int32, report func(event *mq.Record, rejection error)) (left []*mq.Record, err error)
	// State returns whether the broker acknowledges events at the moment, and
	// Unknown until the first attempt. It doesn't wait, and may be called while
	// other methods run.
	State() mq.State
}
