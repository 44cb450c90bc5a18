package database

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/indextest"
)

// begun has the numbers of the endless queries that SQLite is working on. To interrupt one
// before does nothing.
var begun sync.Map

func init() {
	sqlite.MustRegisterFunction("test_begun", &sqlite.FunctionImpl{
		NArgs: 1,
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			begun.Store(args[0], true)
			return int64(1), nil
		},
	})
}

// endless returns a query that runs for a minute or longer. On SQLite, begun tells when it
// runs, by its number.
func endless(db *DB, number int64) string {
	if db.dialect.writesOfOthers() {
		return "SELECT COUNT(*) FROM books WHERE id IS NULL OR SLEEP(60) = 0"
	}
	begun.Delete(number)
	return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + test_begun(%d) FROM n) SELECT COUNT(*) FROM n", number)
}

// atWork counts the first n endless queries that run.
func atWork(db *DB, n int) (running int) {
	if db.dialect.writesOfOthers() {
		return db.sql.searches.Stats().InUse
	}
	for number := range int64(n) {
		if _, ok := begun.Load(number); ok {
			running++
		}
	}
	return running
}

// Nobody waits for a search whose client has gone, so the database stops it.
func TestAbandonedSearchIsStopped(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		_, err := db.CreateBook(t.Context(), &model.Book{Title: "One"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		query := endless(db, 0)
		ended := make(chan error, 1)
		go func() {
			var n int
			ended <- db.searches.WithContext(ctx).Raw(query).Scan(&n).Error
		}()
		running := func() (n int) {
			if db.dialect.writesOfOthers() {
				err := db.sql.main.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info = ?", query).Scan(&n)
				require.NoError(t, err)
				return n
			}
			return db.sql.searches.Stats().InUse
		}
		require.Eventually(t, func() bool { return running() == 1 && atWork(db, 1) == 1 }, 10*time.Second, time.Millisecond)
		cancel()
		<-ended // with or without an error: SLEEP ends early, and the query goes on
		require.Eventually(t, func() bool { return running() == 0 }, 10*time.Second, time.Millisecond)
	})
}

// Slow searches hold up neither pages, writes nor the probe.
func TestBusySearchesHoldUpNothingElse(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "One"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		for number := range db.Searches() {
			query := endless(db, int64(number))
			go func() {
				var n int
				ended <- db.searches.WithContext(ctx).Raw(query).Scan(&n).Error
			}()
		}
		require.Eventually(t, func() bool { return atWork(db, db.Searches()) == db.Searches() }, 10*time.Second, time.Millisecond)
		assert.NoError(t, db.Ping(t.Context()))
		_, err = db.GetBook(t.Context(), id)
		assert.NoError(t, err)
		indextest.Delete(t, db, id)
		cancel()
		for range db.Searches() {
			<-ended
		}
	})
}

// The probe reads the columns that searches read.
func TestPingNoticesAMissingTable(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		var log bytes.Buffer
		db, err := OpenMySQL(dsn, slog.New(slog.NewTextHandler(&log, nil)))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		require.NoError(t, db.Ping(t.Context()))
		_, err = db.sql.main.Exec("RENAME TABLE books TO others")
		require.NoError(t, err)
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(db.Ping(t.Context())))
		assert.Contains(t, log.String(), "the database has lost a table of the shop: restore it from a backup; retrying")
		_, err = db.sql.main.Exec("RENAME TABLE others TO books")
		require.NoError(t, err)
		assert.NoError(t, db.Ping(t.Context()))
	})
}

func TestComplaintsNameTheCause(t *testing.T) {
	for number, want := range map[uint16]string{1146: "has lost a table", 1049: "doesn't exist", 1045: "refuses access: check", 1040: "no more connections", 1114: "full", 1290: "read-only", 1213: silent} {
		err := fmt.Errorf("search books: %w", &mysql.MySQLError{Number: number})
		assert.True(t, passing(err), number)
		assert.Contains(t, complaint(err), want, number)
	}
	assert.False(t, passing(&mysql.MySQLError{Number: 1064}), "a wrong statement")
	assert.Equal(t, silent, complaint(driver.ErrBadConn))

	db, _ := sqliteFile(t, io.Discard)
	db.sql.main.SetMaxOpenConns(1)
	_, err := db.sql.main.Exec("PRAGMA query_only = true")
	require.NoError(t, err)
	_, err = db.CreateBook(t.Context(), &model.Book{Title: "T"})
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	assert.Equal(t, readOnly, complaint(err))
}

