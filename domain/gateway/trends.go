package gateway

import (
	"context"

	"literank.com/event-books/domain/trend"
)

// TrendWriter counts searches and clicks. Its methods belong to one transaction. What a visitor
// did up to an erasure doesn't count, in whatever order both arrive.
type TrendWriter interface {
	CountSearches(ctx context.Context, searches []*trend.Search) error
	CountClicks(ctx context.Context, clicks []*trend.Click) error
	EraseVisitors(ctx context.Context, erasures []*trend.Erasure) error
	// FirstDay is the first day that still counts. Events of earlier days are too late.
	FirstDay(ctx context.Context) (trend.Day, error)
}

// TrendKeeper bounds what is stored.
type TrendKeeper interface {
	// DropDays deletes all but the last days, and leaves their sums over all keywords. Days
	// are counted back from the newest event of the partition that is furthest behind. It may
	// run in several processes at once.
	DropDays(ctx context.Context, group string, keep int) error
}

// TrendReader reads the counts. Its methods may be called concurrently.
type TrendReader interface {
	// ChangedKeywords returns the keywords whose counts have changed after a version, and the
	// version up to which it has looked. Versions become visible in their order.
	ChangedKeywords(ctx context.Context, after int64) (keywords []int64, version int64, err error)
	// KeywordIDs returns the numbers of folded keywords. Unknown ones are missing.
	KeywordIDs(ctx context.Context, folded []string) (map[string]int64, error)
	// TrendVersion returns the newest version.
	TrendVersion(ctx context.Context) (int64, error)
	// TrendRows calls visit for the rows of some keywords from a day on; nil means all
	// keywords, but not the sums over them. The row is valid during the call.
	TrendRows(ctx context.Context, keywords []int64, from trend.Day, visit func(*trend.Row) error) error
	// PublicKeywords returns those of the keywords that were served to anybody within some
	// days, with the texts to show. Counting their visitors stops at a number.
	PublicKeywords(ctx context.Context, keywords []int64, first, last trend.Day, crowd int) ([]trend.PublicKeyword, error)
}
