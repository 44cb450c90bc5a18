package gateway

import (
	"context"
	"errors"
	"time"

	"literank.com/event-books/domain/model"
)

// Outbox holds the catalogue's changes that are not published yet: the last one of each
// book. A change enters it in the transaction that changes the book.
type Outbox interface {
	// PendingChanges returns the first changes with versions above after, by version, each
	// with its book as it is now: up to limit, and fewer if the books are large.
	PendingChanges(ctx context.Context, after int64, limit int) ([]*model.Change, error)
	// ChangesAfter returns up to limit changes with versions above after, ordered by
	// version, without their books. Changes become visible in the order of their versions.
	ChangesAfter(ctx context.Context, after int64, limit int) ([]*model.Change, error)
	// Lead gives the named holder the right to publish for the time ttl, or prolongs it.
	// ok is false if another holder has it.
	Lead(ctx context.Context, holder string, ttl time.Duration) (lease Lease, ok bool, err error)
	// Resign gives the right back.
	Resign(ctx context.Context, lease Lease) error
	// Settle removes changes that were published. A newer change of the same book stays.
	// If the lease is over, another holder may have published newer changes before these;
	// then Settle gives their books new versions instead, so that the newest state is
	// published last, and returns ErrLeaseOver.
	Settle(ctx context.Context, lease Lease, published []*model.Change) error

	// Generation returns the generation of the versions, and the highest version given.
	Generation(ctx context.Context) (model.Generation, int64, error)
	// Versions returns the versions of the given books, by id. It leaves out books that don't
	// exist or whose last change has no version yet.
	Versions(ctx context.Context, books []uint) (map[uint]int64, error)
	// Raise is called when the topic has changes that the database lacks: it was restored
	// from a backup. It gives all changes of the outbox versions above seen and above the
	// highest one given, publishes the given books again, and begins a new generation.
	Raise(ctx context.Context, seen int64, books []uint) error
}

// Lease is the right to publish.
type Lease struct {
	Holder string
	// Epoch grows with each change of the holder.
	Epoch int64
}

// ErrLeaseOver: another holder may have taken the lease.
var ErrLeaseOver = errors.New("the lease is over")
