package gateway

import (
	"context"

	"literank.com/event-books/domain/model"
)

// Pipeline shows how events travel behind the shop. Its methods may be called concurrently.
type Pipeline interface {
	// Consumers says how far the groups of consumers have read, in whichever process they run.
	Consumers(ctx context.Context) ([]model.ConsumerStats, error)
	// EachDeadLetter calls visit for each dead letter that is not done: those of handlers, then
	// those of Kafka.
	EachDeadLetter(ctx context.Context, visit func(*model.DeadLetter) error) error
	// DeadLetter returns one dead letter. The error wraps ErrNoDeadLetter if there is none with that
	// id any more.
	DeadLetter(ctx context.Context, id string) (*model.DeadLetter, error)
	// RetryDeadLetter puts a dead letter back: it is handled, or sent, once more. The error is
	// ErrNoDeadLetter if there is none with that id any more. After another error it stays.
	RetryDeadLetter(ctx context.Context, id string) error
	// FindSearch returns the record of a search's event, or nil if the topic has none with that id:
	// it is still in a spool, or was deleted.
	FindSearch(ctx context.Context, id string) (*model.Record, error)
}

// Positions says how far groups of consumers have read.
type Positions interface {
	// Positions returns the checkpoint of each shard of each group.
	Positions(ctx context.Context) (map[model.Shard]model.Checkpoint, error)
}
