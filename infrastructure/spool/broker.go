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
	// Deliver tries once to send the first events, in order, as many as fit into
	// one batch. The partition of an event depends on its key and the given number
	// of partitions alone. Deliver calls report for each settled event, on the
	// caller's goroutine and before it returns: with nil if the broker acknowledged
	// the event, with the reason if the broker rejected it permanently. It returns
	// the events to retry, in order, and an error if the caller must wait before
	// the retry. When ctx ends, it returns soon, with an error.
	//
	// The next call gets the returned events first, then newer ones. Events of one
	// key must never overtake each other; copies may. Deliver may keep events after
	// it returns, so the caller must not change them. Concurrent calls are not
	// allowed.
	Deliver(ctx context.Context, events []*mq.Record, partitions int32, report func(event *mq.Record, rejection error)) (left []*mq.Record, err error)
	// State returns whether the broker acknowledges events at the moment, and
	// Unknown until the first attempt. It doesn't wait, and may be called while
	// other methods run.
	State() mq.State
}
