package gateway

import (
	"context"
	"errors"
	"time"

	"literank.com/event-books/domain/model"
)

// Handler handles records of one shard, in order. Each record comes once, whatever happens
// to processes, groups and brokers: what the handler writes through tx is committed together
// with the position of its shard, or not at all. So a handler has no effects but on tx, and
// it can be called again with the same records. It leaves a record that it can't read to
// tx.Reject and goes on with the others.
//
// If it returns an error, nothing is stored. An error of code UnavailableNow is tried again
// until it succeeds. With any other error, the records are tried again a few times, then one
// by one, and those that fail become dead letters.
type Handler func(ctx context.Context, records []*model.Record, tx Transaction) error

// Handlers are the handlers of a consumer, by the type of events (ce_type). The handler of
// "" gets records without a type.
type Handlers map[string]Handler

// Transaction is what handlers write to.
type Transaction interface {
	// Reject makes a record a dead letter.
	Reject(r *model.Record, reason error)
	// Late counts a record that came too late.
	Late(r *model.Record)
	TrendWriter
	InterestWriter
}

// Progress keeps how far groups of consumers have read, in the database that handlers write
// to. Its methods may be called concurrently.
type Progress interface {
	// Claim gives the caller the shard, and takes it from any earlier owner. Without a
	// checkpoint it returns one with an Epoch alone.
	Claim(ctx context.Context, shard model.Shard) (model.Checkpoint, error)
	// Checkpoint returns the checkpoint of a claim. The error is ErrFenced if another
	// process has claimed the shard.
	Checkpoint(ctx context.Context, shard model.Shard, epoch int64) (model.Checkpoint, error)
	// Sources returns what the shard knows of the given sources. Unknown ones are missing.
	Sources(ctx context.Context, shard model.Shard, sources []string) (map[string]model.SourceCount, error)
	// Advance runs work in a transaction, and stores in it the checkpoint that work
	// returns, together with what it says about sources. The error is ErrFenced if another
	// process has claimed the shard. After any error the transaction may be committed or
	// not: the caller must read checkpoint and sources again.
	Advance(ctx context.Context, shard model.Shard, epoch int64, work func(tx Transaction) (Step, error)) error
}

// Step is what Advance stores about a shard.
type Step struct {
	model.Checkpoint
	// Sources are those that have changed, by name. LeftOut is by how much it has grown: dead letters
	// are put back meanwhile.
	Sources map[string]model.SourceCount
}

// ErrFenced: another process has claimed the shard.
var ErrFenced = errors.New("another process has claimed the partition")

// DeadLetter is a record that a handler could not handle.
type DeadLetter struct {
	ID       int64
	Record   *model.Record
	Reason   string
	Rejected time.Time
}

// DeadLetters keeps the records that handlers have rejected.
type DeadLetters interface {
	// DeadLetters returns up to limit dead letters that are not done, with ids above after,
	// ordered by id.
	DeadLetters(ctx context.Context, after int64, limit int) ([]*DeadLetter, error)
	// UnrelayedDeadLetters returns the oldest dead letters of a group and a stream that are
	// neither done nor relayed, ordered by id: up to limit, and fewer if they are large.
	UnrelayedDeadLetters(ctx context.Context, group, stream string, limit int) ([]*DeadLetter, error)
	// MarkRelayed notes that dead letters need no relay any more.
	MarkRelayed(ctx context.Context, ids []int64) error
	// Retry handles a dead letter once more, and marks it as done in the same transaction.
	// The error is ErrNoDeadLetter if there is none with that id, or if it is done.
	Retry(ctx context.Context, id int64, handle func(tx Transaction, r *model.Record) error) error
	// MarkSentAgain notes that an event of a topic that Kafka had rejected was sent again, and
	// SentAgain returns those that were.
	MarkSentAgain(ctx context.Context, topic, id string) error
	SentAgain(ctx context.Context, topic string) (map[string]bool, error)
}

// ErrNoDeadLetter: there is no such dead letter any more.
var ErrNoDeadLetter = errors.New("there is no such dead letter")
