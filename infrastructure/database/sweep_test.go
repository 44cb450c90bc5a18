package database

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/indextest"
)

func TestSweepCatchesUpAfterAnAbsence(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before"})
		require.NoError(t, err)
		// Another program wrote longer ago than a pass looks back.
		rename := func(title string) {
			_, err := db.sql.main.Exec("UPDATE books SET title = ?, touched_at = CURRENT_TIMESTAMP(3) - INTERVAL 1 HOUR WHERE id = ?", title, id)
			require.NoError(t, err)
		}
		finds := func(keyword model.Keyword) int {
			found, err := db.SearchBooks(t.Context(), model.Search{Keyword: keyword, Limit: 5})
			require.NoError(t, err)
			return found.Total
		}
		s, now := sweeper{db: db}, time.Now()
		rename("First")
		require.NoError(t, s.pass(t.Context(), now))
		assert.Equal(t, 1, finds("first"), "the first pass checks every row")
		rename("Second")
		require.NoError(t, s.pass(t.Context(), now.Add(sweepEvery)))
		assert.Zero(t, finds("second"), "the next pass checks only the rows that were written lately")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, s.pass(ended, now.Add(2*time.Hour)))
		require.NoError(t, s.pass(t.Context(), now.Add(2*time.Hour)))
		assert.Equal(t, 1, finds("second"), "a late pass checks all rows that were written since the last one")
		rename("Third")
		require.NoError(t, s.pass(t.Context(), now.Add(-time.Hour)))
		assert.Equal(t, 1, finds("third"), "a pass after the clock was set back checks every row")
	})
}

func TestSweepKeepsPopularityAndAliases(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before", Popularity: 7, AuthorAliases: []string{"A Lady"}})
		require.NoError(t, err)
		_, err = db.sql.main.Exec("UPDATE books SET title = 'After', search_hash = NULL WHERE id = ?", id)
		require.NoError(t, err)
		require.NoError(t, db.sweepNew(t.Context()))
		found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "after", Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, 1, found.Total)
		got, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		assert.EqualValues(t, 7, got.Popularity)
		assert.Equal(t, []string{"A Lady"}, got.AuthorAliases)
	})
}

func TestSweepLeavesNewerWritesOfOurs(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		for _, stale := range []any{nil, make([]byte, 32)} {
			id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before", Subjects: []string{"old"}})
			require.NoError(t, err)
			require.NoError(t, db.gorm.Model(&bookRow{ID: id}).Update("search_hash", stale).Error)
			var read sweptRow
			require.NoError(t, db.gorm.Take(&read, id).Error)
			indextest.Replace(t, db, id, &model.Book{Title: "Before", Subjects: []string{"new"}})
			folded, err := foldRow(db.gorm, &read, 0)
			require.NoError(t, err)
			assert.False(t, folded)
			found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "before", Limit: 1, Filters: model.Filters{Subject: "new"}})
			require.NoError(t, err)
			assert.Equal(t, 1, found.Total)
			indextest.Delete(t, db, id)
		}
	})
}
