package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"literank.com/event-books/application/replaying"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// ReplayStep says what ReplaySearches does: it reads the topic, builds an index, or searches.
type ReplayStep struct {
	Name     string
	Done, Of int // 0 if that isn't known
}

// ReplaySearches reads the searches of the configured topic since a time, builds an index of the
// configured catalogue and settings in a temporary folder, and runs the most frequent searches against
// it, at most n. It sends no events and leaves the shop's own index alone. Its error wraps
// replaying.ErrTooMany if there are too many different searches.
func ReplaySearches(ctx context.Context, c *config.Config, since time.Time, n int, progress func(ReplayStep), log *slog.Logger) (report *replaying.Report, err error) {
	progress(ReplayStep{Name: "reading the topic"})
	searches, err := recordedSearches(ctx, c, since)
	if err != nil {
		return nil, err
	}
	if err := requireShop(c); err != nil {
		return nil, err
	}
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	index, closeIndex, err := buildIndex(ctx, c, db, progress, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeIndex()) }()
	return searches.Run(ctx, index, db, n, func(done, of int) { progress(ReplayStep{"searching", done, of}) })
}

func recordedSearches(ctx context.Context, c *config.Config, since time.Time) (*replaying.Searches, error) {
	kafka, err := Kafka(c)
	if err != nil {
		return nil, err
	}
	searches := &replaying.Searches{}
	_, err = mq.Read(ctx, kafka, c.MQ.SearchTopic(), since, func(r *mq.Record) error {
		e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			return nil // consumers make it a dead letter
		}
		return searches.Add(e, r.Time)
	})
	if hint := BrokerHint(c); err != nil && hint != "" && ctx.Err() == nil && !errors.Is(err, mq.ErrNoTopic) && !errors.Is(err, replaying.ErrTooMany) {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	return searches, err
}

// buildIndex builds an index of the configured engine in a temporary folder, which closing it deletes.
func buildIndex(ctx context.Context, c *config.Config, db *catalogue, progress func(ReplayStep), log *slog.Logger) (index gateway.BookIndex, closeIndex func() error, err error) {
	dir, err := os.MkdirTemp("", "event-books-replay-")
	if err != nil {
		return nil, nil, err
	}
	apart := *c
	apart.App.DataDir = dir
	x := newIndexer(&apart, db, log)
	if x == nil {
		return db, func() error { return os.RemoveAll(dir) }, nil
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); x.Run(running) }()
	closeIndex = func() error {
		stop()
		<-ended
		return os.RemoveAll(dir)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		status := x.Status()
		switch {
		case status.Answering:
			return x, closeIndex, nil
		case status.Problem != "":
			return nil, nil, errors.Join(fmt.Errorf("build an index: %s", status.Problem), closeIndex())
		}
		progress(ReplayStep{"building an index", status.Done, status.Total})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, nil, errors.Join(context.Cause(ctx), closeIndex())
		}
	}
}
