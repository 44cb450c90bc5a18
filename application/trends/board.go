// Package trends answers what is searched most. It keeps the sums of all keywords in memory,
// follows what consumers count in the database, and decides what the public may see. It must
// not know databases or HTTP.
package trends

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// pollEvery is how often the board looks for what has changed. It rests restFor times as
	// long as that takes, up to maxRest, so that requests have the processors.
	pollEvery = 200 * time.Millisecond
	restFor   = 4
	maxRest   = 500 * time.Millisecond
	// idleAfter is how often the lists are made anew if nothing has changed: books come and go.
	idleAfter = 5 * time.Second
	// listed is the number of keywords of a list.
	listed = 100
	// maxExamined bounds the keywords that are looked at for one list, and maxTexts those
	// whose texts are read for all lists at once.
	maxExamined, maxTexts = 20_000, 2000
)

// Options say what the public may see, and what is counted.
type Options struct {
	// Group and Stream are the consumers that count, and the topic that they read.
	Group, Stream string

	// MinVisitors is how many visitors must have searched a keyword on one day.
	MinVisitors int
	// Log takes changes of state.
	Log *slog.Logger
}

// Board has the lists of keywords that the public may see, a second old at most if the database
// answers promptly. Its methods may be called concurrently.
type Board struct {
	reader  gateway.TrendReader
	sources gateway.Sources
	secrets gateway.HiddenKeywords
	words   words
	options Options
	now     func() time.Time

	// Only Run uses these.
	sums    sums
	best    map[list][]candidate // of the sums; nil if all must be looked through
	version int64
	bucket  int64 // for which the sums were made
	texts   map[int64]*text
	made    time.Time // when the lists were made
	dirty   bool      // the sums have changed since
	hidden  []string  // folded keywords that the public doesn't see
	away    bool

	lists        atomic.Pointer[map[list][]Entry] // of one moment
	keywords     atomic.Pointer[map[list][]int64] // those of staff
	completeness atomic.Pointer[model.Completeness]
	compared     time.Time
}

// list is one of the lists.
type list struct {
	window int // the number of a window
	order  trend.Order
	staff  bool // with all keywords, as typed
}

// Entry is one keyword of a list.
type Entry struct {
	// Query is how the shop answered it, in the spelling that was served most often.
	Query string
	// Books are those of its newest event that found any.
	Books []uint
	// Searches and Requests are those of the window, Before the searches of the one before.
	Searches, Requests, Before int64
}

// errNotReady: the counts were not read yet.
var errNotReady = &model.Error{Code: model.UnavailableNow, Message: "the trends are being read", RetryAfter: time.Second}

// NewBoard returns a board. Run fills it.
func NewBoard(reader gateway.TrendReader, sources gateway.Sources, hidden gateway.HiddenKeywords, books gateway.BookManager, marker gateway.Highlighter, options Options) *Board {
	return &Board{
		reader: reader, sources: sources, secrets: hidden, words: words{books, marker}, options: options, now: time.Now,
		texts: map[int64]*text{},
	}
}

// List returns the best n keywords of a list. The error has the code UnavailableNow before the
// first Refresh.
func (b *Board) List(window trend.Window, order trend.Order, n int) ([]Entry, error) {
	all := b.lists.Load()
	if all == nil {
		return nil, errNotReady
	}
	entries := (*all)[list{window: slices.Index(trend.Windows[:], window), order: order}]
	return entries[:min(n, len(entries))], nil
}

// Keywords returns the numbers of the best n keywords of a list, whoever may see them. The error
// has the code UnavailableNow before the first Refresh.
func (b *Board) Keywords(window trend.Window, order trend.Order, n int) ([]int64, error) {
	all := b.keywords.Load()
	if all == nil {
		return nil, errNotReady
	}
	keywords := (*all)[list{window: slices.Index(trend.Windows[:], window), order: order, staff: true}]
	return keywords[:min(n, len(keywords))], nil
}

// Run keeps the lists up to date until ctx ends.
func (b *Board) Run(ctx context.Context) {
	for {
		begun := time.Now()
		err := b.Refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		b.report(err)
		select {
		case <-time.After(min(max(pollEvery, restFor*time.Since(begun)), maxRest)):
		case <-ctx.Done():
			return
		}
	}
}

