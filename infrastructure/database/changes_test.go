package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	gormlog "gorm.io/gorm/logger"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/indextest"
)

// noted is what the outbox has of a book.
type noted struct {
	Kind  model.ChangeKind
	Title string
}

func outboxOf(t *testing.T, db *DB) map[uint]noted {
	t.Helper()
	changes, err := db.PendingChanges(t.Context(), 0, 10_000)
	require.NoError(t, err)
	found := map[uint]noted{}
	for _, c := range changes {
		found[c.BookID] = noted{Kind: c.Kind}
		if c.Book != nil {
			found[c.BookID] = noted{c.Kind, c.Book.Title}
		}
	}
	return found
}

func TestOtherProgramsChangesEnterTheOutbox(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		tutorial, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		defer tutorial.Close()
		exec := func(statement string, args ...any) {
			t.Helper()
			_, err := tutorial.Exec(statement, args...)
			require.NoError(t, err)
		}
		exec(tutorialTable)
		for _, title := range []string{"Stays", "Is renamed", "Is deleted"} {
			exec(tutorialInsert, title, "", "", "", time.Now())
		}
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		var told []*model.Change
		db.OnChange(func(changes []*model.Change) { told = append(told, changes...) })
		require.NoError(t, db.Migrate(t.Context()))
		assert.Empty(t, outboxOf(t, db), "the catalogue that was there is no change")
		s := sweeper{db: db}
		require.NoError(t, s.pass(t.Context(), time.Now()))
		assert.Empty(t, outboxOf(t, db))

		exec("UPDATE books SET title = 'Renamed' WHERE id = 2")
		exec("DELETE FROM books WHERE id = 3")
		exec(tutorialInsert, "New", "", "", "", time.Now())
		require.NoError(t, s.pass(t.Context(), time.Now()))
		want := map[uint]noted{2: {model.BookUpdated, "Renamed"}, 3: {Kind: model.BookDeleted}, 4: {model.BookCreated, "New"}}
		assert.Equal(t, want, outboxOf(t, db))
		assert.Len(t, told, 3)
		book, err := db.GetBook(t.Context(), 2)
		require.NoError(t, err)
		assert.Positive(t, book.Version)

		require.NoError(t, s.pass(t.Context(), time.Now()))
		assert.Len(t, told, 3, "a change is found once")

		// A deleted id comes back, and a book that our own code deletes is no find.
		exec("INSERT INTO books (id, title) VALUES (3, 'Again')")
		indextest.Delete(t, db, 1)
		require.NoError(t, s.pass(t.Context(), time.Now()))
		want[1], want[3] = noted{Kind: model.BookDeleted}, noted{model.BookCreated, "Again"}
		assert.Equal(t, want, outboxOf(t, db))
		assert.Len(t, told, 5)

		// A program that folds what it adds, as version 0.1 of this one does.
		exec("INSERT INTO books (title, search_hash) VALUES ('Folded', UNHEX(SHA2('x', 256)))")
		require.NoError(t, db.compare(t.Context()))
		want[5] = noted{model.BookCreated, "Folded"}
		assert.Equal(t, want, outboxOf(t, db))
	})
}

// Another program adds a book and deletes it between two passes of the sweep, and our code
// changes it in between. Caches have it by then.
func TestABookOfAnotherProgramIsKnownOnceWeChangeIt(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		tutorial, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		defer tutorial.Close()
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		s := sweeper{db: db}
		require.NoError(t, s.pass(t.Context(), time.Now()))

		result, err := tutorial.Exec(tutorialInsert, "Theirs", "", "", "", time.Now())
		require.NoError(t, err)
		id, err := result.LastInsertId()
		require.NoError(t, err)
		indextest.Replace(t, db, uint(id), &model.Book{Title: "Ours"})
		changed, err := db.GetBook(t.Context(), uint(id))
		require.NoError(t, err)
		_, err = tutorial.Exec("DELETE FROM books WHERE id = ?", id)
		require.NoError(t, err)
		require.NoError(t, s.pass(t.Context(), time.Now()))
		changes, err := db.PendingChanges(t.Context(), changed.Version, 10)
		require.NoError(t, err)
		if assert.Len(t, changes, 1, "the deletion has a version of its own") {
			assert.Equal(t, uint(id), changes[0].BookID)
			assert.Equal(t, model.BookDeleted, changes[0].Kind)
		}
	})
}

