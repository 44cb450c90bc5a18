package executor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// ClickOperator records which books of results were opened, and which visitors asked to be
// forgotten. Its methods may be called concurrently.
type ClickOperator struct {
	events mq.Helper
	log    *slog.Logger
}

// NewClickOperator returns an operator that sends events through events.
func NewClickOperator(events mq.Helper, log *slog.Logger) *ClickOperator {
	return &ClickOperator{events: events, log: log}
}

// RecordClick sends the event of a click that happens now. If the queue doesn't take the
// event, it is lost: the reader wants to see the book.
func (o *ClickOperator) RecordClick(ctx context.Context, c *model.ClickEvent) {
	c.ID, c.Time, c.TraceParent = model.ClickID(c.SearchID, c.Book), time.Now(), mq.TraceParent(ctx)
	value, headers, err := c.Encode()
	if err == nil {
		_, err = o.events.SendEvent(c.Key(), value, headers...)
	}
	if err != nil {
		// The queue counts it and logs its own changes of state.
		o.log.Debug("click not confirmed", "search_id", c.SearchID, "error", err)
	}
}

// EraseVisitors asks all consumers not to count the searches and clicks of visitors so far.
// If the queue doesn't take one of the events, the error has the code UnavailableNow, and the
// visitor may ask again.
func (o *ClickOperator) EraseVisitors(ctx context.Context, visitors []string) error {
	for _, visitor := range visitors {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an id of an erasure: %w", err)
		}
		e := model.VisitorErasedEvent{ID: id.String(), TraceParent: mq.TraceParent(ctx), Time: time.Now(), Visitor: visitor}
		value, headers, err := e.Encode()
		if err != nil {
			return err
		}
		if _, err := o.events.SendEvent(e.Key(), value, headers...); err != nil {
			return &model.Error{Code: model.UnavailableNow, Message: "visitors can't be forgotten at the moment", Cause: err}
		}
	}
	return nil
}
