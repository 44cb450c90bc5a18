// Package consumer has the handlers of records: one small function for each type of event.
// They must not know where records come from.
package consumer

import (
	"context"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// CountSearches counts search events.
func CountSearches(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	first, err := tx.FirstDay(ctx)
	if err != nil {
		return err
	}
	searches := make([]*trend.Search, 0, len(records))
	for _, r := range records {
		e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			tx.Reject(r, err)
			continue
		}
		s := trend.NewSearch(e, r.Time)
		if s.At.Before(r.Newest.Add(-trend.TooLate)) || trend.DayOf(s.At) < first {
			tx.Late(r)
			continue
		}
		if s.Books, err = firstBooks(e.Value); err != nil {
			tx.Reject(r, err)
			continue
		}
		searches = append(searches, s)
	}
	return tx.CountSearches(ctx, searches)
}
