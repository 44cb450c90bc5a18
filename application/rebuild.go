package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// rebuildSuffix ends the names of the groups that count again.
const rebuildSuffix = "-rebuild"

// swapTries bounds the attempts to put new counts in the place of the live ones while consumers
// go on.
const swapTries = 20

// ErrNothingToRebuild: no topic has all events of a whole day.
var ErrNothingToRebuild = errors.New("no day can be counted again: the topics may lack events of every day")

// RebuildTrends counts what the topics still have again, and puts the result in the place of the
// live counts. Consumers may go on meanwhile. report gets the records that were handled so far,
// and how many there are.
func RebuildTrends(ctx context.Context, c *config.Config, log *slog.Logger, report func(done, all int64)) (result gateway.RebuildResult, err error) {
	if err := requireShop(c); err != nil {
		return result, err
	}
	kafka, err := Kafka(c)
	if err != nil {
		return result, err
	}
	db, err := openMigrated(ctx, c, log)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r := &rebuilding{report: report}
	defer r.close()
	for _, of := range trendTopics(c) {
		if err := r.open(ctx, kafka, of, log); err != nil {
			if hint := BrokerHint(c); hint != "" {
				err = fmt.Errorf("%w (%s)", err, hint)
			}
			return result, err
		}
	}
	if r.counts, err = db.BeginRebuild(ctx, r.streams()); err != nil {
		return result, err
	}
	result, err = r.run(ctx)
	switch {
	case errors.Is(err, gateway.ErrFenced):
		return result, errAnotherRebuild
	case err != nil:
		discarding, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
		defer cancel()
		err = errors.Join(err, r.counts.Discard(discarding))
	}
	return result, err
}

// discardTimeout bounds the deletion of what a rebuild has counted that has failed.
const discardTimeout = 10 * time.Second

var errAnotherRebuild = errors.New("another rebuild has begun meanwhile, so this one ends")

// rebuilding counts all topics again.
type rebuilding struct {
	topics []rebuiltTopic
	counts gateway.Rebuild
	report func(done, all int64)
}

type rebuiltTopic struct {
	consumed
	*mq.Replay // nil if there is no topic
}

// open finds the records of a topic.
func (r *rebuilding) open(ctx context.Context, kafka mq.Kafka, of consumed, log *slog.Logger) error {
	replay, err := mq.OpenReplay(ctx, kafka, of.group+rebuildSuffix, of.topic, of.handlers, log)
	if err != nil && !errors.Is(err, mq.ErrNoTopic) {
		return err
	}
	r.topics = append(r.topics, rebuiltTopic{of, replay})
	return nil
}

func (r *rebuilding) close() {
	for _, t := range r.topics {
		if t.Replay != nil {
			t.Close()
		}
	}
}

func (t rebuiltTopic) oldest() map[int32]int64 {
	if t.Replay == nil {
		return nil
	}
	return t.Oldest()
}

func (t rebuiltTopic) shard(partition int32) model.Shard {
	return model.Shard{Group: t.group, Stream: t.topic, Number: partition}
}

func (r *rebuilding) streams() (all []gateway.RebuildStream) {
	for _, t := range r.topics {
		all = append(all, gateway.RebuildStream{Stream: t.topic, Live: t.group, Again: t.group + rebuildSuffix, Oldest: t.oldest()})
	}
	return all
}

// run reads the topics as far as the live consumers have, and again what these have read
// meanwhile. Then it stops them for a moment, reads the rest, and swaps.
func (r *rebuilding) run(ctx context.Context) (result gateway.RebuildResult, err error) {
	if r.counts.FirstDay().Start().After(time.Now()) {
		return result, ErrNothingToRebuild
	}
	for _, t := range r.topics {
		if t.Replay == nil {
			continue
		}
		if err := t.Begin(ctx, r.counts); err != nil {
			return result, err
		}
	}
	for range swapTries {
		for left := int64(nearly); left >= nearly; {
			if left, err = r.follow(ctx, false); err != nil {
				return result, err
			}
		}
		if _, err = r.follow(ctx, true); err != nil {
			return result, err
		}
		if result, err = r.counts.Swap(ctx); !errors.Is(err, gateway.ErrNotLevel) {
			return result, err
		}
	}
	return result, fmt.Errorf("%w too fast; try again when fewer events arrive", err)
}

// nearly is how many records may be left when the live consumers are stopped.
const nearly = 1000

// follow reads as far as the live consumers have. It returns how many records that were.
func (r *rebuilding) follow(ctx context.Context, hold bool) (read int64, err error) {
	targets, err := r.counts.Targets(ctx, hold)
	if err != nil {
		return 0, err
	}
	done, all := int64(0), int64(0)
	for _, t := range r.topics {
		for partition, oldest := range t.oldest() {
			if target := targets[t.shard(partition)]; target > oldest {
				all += target - oldest
				done += t.Next(partition) - oldest
			}
		}
	}
	read = all - done
	for _, t := range r.topics {
		for partition := range t.oldest() {
			target := targets[t.shard(partition)]
			for t.Next(partition) < target {
				before := t.Next(partition)
				if err := t.To(ctx, partition, min(target, before+reportAfter)); err != nil {
					return read, err
				}
				done += t.Next(partition) - before
				r.report(done, all)
			}
		}
	}
	return read, nil
}

// reportAfter is the number of records after which progress is reported.
const reportAfter = 50_000
