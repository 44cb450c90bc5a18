package application

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// endedSources notes which sources ended, and what they accepted.
type endedSources struct {
	gateway.Sources
	ended map[string]int64
	err   error
}

func (*endedSources) ReportSource(context.Context, model.SourceReport) error { return nil }

func (e *endedSources) EndSource(_ context.Context, source, _ string, accepted int64) error {
	if e.err == nil {
		e.ended[source] = accepted
	}
	return e.err
}

// Each start ends the sources of starts that were killed, and says what they accepted: what
// their spool gained until the next start.
func TestSourcesOfKilledStartsAreEnded(t *testing.T) {
	dir, db := t.TempDir(), &endedSources{ended: map[string]int64{}, err: errors.New("the database is away")}
	start := func(searches, clicks string, before, clicksBefore int64) *reporter {
		t.Helper()
		r, err := openReporter(dir, db, slog.New(slog.DiscardHandler),
			func() model.SourceReport {
				return model.SourceReport{Source: searches, Stream: "searches", Before: before, At: time.Now()}
			},
			func() model.SourceReport {
				return model.SourceReport{Source: clicks, Stream: "clicks", Before: clicksBefore, At: time.Now()}
			})
		require.NoError(t, err)
		return r
	}
	start("a", "a/clicks", 10, 0) // killed
	require.Error(t, start("b", "b/clicks", 25, 3).report(t.Context()))
	require.Empty(t, db.ended)
	db.err = nil
	third := start("c", "c/clicks", 25, 1) // somebody has removed the spool of clicks
	require.NoError(t, third.report(t.Context()))
	assert.Equal(t, map[string]int64{"a": 15, "a/clicks": 3, "b": 0, "b/clicks": 0}, db.ended)

	clear(db.ended)
	third.end(t.Context())
	require.NoError(t, start("d", "d/clicks", 30, 9).report(t.Context()))
	assert.Empty(t, db.ended, "the third has said itself that it ended")
}

func TestSourcesOfTheVersionBeforeAreEnded(t *testing.T) {
	later := int64(40)
	assert.Zero(t, sourceName{Source: "a", Topic: "searches"}.accepted([]sourceName{{"b", "searches", &later}}))
}
