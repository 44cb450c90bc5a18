package gateway

import (
	"context"

	"literank.com/event-books/domain/trend"
)

// TrendWriter counts searches and clicks. Its methods belong to one transaction. A visitor
// who was erased up to a time counts from then on only.
type TrendWriter interface {
	CountSearches(ctx context.Context, searches []*trend.Search) error
	CountClicks(ctx context.Context, clicks []*trend.Click) error
	EraseVisitors(ctx context.Context, erasures []*trend.Erasure) error
}
