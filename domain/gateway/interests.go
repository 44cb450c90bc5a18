package gateway

import (
	"context"

	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/trend"
)

// InterestWriter counts which books are opened together. Its methods belong to one transaction. The
// sessions of a visitor up to the day of an erasure don't count, in whatever order both arrive.
type InterestWriter interface {
	// CountOpenings counts the books that visitors opened. Copies change nothing.
	CountOpenings(ctx context.Context, openings []*interest.Opening) error
	EraseInterests(ctx context.Context, erasures []*trend.Erasure) error
	// FirstInterestDay is the first day that still counts. Openings of earlier days are too late.
	FirstInterestDay(ctx context.Context) (trend.Day, error)
}

// InterestKeeper bounds what is stored.
type InterestKeeper interface {
	// DropOpenings deletes what visitors opened more than interest.KeepDays ago, and leaves the
	// counts of books and pairs. It deletes those when they are worth nothing any more. It may run
	// in several processes at once.
	DropOpenings(ctx context.Context) error
}

// InterestReader reads the counts. Its methods may be called concurrently.
type InterestReader interface {
	// History returns the books that a cookie opened last, the latest first.
	History(ctx context.Context, cookie trend.Visitor) (interest.History, error)
	// Neighbours returns the count of a book, and the books that may be shown as opened in the same
	// sessions: about n, those with the highest counts.
	Neighbours(ctx context.Context, book uint, n int) (own float64, neighbours []interest.Neighbour, err error)
	// MostOpened returns up to n books that were opened in at least so many sessions, the most
	// popular first.
	MostOpened(ctx context.Context, sessions, n int) ([]uint, error)
}
