package consumer

import (
	"context"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// CountClicks counts clicks on the books of results. It is a gateway.Handler.
func CountClicks(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	first, err := tx.FirstDay(ctx)
	if err != nil {
		return err
	}
	var clicks []*trend.Click
	for _, r := range records {
		e, err := model.DecodeClickEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			tx.Reject(r, err)
			continue
		}
		click := trend.NewClick(e, r.Time)
		switch {
		case expired(r, click.At), expired(r, click.SearchedAt), trend.DayOf(click.SearchedAt) < first:
			tx.Late(r)
		case e.Agent != model.BotAgent: // the shop sends no clicks of bots
			clicks = append(clicks, click)
		}
	}
	if len(clicks) == 0 {
		return nil
	}
	return tx.CountClicks(ctx, clicks)
}

// EraseVisitors takes the searches and clicks of visitors away. It is a gateway.Handler.
func EraseVisitors(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	erasures := readErasures(records, tx)
	if len(erasures) == 0 {
		return nil
	}
	return tx.EraseVisitors(ctx, erasures)
}

// readErasures returns the erasures that count.
func readErasures(records []*model.Record, tx gateway.Transaction) (erasures []*trend.Erasure) {
	for _, r := range records {
		e, err := model.DecodeVisitorErasedEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			tx.Reject(r, err)
			continue
		}
		erasure := trend.NewErasure(e, r.Time)
		if expired(r, erasure.Until) {
			tx.Late(r)
			continue
		}
		erasures = append(erasures, erasure)
	}
	return erasures
}

// expired reports whether the day of a record's event may be gone.
func expired(r *model.Record, at time.Time) bool {
	return at.Before(r.Newest.Add(-trend.TooLate))
}