// sqliteFile opens a migrated database, and closes it at the end of the test.
func sqliteFile(t *testing.T, log io.Writer) (db *DB, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "books.db")
	db, err := OpenSQLite(file, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	return db, file
}

func TestDamagedFile(t *testing.T) {
	var log strings.Builder
	db, file := sqliteFile(t, &log)
	for range 300 {
		_, err := db.CreateBook(t.Context(), &model.Book{Title: "One", Description: strings.Repeat("a long text ", 100)})
		require.NoError(t, err)
	}
	_, err := db.sql.main.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Ping(t.Context()))

	damaged, err := os.OpenFile(file, os.O_WRONLY, 0)
	require.NoError(t, err)
	info, err := damaged.Stat()
	require.NoError(t, err)
	_, err = damaged.WriteAt([]byte(strings.Repeat("damage", int(info.Size()-65536)/6)), 65536)
	require.NoError(t, err)
	require.NoError(t, damaged.Close())

	for range 3 {
		_, err = db.SearchBooks(t.Context(), model.Search{Keyword: "long", Limit: 100, Offset: 250})
		require.Equal(t, model.UnavailableNow, model.ErrorCode(err), "%v", err)
	}
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(db.Ping(t.Context())))
	assert.Equal(t, 1, strings.Count(log.String(), "damaged"), log.String())
}

// A deleted or replaced file takes nothing that the next start wouldn't find.
func TestLostFile(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, file string){
		"deleted":  func(*testing.T, string) {},
		"replaced": func(t *testing.T, file string) { require.NoError(t, os.WriteFile(file, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			db, file := sqliteFile(t, &log)
			id, err := db.CreateBook(t.Context(), &model.Book{Title: "One"})
			require.NoError(t, err)
			require.NoError(t, os.Rename(file, file+".away"))
			replace(t, file)

			for range 3 {
				_, err = db.CreateBook(t.Context(), &model.Book{Title: "Two"})
				assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
			}
			assert.Equal(t, model.UnavailableNow, model.ErrorCode(db.Ping(t.Context())))
			_, err = db.SearchBooks(t.Context(), model.Search{Limit: 20})
			assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
			assert.Equal(t, 1, strings.Count(log.String(), "lost"), log.String())

			require.NoError(t, os.Rename(file+".away", file))
			assert.NoError(t, db.Ping(t.Context()))
			_, err = db.GetBook(t.Context(), id)
			assert.NoError(t, err)
			assert.Contains(t, log.String(), "the database is back")
		})
	}
}

// SQLite waits for a lock on a file that was emptied, so the size counts.
func TestEmptiedFile(t *testing.T) {
	db, file := sqliteFile(t, io.Discard)
	_, err := db.sql.main.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Ping(t.Context()))
	require.NoError(t, os.Truncate(file, 0))
	assert.ErrorContains(t, db.Ping(t.Context()), "cut off")
	_, err = db.SearchBooks(t.Context(), model.Search{Limit: 20})
	assert.ErrorContains(t, err, "cut off")
}

func TestSQLiteFileIsPrivate(t *testing.T) {
	_, file := sqliteFile(t, io.Discard)
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), name)
	}
}

// All instances of a shop see the same id and secrets.
func TestProperties(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		one, two := open(), open()
		require.NoError(t, one.Migrate(t.Context()))
		require.NoError(t, two.Migrate(t.Context()))
		id, err := one.ID(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, id)
		again, err := two.ID(t.Context())
		require.NoError(t, err)
		assert.Equal(t, id, again)
		ended, end := context.WithCancel(t.Context())
		end()
		_, err = two.ID(ended)
		assert.ErrorIs(t, err, context.Canceled, "the database may have an id")
		secret, err := one.Secret(t.Context(), "app")
		require.NoError(t, err)
		assert.Len(t, secret, 26)
		shared, err := two.Secret(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, secret, shared)
		other, err := two.Secret(t.Context(), "other")
		require.NoError(t, err)
		assert.NotEqual(t, secret, other)
	})
}
