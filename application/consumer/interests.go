package consumer

import (
	"context"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/interest"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// CountOpenings counts which books visitors open on the same day. It is a gateway.Handler.
func CountOpenings(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	first, err := tx.FirstInterestDay(ctx)
	if err != nil {
		return err
	}
	var openings []*interest.Opening
	for _, r := range records {
		e, err := model.DecodeClickEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			tx.Reject(r, err)
			continue
		}
		o, counts := interest.NewOpening(e, r.Time)
		switch {
		case !counts:
		case expired(r, o.At), trend.DayOf(o.At) < first:
			tx.Late(r)
		default:
			openings = append(openings, o)
		}
	}
	if len(openings) == 0 {
		return nil
	}
	return tx.CountOpenings(ctx, openings)
}

// EraseInterests takes away what visitors opened. It is a gateway.Handler.
func EraseInterests(ctx context.Context, records []*model.Record, tx gateway.Transaction) error {
	erasures := readErasures(records, tx)
	if len(erasures) == 0 {
		return nil
	}
	return tx.EraseInterests(ctx, erasures)
}
