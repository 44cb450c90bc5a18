package database

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// What version 12 of the schema has counted stays, and gets visitors and places of clicks.
func TestInsightsOfEarlierDaysAreMade(t *testing.T) {
	db, err := OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(t.Context()))
	claim, err := db.Claim(t.Context(), aShard)
	require.NoError(t, err)
	visitor := trend.VisitorOf(uuid.NewString(), "")
	var searches []*trend.Search
	var clicks []*trend.Click
	for i := range 40 {
		s := oneSearch(fmt.Sprint("keyword ", i%7))
		s.At = time.Now().Add(-time.Duration(i) * 5 * time.Hour)
		s.Surface = []model.Surface{model.PageSurface, model.APISurface, model.DemoSurface}[i%3]
		switch i % 4 {
		case 0:
			s.Visitor = visitor
		case 1:
			s.Visitor = ""
		}
		searches = append(searches, s)
		clicks = append(clicks, &trend.Click{
			SearchID: s.ID, Book: 1, At: s.At.Add(time.Minute), SearchedAt: s.At, Keyword: s.Keyword, Folded: s.Folded,
			Visitor: s.Visitor, Surface: s.Surface, First: true, Ordinal: 1 + i,
		})
	}
	require.NoError(t, db.Advance(t.Context(), aShard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		if err := tx.CountSearches(t.Context(), searches); err != nil {
			return gateway.Step{}, err
		}
		return gateway.Step{Checkpoint: claim}, tx.CountClicks(t.Context(), clicks)
	}))
	want := insightRows(t, db)
	require.NotEmpty(t, want)

	for _, statement := range []string{
		"INSERT INTO trend_counts (day, keyword_id, surface, tag, requests, searches, buckets, version) SELECT day, 0, surface, tag, requests, searches, buckets, 1 FROM trend_totals",
		"DROP TABLE trend_totals", "DROP TABLE trend_visitors", "DROP TABLE trend_presence",
		"ALTER TABLE trend_visits DROP COLUMN languages", "ALTER TABLE trend_counts DROP COLUMN not_found", "ALTER TABLE trend_clicks DROP COLUMN language",
		"DELETE FROM " + versionTable + " WHERE version_id >= 13",
	} {
		require.NoError(t, db.gorm.Exec(statement).Error, statement)
	}
	require.NoError(t, db.Migrate(t.Context()))
	assert.Equal(t, want, insightRows(t, db))

	// An erasure takes all of it away.
	require.NoError(t, db.Advance(t.Context(), aShard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		var all []*trend.Erasure
		for _, s := range searches {
			all = append(all, &trend.Erasure{Visitor: s.Visitor, Until: time.Now()})
		}
		return gateway.Step{Checkpoint: claim}, tx.EraseVisitors(t.Context(), all)
	}))
	require.NoError(t, db.TotalRows(t.Context(), 0, 1<<20, func(r *trend.Total) error {
		sum := r.Counts.Sum(0, trend.Buckets)
		assert.LessOrEqual(t, sum.Clicks, int64(10), "only those without a visitor stay")
		return nil
	}))
	assert.Empty(t, presences(t, db))
}

func presences(t *testing.T, db *DB) map[trend.Day]trend.Presence {
	t.Helper()
	present, err := db.Presences(t.Context(), trend.Scope{Kind: trend.People, Tag: trend.Any, Language: trend.Any}, 0, 1<<20)
	require.NoError(t, err)
	return present
}

func insightRows(t *testing.T, db *DB) (rows []string) {
	t.Helper()
	require.NoError(t, db.TotalRows(t.Context(), 0, 1<<20, func(r *trend.Total) error {
		rows = append(rows, fmt.Sprint(r.Day, r.Scope, r.Counts.Encode(), r.Places.Encode()))
		return nil
	}))
	return append(rows, fmt.Sprint(presences(t, db)))
}
