package database

import (
	"database/sql"
	"errors"
	"log/slog"
	"strconv"
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
		require.Len(t, found.IDs, 1)
		book, err := db.GetBook(t.Context(), found.IDs[0])
		require.NoError(t, err)
		assert.Equal(t, []string{"fiction"}, book.Subjects)
	})
}

// limitPackets sets max_allowed_packet for the connections that are opened in a test.
func limitPackets(t *testing.T, dsn string, bytes int) {
	t.Helper()
	admin, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	var before int
	require.NoError(t, admin.QueryRow("SELECT @@global.max_allowed_packet").Scan(&before))
	_, err = admin.Exec("SET GLOBAL max_allowed_packet = ?", bytes)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("SET GLOBAL max_allowed_packet = ?", before)
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
	})
}

// A server may take small statements only.
func TestImportWithSmallPackets(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		limitPackets(t, dsn, 1<<20)
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		rows := make([]*model.ImportRow, 1000)
		for i := range rows {
			rows[i] = &model.ImportRow{
				Line: i + 2, Fields: model.TitleField | model.DescriptionField, Source: "books.csv", ExternalID: strconv.Itoa(i),
				Book: model.Book{Title: "One", Description: strings.Repeat(`it's "long" \ `, 200)},
			}
		}
		rows[500].Book.Description = strings.Repeat("é", model.MaxDescription)
		results, err := db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		for _, result := range results {
			require.Equal(t, model.Created, result.Outcome)
		}

		b := &model.Book{Title: "Two", Description: strings.Repeat("😀", model.MaxDescription)}
		id, err := db.CreateBook(t.Context(), b)
		require.NoError(t, err, "each value fits, but all together don't")
		stored, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, b.Description, stored.Description)

		_, err = db.CreateBook(t.Context(), &model.Book{Title: "Three", Description: strings.Repeat("long", 1<<18)})
		assert.Equal(t, model.TooLarge, model.ErrorCode(err), "%v", err)
		_, err = db.CreateBook(t.Context(), &model.Book{Title: "Three"})
		assert.NoError(t, err)
	})
}

// A book that another program stored may be too long to be found by its description.
func TestSweepWithSmallPackets(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		_, err = db.sql.main.Exec("INSERT INTO books (title, description) VALUES ('Much', ?), ('More', 'little')", strings.Repeat("ab", 1<<19))
		require.NoError(t, err)
		limitPackets(t, dsn, 1<<20)
		again, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer again.Close()
		require.NoError(t, again.Migrate(t.Context()))
		for _, title := range []string{"Much", "More"} {
			found, err := again.SearchBooks(t.Context(), model.Search{Keyword: model.Keyword(title), Limit: 20})
			require.NoError(t, err)
			assert.Equal(t, 1, found.Total, title)
		}
	})
}
