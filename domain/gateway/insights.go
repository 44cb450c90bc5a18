package gateway

import (
	"context"

	"literank.com/event-books/domain/trend"
)

// InsightReader reads what staff may see: numbers over all keywords, and what was counted of single
// ones. Its methods may be called concurrently. Days run from first to last, both included.
type InsightReader interface {
	// TotalRows calls visit for the numbers of each scope on some days, ordered by day.
	TotalRows(ctx context.Context, first, last trend.Day, visit func(*trend.Total) error) error
	// Presences returns when the visitors of a group searched, for each day that has any.
	Presences(ctx context.Context, group trend.Scope, first, last trend.Day) (map[trend.Day]trend.Presence, error)
	// KeywordRows calls visit for the rows of all keywords that belong to a group; its language
	// doesn't matter. The row is valid during the call.
	KeywordRows(ctx context.Context, group trend.Scope, first, last trend.Day, visit func(*trend.Row) error) error
	// Spellings returns how keywords were typed most often; of equal ones, the first by bytes.
	// Keywords that only simulated shoppers typed are folded. Unknown ones are missing.
	Spellings(ctx context.Context, keywords []int64, first, last trend.Day) (map[int64]string, error)
	// KeywordVisits calls visit for what each visitor did for a keyword, and for the visitor, on
	// some days. Several visits may be of one visitor.
	KeywordVisits(ctx context.Context, keyword int64, group trend.Scope, first, last trend.Day, visit func(day trend.Day, visitor trend.Visitor, facts trend.Facts)) error
	// NewestBooks returns the books of a keyword's newest event that found any.
	NewestBooks(ctx context.Context, keyword int64) ([]uint, error)
	// ClickedBooks returns the books of a keyword's results that were opened most, at most n.
	ClickedBooks(ctx context.Context, keyword int64, group trend.Scope, first, last trend.Day, n int) ([]trend.ClickedBook, error)
}
