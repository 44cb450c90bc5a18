// Package orders tells the shop's staff what shoppers look for and the shop doesn't have. It keeps
// the keywords that found nothing in memory, follows what consumers count, takes requests, and
// notices when the shop has a book for an entry. It must not know databases or HTTP.
package orders

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"literank.com/event-books/application/trends"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// pollEvery is how often the list looks for what has changed. It rests restFor times as long as
	// that takes, up to maxRest, so that a long list costs little.
	pollEvery = time.Second
	restFor   = 20
	maxRest   = 10 * time.Minute
	// keepDays is how long searches and untouched entries count.
	keepDays = trend.KeepDays
	// forgetEvery is how often old requests are looked for.
	forgetEvery = time.Hour
)

// Reader reads what was counted, and stores what was requested and decided.
type Reader interface {
	gateway.Orders
	gateway.TrendReader
	gateway.InsightReader
}

// Options are the parts of a List.
type Options struct {
	Reader Reader
	Board  *trends.Board
	Books  gateway.BookManager
	Index  gateway.BookIndex
	// CatalogueVersion returns a number that changes with the catalogue.
	CatalogueVersion func(ctx context.Context) (int64, error)
	// Key returns the key under which requests are remembered, or nil while it isn't known.
	Key func() []byte
	Log *slog.Logger
}

// List is the order list, some seconds old. Its methods may be called concurrently, unless they say
// otherwise.
type List struct {
	Options
	now     func() time.Time
	entries atomic.Pointer[[]*demand.Entry]

	// Only Refresh uses these.
	keywords  keywords
	stored    []demand.Stored
	corrected map[int64]string // what the search engine makes of keywords, by their numbers
	check     check
	forgotten time.Time
	away      bool
}

// errNotReady: the counts were not read yet.
var errNotReady = &model.Error{Code: model.UnavailableNow, Message: "the order list is being read", RetryAfter: time.Second}

// New returns a list. Run fills it.
func New(o Options) *List { return &List{Options: o, now: time.Now} }

// Run keeps the list up to date until ctx ends.
func (l *List) Run(ctx context.Context) {
	for {
		begun := time.Now()
		err := l.Refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		l.report(err)
		select {
		case <-time.After(min(max(pollEvery, restFor*time.Since(begun)), maxRest)):
		case <-ctx.Done():
			return
		}
	}
}

// report logs when reading begins to fail, and when it succeeds again. A database that is away and a
// search engine that has too much to do are logged by themselves.
func (l *List) report(err error) {
	switch code := model.ErrorCode(err); {
	case code == model.UnavailableNow || code == model.Overloaded:
		return
	case err != nil && !l.away:
		l.Log.Warn("the order list can't be made; it stays as it is", "error", err)
	case err == nil && l.away:
		l.Log.Info("the order list is made again")
	}
	l.away = err != nil
}

// Refresh reads what has changed, and closes entries for which the shop has a book. Run calls it; it
// may run once at a time.
func (l *List) Refresh(ctx context.Context) error {
	now := l.now()
	if now.Sub(l.forgotten) >= forgetEvery {
		if err := l.Reader.ForgetOrders(ctx, now.AddDate(0, 0, -keepDays)); err != nil {
			return err
		}
		l.forgotten = now
	}
	changed, err := l.keywords.read(ctx, l.Reader, now)
	if err != nil {
		return err
	}
	stored, err := l.Reader.StoredOrders(ctx)
	if err != nil {
		return err
	}
	if l.entries.Load() == nil || changed || !slices.Equal(stored, l.stored) {
		if err := l.correct(ctx); err != nil {
			return err
		}
		entries := demand.Merge(l.keywords.all(), stored)
		l.stored = stored
		l.entries.Store(&entries)
	}
	return l.closeFound(ctx, now)
}

const (
	// maxCorrected is how many keywords are corrected, those searched most first, and
	// correctedAtOnce how many of them in one pass.
	maxCorrected, correctedAtOnce = 500, 50
)

// correct asks the search engine what it makes of keywords that showed other books. Those that it
// corrects to the same text are one entry.
func (l *List) correct(ctx context.Context) error {
	if l.corrected == nil || len(l.corrected) > 4*maxCorrected {
		l.corrected = map[int64]string{}
	}
	asked := 0
	for _, k := range l.keywords.rescued(maxCorrected) {
		meant, known := l.corrected[k.Number]
		if !known && asked < correctedAtOnce {
			asked++
			found, err := l.Index.SearchBooks(ctx, model.Search{Keyword: model.Keyword(k.Folded), Sort: model.ByRelevance, Limit: 1, WithoutTotal: true})
			if err != nil {
				return err
			}
			if found.Match == model.CorrectedMatch {
				meant = model.Fold(found.Served)
			}
			l.corrected[k.Number] = meant
		}
		l.keywords.setMeant(k, meant)
	}
	return nil
}

// Completeness says how many of the searches are counted.
func (l *List) Completeness() (model.Completeness, error) { return l.Board.Completeness() }
