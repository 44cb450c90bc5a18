package database

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/database/databasetest"
)

// Nobody else writes a book between its reading and its writing by an import.
func TestImportLocksWhatItReads(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		rows := []*model.ImportRow{{
			Line: 2, Book: model.Book{Title: "One"}, Fields: model.TitleField, Source: "books.csv", ExternalID: "1",
		}}
		_, err = db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		locked := func() error {
			_, err := db.sql.main.ExecContext(t.Context(), "SELECT id FROM books WHERE title = 'One' FOR UPDATE NOWAIT")
			return err
		}
		require.NoError(t, locked())
		require.NoError(t, db.gorm.Transaction(func(tx *gorm.DB) error {
			_, err := db.lookUp(tx, rows)
			require.NoError(t, err)
			refusal, ok := errors.AsType[*mysql.MySQLError](locked())
			require.True(t, ok)
			assert.Contains(t, []uint16{1205, 3572}, refusal.Number) // MariaDB, MySQL
			return nil
		}))
	})
}

// The locks must not depend on the server's default isolation.
func TestOneFileImportedTwiceAtOnceReadCommitted(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		if strings.Contains(t.Name(), "MariaDB") {
			cfg.Params = map[string]string{"tx_isolation": "'READ-COMMITTED'"}
		} else {
			cfg.Params = map[string]string{"transaction_isolation": "'READ-COMMITTED'"}
		}
		databasetest.ImportTwiceAtOnce(t, func() databasetest.Catalogue {
			db, err := OpenMySQL(cfg.FormatDSN(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			require.NoError(t, db.Migrate(t.Context()))
			return db
		})
	})
}

// Another program, which doesn't know our format, may have written the column.
func TestSubjectsThatAreNoList(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before"})
		require.NoError(t, err)
		require.NoError(t, db.gorm.Model(&bookRow{ID: id}).Updates(map[string]any{"subjects": "fiction", "search_hash": nil}).Error)
		require.NoError(t, db.sweepNew(t.Context()))
		found, err := db.SearchBooks(t.Context(), model.Search{Limit: 1, Filters: model.Filters{Subject: "Fiction"}})
		require.NoError(t, err)
		require.Len(t, found.Books, 1)
		assert.Equal(t, []string{"fiction"}, found.Books[0].Subjects)
	})
}
