package gateway

import (
	"context"
	"time"

	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/trend"
)

// Orders keeps what shoppers look for and the shop doesn't have: it reads searches that found nothing,
// and stores requests and what staff decide. Its methods may be called concurrently.
type Orders interface {
	// NotFoundRows calls visit for the rows of people's searches that found nothing as typed, from a
	// day on; nil means all keywords. Rows of earlier versions may have none. The row is valid during
	// the call.
	NotFoundRows(ctx context.Context, keywords []int64, from trend.Day, visit func(*trend.Row) error) error
	// VisitsOf calls visit for what each visitor who is known did for a keyword on a day. Several
	// visits may be of one visitor.
	VisitsOf(ctx context.Context, days []KeywordDay, visit func(of KeywordDay, visitor trend.Visitor, facts trend.Facts)) error
	// FoldedTexts returns the folded texts of keywords. Unknown ones are missing.
	FoldedTexts(ctx context.Context, keywords []int64) (map[int64]string, error)

	// StoredOrders returns everything that is stored of keywords, by their hashes.
	StoredOrders(ctx context.Context) ([]demand.Stored, error)
	// RequestOrder stores a request, unless the same visitor has made it before: then it returns
	// false. A keyword that was done is open again.
	RequestOrder(ctx context.Context, r demand.Request) (first bool, err error)
	// DecideOrder stores the state and the note that staff give a keyword at DecidedAt.
	DecideOrder(ctx context.Context, s demand.Stored) error
	// CloseOrder notes that a book was found for a keyword, which is done then. It reports false if
	// the keyword isn't waiting for one any more.
	CloseOrder(ctx context.Context, keyword string, book uint, at time.Time) (closed bool, err error)
	// ForgetOrders forgets who has made requests before a time; and keywords that staff haven't
	// touched, of which nothing has happened since, unless several visitors asked for them: those it
	// forgets a year later.
	ForgetOrders(ctx context.Context, before time.Time) error
}

// KeywordDay is a keyword on a day.
type KeywordDay struct {
	Keyword int64
	Day     trend.Day
}
