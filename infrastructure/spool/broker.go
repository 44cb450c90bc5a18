package spool

import (
	"context"

	"literank.com/event-books/infrastructure/mq"
)

// Broker is a topic of a message broker, as the spool needs it. mq.Producer is
// the one for Kafka. The spool closes no Broker.
type Broker interface {
	// Partitions returns how many partitions the topic has. It waits for the
	// broker until ctx ends.
	Partitions(ctx context.Context) (int32, error)
	// Deliver tries once to send events, in their order, from the first on and
	// as many as go at once. The partition of an event depends on its key and
	// the given number of partitions alone. For each event that is settled
	// Deliver calls report, with nil if the broker acknowledged it, else with the
	// reason why the broker will never take it. It returns the events that must
	// be sent again, in their order, and an error if there is a reason to wait
	// before that. When ctx ends it returns soon, with an error.
	//
	// Of the events that one call returns, the next call sends the first ones
	// first. Events of one key must never overtake each other, copies apart.
	// Deliver is called by one goroutine at a time.
	Deliver(ctx context.Context, events []*mq.Record, partitions int32, report func(event *mq.Record, rejection error)) (left []*mq.Record, err error)
	// State tells whether the broker acknowledges events at the moment. It
	// doesn't wait, and may be called while other methods run.
	State() mq.State
}
