package index

import (
	"context"
	"errors"
	"time"

	"literank.com/event-books/domain/model"
)

const (
	// window is the time whose searches decide about health, in seconds.
	window = 10
	// enough is the number of searches in the window that decide.
	enough = 5
	// probeEvery is the time between two probes of a failing engine.
	probeEvery = time.Second
)

// probe is a search that an engine can't answer without reading its books.
var probe = model.Search{Keyword: "e", Sort: model.ByRelevance, Limit: 1}

// health remembers the outcomes of the last searches. Once all of them have failed, probes
// decide, because a shop that isn't ready gets no more searches.
type health struct {
	seconds [window]struct {
		second     int64 // unix time
		ok, failed int
	}
	err      error // of the last probe; nil if the searches decide
	probedAt time.Time
}

var errAllFailed = errors.New("all searches of the last seconds failed")

func (h *health) record(now time.Time, ok bool) {
	bucket := &h.seconds[now.Unix()%window]
	if bucket.second != now.Unix() {
		bucket.second, bucket.ok, bucket.failed = now.Unix(), 0, 0
	}
	if ok {
		bucket.ok++
	} else {
		bucket.failed++
	}
}

// allFailed reports whether all searches of the window failed, and there were enough.
func (h *health) allFailed(now time.Time) bool {
	ok, failed := 0, 0
	for _, bucket := range h.seconds {
		if now.Unix()-bucket.second < window {
			ok, failed = ok+bucket.ok, failed+bucket.failed
		}
	}
	return ok == 0 && failed >= enough
}

// Ping returns an error if searches fail: if all searches of the last ten seconds, at
// least five, failed for other reasons than the client or overload. From then on it
// searches itself, at most once a second, until that succeeds.
func (g *Gate) Ping(ctx context.Context) error {
	due, err := g.probeDue(time.Now())
	if !due {
		return err
	}
	_, err = g.engine.SearchBooks(ctx, probe)
	g.probed(err)
	return err
}

// probeDue reports whether Ping must search. If not, err is its result.
func (g *Gate) probeDue(now time.Time) (due bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := &g.health
	if h.err == nil && h.allFailed(now) {
		g.log.Warn("all searches fail; the shop isn't ready until one succeeds")
		h.err = errAllFailed
	}
	if h.err == nil || now.Sub(h.probedAt) < probeEvery {
		return false, h.err
	}
	h.probedAt = now
	return true, nil
}

func (g *Gate) probed(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.health.err = err
		return
	}
	if g.health.err != nil {
		g.log.Info("searches succeed again")
	}
	g.health = health{}
}