func TestManyDeletedBooksAreFound(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		var rows []*model.ImportRow
		for i := range 2*compareRows + 7 {
			row := &model.ImportRow{Line: i + 1, Book: model.Book{Title: "Book"}, Fields: model.TitleField, Ordinal: i}
			row.Fingerprint = model.NewFingerprint(&row.Book)
			if rows = append(rows, row); len(rows) == model.MaxImportBatch {
				_, err := db.ImportBooks(t.Context(), rows)
				require.NoError(t, err)
				rows = nil
			}
		}
		_, err = db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		_, err = db.sql.main.Exec("DELETE FROM books WHERE id <> 1500")
		require.NoError(t, err)
		require.NoError(t, db.compare(t.Context()))
		found := outboxOf(t, db)
		assert.Len(t, found, 2*compareRows+7)
		for id, change := range found {
			assert.Equal(t, id != 1500, change.Kind == model.BookDeleted, id)
		}
	})
}

// When clocks are put back, the local time of an hour comes twice. A lease must still end.
func TestTheServersTimeNeverGoesBack(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		server, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		t.Cleanup(func() { _ = server.Close() })
		conn, err := server.Conn(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		makeZone(t, conn, "event-books/test", time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC))
		_, err = conn.ExecContext(t.Context(), "SET time_zone = 'event-books/test'")
		require.NoError(t, err)
		for _, now := range []time.Time{
			time.Date(2026, 10, 25, 0, 30, 0, 125e6, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
		} {
			_, err := conn.ExecContext(t.Context(), fmt.Sprintf("SET timestamp = %.3f", float64(now.UnixMilli())/1000))
			require.NoError(t, err)
			var got int64
			require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT "+mysqlDialect{}.now()).Scan(&got))
			assert.Equal(t, now.UnixMilli(), got)
		}
	})
}

// makeZone adds a time zone to the server whose clocks are put back by an hour at a time.
func makeZone(t *testing.T, conn *sql.Conn, name string, back time.Time) {
	t.Helper()
	const id = 987_654
	tables := []string{"time_zone", "time_zone_name", "time_zone_transition_type", "time_zone_transition"}
	remove := func() {
		for _, table := range tables {
			_, err := conn.ExecContext(context.WithoutCancel(t.Context()), "DELETE FROM mysql."+table+" WHERE Time_zone_id = ?", id)
			assert.NoError(t, err)
		}
	}
	remove()
	t.Cleanup(remove)
	for _, statement := range []string{
		fmt.Sprintf("INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (%d, 'N')", id),
		fmt.Sprintf("INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('%s', %d)", name, id),
		fmt.Sprintf("INSERT INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation) "+
			"VALUES (%d, 0, 7200, 1, 'S'), (%[1]d, 1, 3600, 0, 'W')", id),
		fmt.Sprintf("INSERT INTO mysql.time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) VALUES (%d, 0, 0), (%[1]d, %d, 1)", id, back.Unix()),
	} {
		_, err := conn.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

// statements counts what GORM runs.
type statements struct {
	gormlog.Interface
	ran int
}

func (s *statements) Trace(context.Context, time.Time, func() (string, int64), error) { s.ran++ }

// The topic may have newer changes of every book.
func TestAGenerationOfManyBooksTakesFewStatements(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		const books = 3 * insertRows
		var list []*model.Book
		for range books {
			list = append(list, &model.Book{Title: "Book"})
		}
		_, err := db.SeedOnce(t.Context(), "many", list)
		require.NoError(t, err)
		_, highest, err := db.Generation(t.Context())
		require.NoError(t, err)
		var ids []uint
		for id := range uint(books + 500) { // the last ones are gone
			ids = append(ids, id+1)
		}
		counted := &statements{Interface: gormlog.Discard}
		db.gorm = db.gorm.Session(&gorm.Session{Logger: counted})
		require.NoError(t, db.Raise(t.Context(), highest+1000, ids))
		assert.Less(t, counted.ran, 40)
		changes, err := db.PendingChanges(t.Context(), 0, 10_000)
		require.NoError(t, err)
		require.Len(t, changes, len(ids))
		for i, c := range changes {
			assert.Greater(t, c.Version, highest+1000)
			require.Equal(t, ids[i], c.BookID)
			if i >= books {
				require.Equal(t, model.BookDeleted, c.Kind)
				continue
			}
			require.Equal(t, c.Version, c.Book.Version)
		}
	})
}