// report logs when reading begins to fail, and when it succeeds again. A database that is away
// is logged by the database.
func (b *Board) report(err error) {
	switch {
	case model.ErrorCode(err) == model.UnavailableNow:
		return
	case err != nil && !b.away:
		b.options.Log.Warn("the trends can't be read; the lists stay as they are", "error", err)
	case err == nil && b.away:
		b.options.Log.Info("the trends are read again")
	}
	b.away = err != nil
}

// Refresh reads what has changed, and makes the lists anew if anything has. Run calls it; it
// may run once at a time.
func (b *Board) Refresh(ctx context.Context) error {
	now := b.now()
	changed, err := b.readSums(ctx, now)
	if err != nil {
		return err
	}
	b.dirty = b.dirty || changed
	if err := b.compare(ctx, now); err != nil {
		return err
	}
	if !b.dirty && now.Sub(b.made) < idleAfter && b.lists.Load() != nil {
		return nil
	}
	all := map[list][]Entry{}
	budget := maxTexts
	if b.best == nil {
		b.best = b.sums.best(2 * listed)
	}
	keywords := map[list][]int64{}
	for _, l := range everyList() { // in the same order each time, since they share a budget
		best := b.best[l]
		if l.staff {
			for _, c := range best[:min(listed, len(best))] {
				keywords[l] = append(keywords[l], b.sums.rows[c.at].keyword)
			}
			continue
		}
		entries, err := b.entries(ctx, now, l, best, &budget)
		if err == nil && len(entries) < listed && len(best) == 2*listed {
			entries, err = b.entries(ctx, now, l, b.sums.bestOf(l, maxExamined), &budget)
		}
		if err != nil {
			return err
		}
		all[l] = entries
	}
	b.made, b.dirty = now, false
	b.lists.Store(&all)
	b.keywords.Store(&keywords)
	return nil
}

// compareEvery is how often counts are compared with what shops have sent, and comparedFor
// how far back.
const compareEvery, comparedFor = 500 * time.Millisecond, trend.KeepDays * 24 * time.Hour

// compare finds out how complete the counts are, and what staff have hidden.
func (b *Board) compare(ctx context.Context, now time.Time) error {
	if now.Sub(b.compared) < compareEvery {
		return nil
	}
	c, err := b.sources.Completeness(ctx, b.options.Group, b.options.Stream, now.Add(-comparedFor))
	if err != nil {
		return err
	}
	b.completeness.Store(&c)
	hidden, err := b.secrets.HiddenKeywords(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(hidden, b.hidden) {
		b.hidden, b.dirty = hidden, true
	}
	b.compared = now
	return nil
}

// Completeness says how many of the events of the last 35 days are counted. The error has the
// code UnavailableNow before the first Refresh.
func (b *Board) Completeness() (model.Completeness, error) {
	if c := b.completeness.Load(); c != nil {
		return *c, nil
	}
	return model.Completeness{}, errNotReady
}

// readSums brings the sums up to date, and reports whether anything has changed.
func (b *Board) readSums(ctx context.Context, now time.Time) (changed bool, err error) {
	bucket := now.Unix() / int64(trend.BucketLength/time.Second)
	if bucket != b.bucket {
		version, err := b.reader.TrendVersion(ctx)
		if err != nil {
			return false, err
		}
		all := newSums()
		if err := all.read(ctx, b.reader, now, nil); err != nil {
			return false, err
		}
		b.sums, b.best, b.version, b.bucket = all, nil, version, bucket
		return true, nil
	}
	keywords, version, err := b.reader.ChangedKeywords(ctx, b.version)
	if err != nil || len(keywords) == 0 {
		return false, err
	}
	before := b.sums.clear(keywords)
	if err := b.sums.read(ctx, b.reader, now, keywords); err != nil {
		b.bucket = 0 // the next attempt reads everything
		return false, err
	}
	if b.best != nil && !b.sums.follow(b.best, 2*listed, before) {
		b.best = nil
	}
	b.version = version
	for _, id := range keywords {
		if t := b.texts[id]; t != nil {
			t.stale = true
		}
	}
	return true, nil
}
