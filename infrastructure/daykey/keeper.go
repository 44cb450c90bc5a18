// Package daykey keeps the random keys of the last days in memory, in front of the database,
// and sees to it that they are made and deleted in time. It must not know what they are for.
package daykey

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

const (
	// interval is the time between two looks at the database. A key is deleted margin
	// before its time, so that one look may fail.
	interval = time.Minute
	margin   = 5 * time.Minute
	// patience is how long a day's first callers of Key wait for the database.
	patience = 200 * time.Millisecond
	// maxLook bounds one look at the database.
	maxLook = 5 * time.Second
)

// Keeper returns the keys of today and yesterday. Its methods may be called concurrently.
type Keeper struct {
	stored gateway.DayKeys
	log    *slog.Logger
	wake   chan struct{}

	mu   sync.Mutex
	keys map[trend.Day]kept
	// looked is closed after each look, and replaced. seen is the day of the last one.
	looked chan struct{}
	seen   trend.Day
	// waiting is the day for whose key callers wait, until a time.
	waiting trend.Day
	until   time.Time

	failing bool // of Run's goroutine
}

type kept struct {
	key     []byte
	expires time.Time
}

// New returns a Keeper of the keys in a database. It knows none before Run.
func New(stored gateway.DayKeys, log *slog.Logger) *Keeper {
	return &Keeper{stored: stored, log: log, wake: make(chan struct{}, 1), looked: make(chan struct{})}
}

// Key returns the key of the UTC day of a time, or nil if it isn't known. It doesn't wait for
// the database, but for 200 ms at most at the begin of a day.
func (k *Keeper) Key(at time.Time) []byte {
	now, day := time.Now(), trend.DayOf(at)
	k.mu.Lock()
	key, looked, until := k.known(day, now), k.looked, k.until
	switch {
	case key != nil || day != trend.DayOf(now) || k.seen == day:
		k.mu.Unlock()
		return key
	case k.waiting != day:
		until = now.Add(patience)
		k.waiting, k.until = day, until
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default: // it is awake
	}
	timer := time.NewTimer(until.Sub(now))
	defer timer.Stop()
	select {
	case <-looked:
	case <-timer.C:
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known(day, time.Now())
}

func (k *Keeper) known(day trend.Day, now time.Time) []byte {
	if found := k.keys[day]; now.Before(found.expires) {
		return found.key
	}
	return nil
}

// Run keeps the keys up to date until ctx ends. Call it once the database is migrated.
func (k *Keeper) Run(ctx context.Context) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 2*time.Second
	for ctx.Err() == nil {
		var pause time.Duration
		if k.look(ctx) {
			now := time.Now()
			pause = min(interval, (trend.DayOf(now) + 1).Start().Sub(now))
			retry.Reset()
		} else {
			pause = retry.NextBackOff()
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-k.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// look reads the keys. If that fails, those that are known stay until they expire.
func (k *Keeper) look(ctx context.Context) (ok bool) {
	now := time.Now()
	today := trend.DayOf(now)
	bounded, cancel := context.WithTimeout(ctx, maxLook)
	defer cancel()
	stored, err := k.stored.DayKeys(bounded, today, margin)
	if ctx.Err() != nil {
		return false
	}
	k.report(err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = today
	close(k.looked)
	k.looked = make(chan struct{})
	if err != nil {
		for day, found := range k.keys {
			if !now.Before(found.expires) {
				delete(k.keys, day)
			}
		}
		return false
	}
	k.keys = make(map[trend.Day]kept, len(stored))
	for _, s := range stored {
		k.keys[s.Day] = kept{s.Key, now.Add(gateway.DayKeyAge - s.Age)}
	}
	return true
}

// report logs when reading begins to fail, unless the database logs that itself, and when it
// works again.
func (k *Keeper) report(err error) {
	failing := err != nil && model.ErrorCode(err) != model.UnavailableNow
	if failing != k.failing {
		if failing {
			k.log.Error("the day's key can't be read; events have no daily visitor, and clicks aren't recorded", "error", err)
		} else {
			k.log.Info("the day's key can be read again")
		}
	}
	k.failing = failing
}
