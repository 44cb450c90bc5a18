package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	_ "modernc.org/sqlite"
)

// How long a statement waits for a lock; the probe of readiness must answer soon.
const (
	lockTimeout      = 15 * time.Second
	probeLockTimeout = 500 * time.Millisecond
)

// OpenSQLite opens the SQLite database in file. Migrate creates the file and its folder
// if they don't exist. Several processes may use the file at once.
func OpenSQLite(file string, log *slog.Logger) (*DB, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("open SQLite database: %w", err)
	}
	var c connections
	var errs [3]error
	c.main, errs[0] = sqlitePool(file, 8, lockTimeout)
	c.searches, errs[1] = sqlitePool(file, runtime.GOMAXPROCS(0), lockTimeout)
	c.probe, errs[2] = sqlitePool(file, 1, probeLockTimeout)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("open SQLite database %s: %w", file, err)
	}
	db, err := open(&sqliteDialect{file: file}, c, log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}

func sqlitePool(file string, size int, busy time.Duration) (*sql.DB, error) {
	conn, err := sql.Open("sqlite", sqliteDSN(file, busy))
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(size)
	conn.SetMaxIdleConns(size)
	return conn, nil
}

func sqliteDSN(file string, busy time.Duration) string {
	// Write transactions take the lock when they begin. Otherwise two could both
	// read first, and one of them would fail with BUSY without waiting. SQLite itself
	// creates no file: a connection that is opened after the file was deleted must fail.
	return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(file), RawQuery: url.Values{
		"mode":         {"rw"},
		"_txlock":      {"immediate"},
		"_pragma":      {fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)"},
		"_time_format": {"sqlite"},
	}.Encode()}).String()
}

type sqliteDialect struct {
	file    string
	created atomic.Pointer[fs.FileInfo] // the file that this process opened
}

// create makes an empty file that only its owner may read, and remembers it.
func (d *sqliteDialect) create() error {
	if err := os.MkdirAll(filepath.Dir(d.file), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(d.file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	d.created.CompareAndSwap(nil, &info)
	return nil
}

// smallestPage is the size of SQLite's smallest page, in bytes. A database has one at least.
const smallestPage = 512

// present compares device and inode: SQLite goes on with an open file after it was
// deleted or replaced, and everything written to it is gone at the end of the process.
func (d *sqliteDialect) present() error {
	created := d.created.Load()
	if created == nil {
		return nil
	}
	info, err := os.Stat(d.file)
	if err != nil {
		return err
	}
	if !os.SameFile(*created, info) {
		return fmt.Errorf("%s is another file than the one that was opened", d.file)
	}
	if info.Size() < smallestPage {
		return fmt.Errorf("%s was cut off: it has %d bytes", d.file, info.Size())
	}
	return nil
}

func (*sqliteDialect) goose() goose.Dialect { return goose.DialectSQLite3 }

func (*sqliteDialect) gorm(conn *sql.DB) gorm.Dialector {
	return sqliteDialector{conn}
}

// isolation is the default: SQLite has one write transaction at a time.
func (*sqliteDialect) isolation() *sql.TxOptions { return &sql.TxOptions{} }

// rowsPerInsert is small: the driver's work grows with the square of the number of
// parameters in a statement.
func (*sqliteDialect) rowsPerInsert() int { return 20 }

// maxStatement is SQLite's limit for a value.
func (*sqliteDialect) maxStatement(*gorm.DB) (bytes int, err error) { return 1_000_000_000, nil }

func (*sqliteDialect) writesOfOthers() bool { return false }

func (*sqliteDialect) contains(column string) string { return "INSTR(" + column + ", ?) > 0" }

func (*sqliteDialect) countsInScan() bool { return false }

func (*sqliteDialect) replaceOutbox() string {
	return ` ON CONFLICT (book_id) DO UPDATE SET
		kind = CASE WHEN kind = 'created' AND excluded.kind = 'updated' THEN kind ELSE excluded.kind END,
		version = excluded.version, changed_at = excluded.changed_at`
}

func (*sqliteDialect) now() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }

func (d *sqliteDialect) lockMigration(ctx context.Context, _ *sql.DB) (func() error, error) {
	lock := flock.New(d.file + ".lock")
	held, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	if err == nil && !held {
		err = errors.New("held by another process")
	}
	if err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	return lock.Unlock, nil
}

func (*sqliteDialect) createBooks() string {
	return `CREATE TABLE IF NOT EXISTS books (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		title TEXT, author TEXT, published_at TEXT, description TEXT,
		created_at DATETIME
	)`
}

func (*sqliteDialect) columnType(kind columnKind) string {
	switch kind {
	case shortText, longText:
		return "TEXT"
	case digest:
		return "BLOB"
	case integer, bookID:
		return "INTEGER"
	case number:
		return "INTEGER PRIMARY KEY AUTOINCREMENT"
	case content, code:
		return "BLOB"
	case kafkaName:
		return "TEXT NOT NULL"
	case key:
		return "BLOB NOT NULL"
	case tagText, languageTag:
		return "TEXT"
	case touched:
		return "" // no other program writes here
	}
	panic("database: unknown kind of column")
}

func (*sqliteDialect) columns(ctx context.Context, conn *sql.DB, table string) ([]string, error) {
	return names(ctx, conn, "SELECT name FROM pragma_table_info(?)", table)
}

func (*sqliteDialect) tables(ctx context.Context, conn *sql.DB) ([]string, error) {
	return names(ctx, conn, "SELECT name FROM sqlite_master WHERE type = 'table'")
}

func (*sqliteDialect) indexes(ctx context.Context, conn *sql.DB, table string) ([]string, error) {
	return names(ctx, conn, "SELECT name FROM pragma_index_list(?)", table)
}

// A table that counts its ids up has rowids, which are its primary key.
func (*sqliteDialect) clustered(table string) string {
	if strings.Contains(table, "AUTOINCREMENT") {
		return ""
	}
	return " WITHOUT ROWID"
}

func (*sqliteDialect) rowsPerStatement() int { return 1 }

func (*sqliteDialect) replacing(key, values []string) string {
	if len(values) == 0 {
		return ""
	}
	sets := make([]string, len(values))
	for i, column := range values {
		sets[i] = column + " = excluded." + column
	}
	return " ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// deleteSome deletes all: that is one cheap step of SQLite.
func (*sqliteDialect) deleteSome(table string, _ int) string { return "DELETE FROM " + table }
