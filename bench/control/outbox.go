package control

import (
	"context"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Unversioned is an Outbox whose Settle removes the rows of published books whatever their
// versions, so that changes are lost that came while the relay published older ones.
type Unversioned struct{ gateway.Outbox }

const (
	// settleAfter gives other changes time to come. Kafka may take as long.
	settleAfter = 300 * time.Millisecond
	// manyChanges is more than a test leaves in the outbox.
	manyChanges = 100_000
)

// Settle removes published changes, and newer ones of the same books.
func (u Unversioned) Settle(ctx context.Context, lease gateway.Lease, published []*model.Change) error {
	time.Sleep(settleAfter)
	pending, err := u.ChangesAfter(ctx, 0, manyChanges)
	if err != nil {
		return err
	}
	books := make(map[uint]bool, len(published))
	for _, c := range published {
		books[c.BookID] = true
	}
	var all []*model.Change
	for _, c := range pending {
		if books[c.BookID] {
			all = append(all, c)
		}
	}
	return u.Outbox.Settle(ctx, lease, all)
}

// Blind is an Outbox that never tells of changes, so no cache of books is used. The relay
// publishes all the same.
type Blind struct{ gateway.Outbox }

// ChangesAfter fails.
func (Blind) ChangesAfter(context.Context, int64, int) ([]*model.Change, error) {
	return nil, model.Errorf(model.UnavailableNow, "", "the outbox is blind")
}
