// Package database stores the catalogue in MySQL, MariaDB or SQLite, with one
// code path on GORM and two dialects. It implements the gateways BookManager,
// BookIndex, BookImporter, BookExporter and ImportLog. It must not know HTTP, Kafka
// or the configuration.
package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	gormlog "gorm.io/gorm/logger"
	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

var (
	_ gateway.BookManager  = (*DB)(nil)
	_ gateway.BookIndex    = (*DB)(nil)
	_ gateway.BookImporter = (*DB)(nil)
	_ gateway.BookExporter = (*DB)(nil)
	_ gateway.ImportLog    = (*DB)(nil)
)

// DB is a catalogue in a database. Its methods may be called concurrently. Until
// Migrate has succeeded once, all methods except Migrate and Close return a
// model.Error of code UnavailableNow.
type DB struct {
	gorm     *gorm.DB
	sql      *sql.DB
	dialect  dialect
	log      *slog.Logger
	migrated atomic.Bool
	away     atomic.Bool // the database did not answer the last time
}

// dialect has the differences between the kinds of database.
type dialect interface {
	goose() goose.Dialect
	gorm(conn *sql.DB) gorm.Dialector
	// lockMigration stops other processes from migrating until release is called.
	lockMigration(ctx context.Context, conn *sql.DB) (release func() error, err error)
	// createBooks returns the statement that creates the tutorial's table if there
	// is none.
	createBooks() string
	// columnType returns the type of a column that we add, or "" to leave it out.
	columnType(kind columnKind) string
	// indexes returns the names of the indexes of books.
	indexes(ctx context.Context, conn *sql.DB) ([]string, error)
	columns(ctx context.Context, conn *sql.DB) ([]string, error)
	// importIsolation stops others from inserting the books that an import did not
	// find.
	importIsolation() *sql.TxOptions
	// rowsPerInsert is the largest number of rows of an INSERT.
	rowsPerInsert() int
	// writesOfOthers reports whether other programs may write to the table. The
	// sweep then has to find their changes.
	writesOfOthers() bool
}

// open doesn't connect, so the database may be unavailable.
func open(d dialect, conn *sql.DB, log *slog.Logger) (*DB, error) {
	g, err := gorm.Open(d.gorm(conn), &gorm.Config{
		DisableAutomaticPing:   true,
		SkipDefaultTransaction: true,
		QueryFields:            true,
		TranslateError:         true,
		// Errors are returned, and logged once where they stop.
		Logger:  gormlog.Discard,
		NowFunc: func() time.Time { return time.Now().Truncate(time.Millisecond) },
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("open %s database: %w", d.goose(), err)
	}
	return &DB{gorm: g, sql: conn, dialect: d, log: log}, nil
}

// Ping returns an error unless the database answers and is migrated.
func (db *DB) Ping(ctx context.Context) error {
	if !db.migrated.Load() {
		return unavailable(errNotMigrated)
	}
	if err := db.sql.PingContext(ctx); err != nil {
		return db.failed("ping database", err)
	}
	db.answers()
	return nil
}

// Close ends all connections.
func (db *DB) Close() error {
	if err := db.sql.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

var errNotMigrated = errors.New("the database has not answered yet")

// session returns GORM bound to ctx, or an error before the first migration.
func (db *DB) session(ctx context.Context) (*gorm.DB, error) {
	if !db.migrated.Load() {
		return nil, unavailable(errNotMigrated)
	}
	return db.gorm.WithContext(ctx), nil
}

func unavailable(cause error) error {
	return &model.Error{Code: model.UnavailableNow, Message: "the catalogue does not answer at the moment", Cause: cause}
}

// failed wraps an error of the database. If a later retry can help, the code is
// UnavailableNow, and failed logs the first such error.
func (db *DB) failed(operation string, err error) error {
	err = fmt.Errorf("%s: %w", operation, err)
	if !passing(err) {
		return err
	}
	if !db.away.Swap(true) {
		db.log.Warn("the database doesn't answer or refuses access; retrying", "error", err)
	}
	return unavailable(err)
}

// answers records that the database answers.
func (db *DB) answers() {
	if db.away.Load() && db.away.Swap(false) {
		db.log.Info("the database answers again")
	}
}

// passing reports errors that come from the connection, the load or the state of
// the server, and not from the statement.
func passing(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch e.Number {
		case 1021, 1040, 1044, 1045, 1049, 1053, 1105, 1114, 1129, 1130, 1142, 1146, 1158, 1159, 1160, 1161,
			1203, 1205, 1213, 1226, 1290, 1836, 1927, 3024:
			// disk full, too many connections, no access, no such database or
			// table, shutdown, network, limits, locks, read-only, killed
			return true
		}
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xFF {
		case sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED, sqlitecode.SQLITE_FULL, sqlitecode.SQLITE_IOERR,
			sqlitecode.SQLITE_CANTOPEN, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_PERM, sqlitecode.SQLITE_INTERRUPT:
			return true
		}
	}
	return false
}
