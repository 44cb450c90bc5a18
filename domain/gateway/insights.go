package gateway

import (
	"context"

	"literank.com/event-books/domain/trend"
)

// InsightReader reads numbers over all keywords, and what else staff may see. Its methods may be
// called concurrently.
type InsightReader interface {
	// TotalRows calls visit for the numbers of each scope on some days, ordered by day.
	TotalRows(ctx context.Context, first, last trend.Day, visit func(*trend.Total) error) error
	// Presences returns when the visitors of a group searched, for each day that has any.
	Presences(ctx context.Context, group trend.Scope, first, last trend.Day) (map[trend.Day]trend.Presence, error)
}
