package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"literank.com/event-books/application/counting"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// SearchCount is what CountSearches counted.
type SearchCount struct {
	*counting.Searches
	// Unreadable counts records that are no searches, or of a later version.
	Unreadable int
	Trimmed    mq.Trimmed
}

// CountSearches counts the searches of the configured topic since a time; see
// counting.NewSearches. Its error wraps counting.ErrTooMany if there are too many keywords.
func CountSearches(ctx context.Context, c *config.Config, since time.Time, people bool) (*SearchCount, error) {
	kafka, err := Kafka(c)
	if err != nil {
		return nil, err
	}
	count := &SearchCount{Searches: counting.NewSearches(since, people)}
	count.Trimmed, err = mq.Read(ctx, kafka, c.MQ.SearchTopic(), since, func(r *mq.Record) error {
		e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			count.Unreadable++
			return nil
		}
		return count.Add(r.Partition, r.Time, e)
	})
	if err == nil {
		return count, nil
	}
	if hint := BrokerHint(c); hint != "" && ctx.Err() == nil && !errors.Is(err, mq.ErrNoTopic) && !errors.Is(err, counting.ErrTooMany) {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	return nil, err
}
