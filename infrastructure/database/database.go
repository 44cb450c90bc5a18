// Package database keeps the catalogue in MySQL, MariaDB or SQLite: one code
// path on GORM, two dialects. It implements the gateways BookManager,
// BookIndex, BookImporter, BookExporter and ImportLog. It must not know HTTP, Kafka or the
// configuration's format.
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

	sqlitedriver "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	gormlog "gorm.io/gorm/logger"
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

// DB is a catalogue in a database. Its methods may be called concurrently.
// Until Migrate has succeeded once, all but Migrate, Ping and Close answer
// with a model.Error of code UnavailableNow.
type DB struct {
	gorm     *gorm.DB
	sql      *sql.DB
	dialect  dialect
	log      *slog.Logger
	migrated atomic.Bool
	away     atomic.Bool // the last thing known of the database is that it doesn't answer
}

// dialect is what differs between the kinds of database.
type dialect interface {
	goose() goose.Dialect
	gorm(conn *sql.DB) gorm.Dialector
	// lockMigration keeps other processes from migrating until release is called.
	lockMigration(ctx context.Context, conn *sql.DB) (release func() error, err error)
	// createBooks makes the tutorial's table if there is none.
	createBooks() string
	// columnType gives the type of one of our own columns.
	columnType(kind columnKind) string
	// indexes returns the names of the indexes of books.
	indexes(ctx context.Context, conn *sql.DB) ([]string, error)
	columns(ctx context.Context, conn *sql.DB) ([]string, error)
	// importIsolation keeps the places free in which an import found nothing.
	importIsolation() *sql.TxOptions
	// rowsPerInsert is how many rows an INSERT has at most.
	rowsPerInsert() int
	// writesOfOthers tells whether other programs write to the table, whose
	// changes the sweep has to find.
	writesOfOthers() bool
}

// open doesn't connect: the database may be away.
func open(d dialect, conn *sql.DB, log *slog.Logger) (*DB, error) {
	g, err := gorm.Open(d.gorm(conn), &gorm.Config{
		DisableAutomaticPing:   true,
		SkipDefaultTransaction: true,
		QueryFields:            true,
		TranslateError:         true,
		// Errors are returned, and logged where they stop.
		Logger:  gormlog.Discard,
		NowFunc: func() time.Time { return time.Now().Truncate(time.Millisecond) },
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("open %s database: %w", d.goose(), err)
	}
	return &DB{gorm: g, sql: conn, dialect: d, log: log}, nil
}

// Ping tells whether the database answers and is migrated.
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

var errNotMigrated = errors.New("the database was not reached yet")

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

// failed wraps an error of the database with what was tried, as unavailable
// where trying again later can help. The first such error is logged.
func (db *DB) failed(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if !passing(err) {
		return err
	}
	if !db.away.Swap(true) {
		db.log.Warn("database does not answer or refuses, trying on", "error", err)
	}
	return unavailable(err)
}

// answers notes that the database does.
func (db *DB) answers() {
	if db.away.Load() && db.away.Swap(false) {
		db.log.Info("database answers again")
	}
}

// passing reports errors that lie in the connection, the load or the state of
// the server rather than in the statement.
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
			// disk full, too many connections, access, no such database or
			// table, shutdown, network, limits, locks, read-only, killed
			return true
		}
	}
	if e, ok := errors.AsType[*sqlitedriver.Error](err); ok {
		switch e.Code() & 0xFF {
		case sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED, sqlitecode.SQLITE_FULL, sqlitecode.SQLITE_IOERR,
			sqlitecode.SQLITE_CANTOPEN, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_PERM, sqlitecode.SQLITE_INTERRUPT:
			return true
		}
	}
	return false
}
