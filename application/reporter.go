package application

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/disk"
)

// reportEvery is how often the sources of this process report. Until the database has taken the
// first report, they try more often: only then does it know what a killed process has accepted.
const (
	reportEvery = time.Second
	tryEvery    = 50 * time.Millisecond
)

// reporter tells the database what the sources of this process have done. The data folder
// remembers sources that have not said that they ended, so the next start can say it.
type reporter struct {
	file    string
	db      gateway.Sources
	sources []func() model.SourceReport
	log     *slog.Logger

	left []sourceName // of earlier starts
	away bool
}

// sourceName is a source in the data folder's file.
type sourceName struct {
	Source string `json:"source"`
	Topic  string `json:"topic"`
	// Before is that of the source's report; versions before this one didn't write it.
	Before *int64 `json:"before,omitempty"`
}

// openReporter remembers the sources of this process in the data folder.
func openReporter(dataDir string, db gateway.Sources, log *slog.Logger, sources ...func() model.SourceReport) (*reporter, error) {
	r := &reporter{file: filepath.Join(dataDir, "sources.json"), db: db, sources: sources, log: log}
	content, err := os.ReadFile(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(content, &r.left); err != nil {
			log.Warn("the sources of earlier starts are unknown", "file", r.file, "error", err)
		}
	}
	if err := r.remember(); err != nil {
		// The disk may be full, and the events in the spools must be sent.
		log.Warn("the data folder doesn't know the sources of this start; if it is killed, the completeness of its events stays unknown", "file", r.file, "error", err)
	}
	return r, nil
}

// remember writes the sources that have not ended.
func (r *reporter) remember() error {
	return disk.ReplaceJSON(r.file, append(append([]sourceName{}, r.left...), r.present()...))
}

// present are the sources of this process.
func (r *reporter) present() (names []sourceName) {
	for _, report := range r.sources {
		now := report()
		names = append(names, sourceName{now.Source, now.Stream, &now.Before})
	}
	return names
}

// run reports until ctx ends.
func (r *reporter) run(ctx context.Context) {
	pause := tryEvery
	for {
		err := r.report(ctx)
		r.noted(ctx, err)
		if err == nil {
			pause = reportEvery
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// noted logs when reporting begins to fail. A database that is away logs that itself.
func (r *reporter) noted(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || model.ErrorCode(err) == model.UnavailableNow {
		r.away = r.away && err != nil
		return
	}
	if !r.away {
		r.log.Warn("the database doesn't take the reports about events; the completeness of trends is unknown", "error", err)
	}
	r.away = true
}

// report stores the present state, and that earlier sources have ended.
func (r *reporter) report(ctx context.Context) error {
	if err := r.endLeft(ctx); err != nil {
		return err
	}
	for _, report := range r.sources {
		if err := r.db.ReportSource(ctx, report()); err != nil {
			return err
		}
	}
	return nil
}

// endLeft ends the sources of earlier starts.
func (r *reporter) endLeft(ctx context.Context) error {
	if len(r.left) == 0 {
		return nil
	}
	later := append(append([]sourceName{}, r.left...), r.present()...)
	for _, name := range r.left {
		later = later[1:]
		if err := r.db.EndSource(ctx, name.Source, name.Topic, name.accepted(later)); err != nil {
			return err
		}
	}
	r.left = nil
	return r.remember()
}

// accepted returns how many events a source left in its spool before a later one used it, or 0 if
// that is unknown.
func (n sourceName) accepted(later []sourceName) int64 {
	i := slices.IndexFunc(later, func(l sourceName) bool { return l.Topic == n.Topic })
	if i < 0 || n.Before == nil || later[i].Before == nil {
		return 0
	}
	return max(0, *later[i].Before-*n.Before)
}

// end stores the last state, once the sources accept nothing more.
func (r *reporter) end(ctx context.Context) {
	if err := r.report(ctx); err != nil {
		r.log.Debug("the last report about events is missing; the next start ends its sources", "error", err)
		return
	}
	r.sources = nil
	if err := r.remember(); err != nil {
		r.log.Debug("the ended sources are still remembered", "error", err)
	}
}