// The catalogue of version 0.1 is complete, and isn't published as a whole.
func TestUpgradeIsNoChange(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		db := open()
		require.NoError(t, db.Migrate(t.Context()))
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Old"})
		require.NoError(t, err)
		statements := []string{
			"DROP TABLE outbox", "DROP TABLE counters", "DROP TABLE leases", "UPDATE books SET version = NULL",
			"DELETE FROM properties WHERE name = 'generation'", "DELETE FROM " + versionTable + " WHERE version_id >= 7",
		}
		if db.dialect.writesOfOthers() {
			statements = append(statements, "DROP TABLE known_books")
		}
		for _, statement := range statements {
			_, err := db.sql.main.Exec(statement)
			require.NoError(t, err, statement)
		}
		upgraded := open()
		require.NoError(t, upgraded.Migrate(t.Context()))
		assert.Empty(t, outboxOf(t, upgraded))
		if db.dialect.writesOfOthers() {
			require.NoError(t, (&sweeper{db: upgraded}).pass(t.Context(), time.Now()))
			assert.Empty(t, outboxOf(t, upgraded))
		}
		book, err := upgraded.GetBook(t.Context(), id)
		require.NoError(t, err)
		assert.Zero(t, book.Version)
		indextest.Replace(t, upgraded, id, &model.Book{Title: "New"})
		assert.Equal(t, map[uint]noted{id: {model.BookUpdated, "New"}}, outboxOf(t, upgraded), "the stream begins with the first change")
	})
}

// A change and its row in the outbox are one transaction.
func TestAChangeWithoutItsOutboxRowIsNone(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before"})
		require.NoError(t, err)
		called := 0
		db.OnChange(func([]*model.Change) { called++ })
		broken := errors.New("broken")
		err = db.change(db.gorm.WithContext(t.Context()), deadlock, func(w *writer) error {
			version, err := w.versions(1)
			require.NoError(t, err)
			require.NoError(t, replace(w.tx, id, version, &model.Book{Title: "After"}))
			w.add(model.BookUpdated, id, version)
			require.NoError(t, w.record())
			return broken
		})
		require.ErrorIs(t, err, broken)
		assert.Zero(t, called)
		assert.Equal(t, map[uint]noted{id: {model.BookCreated, "Before"}}, outboxOf(t, db))

		_, err = db.sql.main.Exec("DROP TABLE outbox")
		require.NoError(t, err)
		_, err = db.CreateBook(context.WithoutCancel(t.Context()), &model.Book{Title: "Lost"})
		require.Error(t, err)
		found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "lost", Limit: 1})
		require.NoError(t, err)
		assert.Zero(t, found.Total)
	})
}

// SQLite's file can't grow any more, as on a full disk.
func TestAFullDiskLosesNeitherBookNorChange(t *testing.T) {
	db, err := OpenSQLite(filepath.Join(t.TempDir(), "books.db"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(t.Context()))
	db.sql.main.SetMaxOpenConns(1) // the bound belongs to a connection
	first, err := db.CreateBook(t.Context(), &model.Book{Title: "First"})
	require.NoError(t, err)
	var pages int
	require.NoError(t, db.sql.main.QueryRow("PRAGMA page_count").Scan(&pages))
	bound := func(pages int) {
		_, err := db.sql.main.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		require.NoError(t, err)
	}
	bound(pages)
	large := &model.Book{Title: "Large", Description: strings.Repeat("x", 1<<20)}
	_, err = db.CreateBook(t.Context(), large)
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	_, err = db.ChangeBook(t.Context(), first, func(*model.Book) (*model.Book, error) { return large, nil })
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	assert.Equal(t, map[uint]noted{first: {model.BookCreated, "First"}}, outboxOf(t, db))
	book, err := db.GetBook(t.Context(), first)
	require.NoError(t, err)
	assert.Equal(t, "First", book.Title)

	bound(pages + 1000)
	second, err := db.CreateBook(t.Context(), large)
	require.NoError(t, err)
	assert.Equal(t, map[uint]noted{first: {model.BookCreated, "First"}, second: {model.BookCreated, "Large"}}, outboxOf(t, db))
}
