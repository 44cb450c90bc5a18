// Package index has what all search engines share. A Gate stands in front of the engine:
// it bounds the searches that run at once, measures them, and knows whether searches are
// answered. The engines themselves are in other packages. It must not know HTTP.
package index

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/tracing"
)

const (
	// maxWait is how long a search waits for its turn at most.
	maxWait = time.Second
	// maxWaiting bounds the memory for waiting searches.
	maxWaiting = 1000
	// retryAfter is long enough for the queue to empty once.
	retryAfter = 2 * time.Second
	// logEvery is the time between two log lines about refused searches.
	logEvery = time.Minute
)

// Gate is a gateway.BookIndex in front of another one. It bounds the searches that run at
// once: more of them wouldn't get more done, and each would take longer, until all are late.
// The others wait, and those that would wait too long are refused at once with a model.Error
// of code Overloaded.
type Gate struct {
	engine  gateway.BookIndex
	log     *slog.Logger
	slots   *semaphore.Weighted
	size    int
	metrics *metrics
	logged  rate.Sometimes // of refused searches

	mu      sync.Mutex
	waiting int
	average time.Duration // of a search; recent ones count more
	health  health
}

var _ gateway.BookIndex = (*Gate)(nil)

// NewGate lets up to size searches at once through to an engine.
func NewGate(engine gateway.BookIndex, size int, log *slog.Logger) *Gate {
	return &Gate{engine: engine, log: log, slots: semaphore.NewWeighted(int64(size)), size: size, metrics: newMetrics(), logged: rate.Sometimes{Interval: logEvery}}
}

// SearchBooks implements gateway.BookIndex.
func (g *Gate) SearchBooks(ctx context.Context, s model.Search) (_ *model.SearchResult, failed error) {
	ctx, end := tracing.Span(ctx, "search")
	defer func() { end(failed) }()
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.slots.Release(1)
	g.metrics.running.Inc()
	defer g.metrics.running.Dec()
	begun := time.Now()
	result, err := g.engine.SearchBooks(ctx, s)
	g.record(ctx, s, result, err, time.Since(begun))
	return result, err
}

// Suggest implements gateway.BookIndex. Suggestions take their turn among searches, and have
// no part in health and metrics of searches.
func (g *Gate) Suggest(ctx context.Context, typed model.Keyword, limit int) ([]model.Suggestion, error) {
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.slots.Release(1)
	return g.engine.Suggest(ctx, typed, limit)
}

// Explain implements gateway.BookIndex, as Suggest does.
func (g *Gate) Explain(ctx context.Context, s model.Search, book uint) (*model.Explanation, error) {
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.slots.Release(1)
	return g.engine.Explain(ctx, s, book)
}

// Capabilities implements gateway.BookIndex.
func (g *Gate) Capabilities() model.Capabilities { return g.engine.Capabilities() }

// enter waits for a slot, in the order of the calls.
func (g *Gate) enter(ctx context.Context) error {
	if g.slots.TryAcquire(1) {
		return nil
	}
	if !g.queue() {
		return g.refuse()
	}
	defer g.leaveQueue()
	patient, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if err := g.slots.Acquire(patient, 1); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return g.refuse()
	}
	return nil
}

// queue reports whether a search may wait: its turn should come within maxWait.
func (g *Gate) queue() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	expected := g.average * time.Duration(g.waiting) / time.Duration(g.size)
	if g.waiting >= maxWaiting || expected > maxWait {
		return false
	}
	g.waiting++
	g.metrics.waiting.Inc()
	return true
}

func (g *Gate) leaveQueue() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	g.metrics.waiting.Dec()
}

func (g *Gate) refuse() error {
	g.metrics.refused.Inc()
	g.logged.Do(func() {
		g.log.Warn("more searches than the catalogue can answer: some get a 503 (event_books_searches_refused_total counts them)", "at_once", g.size)
	})
	return &model.Error{Code: model.Overloaded, Message: "there are too many searches at the moment", RetryAfter: retryAfter}
}

// record adds a search to the average, the metrics and the health.
func (g *Gate) record(ctx context.Context, s model.Search, result *model.SearchResult, err error, took time.Duration) {
	g.mu.Lock()
	g.average += (took - g.average) / 8
	gone := errors.Is(ctx.Err(), context.Canceled)
	if !gone {
		g.health.record(time.Now(), err == nil)
	}
	g.mu.Unlock()
	switch {
	case gone:
		return
	case err != nil:
		g.metrics.failed.Inc()
		return
	case s.WithoutTotal: // it isn't a shopper's: a page looks for what it can offer
		return
	}
	g.metrics.duration.Observe(took.Seconds())
	if s.Keyword != "" && s.Filters == (model.Filters{}) && s.Offset == 0 && result.Total == 0 {
		g.metrics.foundNothing.Inc()
	}
}
