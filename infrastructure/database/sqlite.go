package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	_ "modernc.org/sqlite"
)

// OpenSQLite opens the SQLite database in file. If the file or its folder doesn't
// exist, it is created. Several processes may use the file at once.
func OpenSQLite(file string, log *slog.Logger) (*DB, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("open SQLite database: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("open SQLite database: %w", err)
	}
	// Write transactions take the lock when they begin. Otherwise two could both
	// read first, and one of them would fail with BUSY without waiting.
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(file), RawQuery: url.Values{
		"_txlock":      {"immediate"},
		"_pragma":      {"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_time_format": {"sqlite"},
	}.Encode()}).String()
	conn, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open SQLite database %s: %w", file, err)
	}
	conn.SetMaxOpenConns(8)
	conn.SetMaxIdleConns(8)
	db, err := open(sqliteDialect{file: file}, conn, log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}

type sqliteDialect struct{ file string }

func (sqliteDialect) goose() goose.Dialect { return goose.DialectSQLite3 }

func (sqliteDialect) gorm(conn *sql.DB) gorm.Dialector {
	return sqliteDialector{conn}
}

// importIsolation is the default: SQLite has one write transaction at a time.
func (sqliteDialect) importIsolation() *sql.TxOptions { return &sql.TxOptions{} }

// rowsPerInsert is small: the driver's work grows with the square of the number of
// parameters in a statement.
func (sqliteDialect) rowsPerInsert() int { return 20 }

func (sqliteDialect) writesOfOthers() bool { return false }

func (d sqliteDialect) lockMigration(ctx context.Context, _ *sql.DB) (func() error, error) {
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

func (sqliteDialect) createBooks() string {
	return `CREATE TABLE IF NOT EXISTS books (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		title TEXT, author TEXT, published_at TEXT, description TEXT,
		created_at DATETIME
	)`
}

func (sqliteDialect) columnType(kind columnKind) string {
	switch kind {
	case shortText, longText:
		return "TEXT"
	case digest:
		return "BLOB"
	case integer:
		return "INTEGER"
	case touched:
		return "" // no other program writes here
	}
	panic("database: unknown kind of column")
}

func (sqliteDialect) columns(ctx context.Context, conn *sql.DB) ([]string, error) {
	return names(ctx, conn, "SELECT name FROM pragma_table_info('books')")
}

func (sqliteDialect) indexes(ctx context.Context, conn *sql.DB) ([]string, error) {
	return names(ctx, conn, "SELECT name FROM pragma_index_list('books')")
}
