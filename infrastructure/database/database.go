// Package database stores the catalogue in MySQL, MariaDB or SQLite, with one
// code path on GORM and two dialects. It implements the gateways BookManager,
// BookIndex, BookImporter, BookExporter, ImportLog, Outbox, DayKeys, Progress, DeadLetters,
// Sources, TrendReader, TrendKeeper, DemoKeeper, InterestReader, InterestKeeper,
// Orders and Rebuilder. It must not know HTTP, Kafka or the configuration.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
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
	_ gateway.Outbox       = (*DB)(nil)
	_ gateway.Progress     = (*DB)(nil)
	_ gateway.DeadLetters  = (*DB)(nil)
	_ gateway.Sources      = (*DB)(nil)
	_ gateway.TrendKeeper  = (*DB)(nil)
	_ gateway.DemoKeeper   = (*DB)(nil)
	_ gateway.TrendReader  = (*DB)(nil)
	_ gateway.Rebuilder    = (*DB)(nil)
	_ gateway.DayKeys      = (*DB)(nil)
	_ gateway.Orders       = (*DB)(nil)

	_ gateway.InterestReader = (*DB)(nil)
	_ gateway.InterestKeeper = (*DB)(nil)
)

// DB is a catalogue in a database. Its methods may be called concurrently. Until
// Migrate has succeeded once, all methods except Migrate and Close return a
// model.Error of code UnavailableNow.
type DB struct {
	gateway.NoCapabilities // of a BookIndex

	gorm     *gorm.DB // on the main connections
	searches *gorm.DB
	probe    *gorm.DB
	sql      connections
	dialect  dialect
	log      *slog.Logger
	migrated atomic.Bool
	away     atomic.Bool // the database did not answer the last time
	damaged  atomic.Bool
	lost     atomic.Bool // the file was lost the last time
	noted    sync.Map    // of model.Shard: the hour in which its position was last noted
	// changed is called after each commit with the changes that were committed.
	changed func(changes []*model.Change)
}

// connections are apart, so that slow searches hold up neither writes, book pages and
// imports, nor the probe of readiness.
type connections struct{ main, searches, probe *sql.DB }

func (c connections) close() error {
	return errors.Join(c.searches.Close(), c.probe.Close(), c.main.Close())
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
	// indexes returns the names of the indexes of a table.
	indexes(ctx context.Context, conn *sql.DB, table string) ([]string, error)
	// clustered returns what makes a table store its rows in the order of their primary key.
	clustered(table string) string
	// rowsPerStatement is how many rows bulk reads or writes with one statement.
	rowsPerStatement() int
	// replacing makes an INSERT replace the values of rows with the same key.
	replacing(key, values []string) string
	// deleteSome is a statement that deletes at least so many rows of a table, if it has them.
	deleteSome(table string, rows int) string
	columns(ctx context.Context, conn *sql.DB, table string) ([]string, error)
	tables(ctx context.Context, conn *sql.DB) ([]string, error)
	// isolation stops others from inserting the books that a transaction did not find.
	isolation() *sql.TxOptions
	// rowsPerInsert is the largest number of rows of an INSERT.
	rowsPerInsert() int
	// maxStatement is the largest size of a statement, and of a value.
	maxStatement(tx *gorm.DB) (bytes int, err error)
	// writesOfOthers reports whether other programs may write to the table. The
	// sweep then has to find their changes.
	writesOfOthers() bool
	// replaceOutbox makes an INSERT into outbox replace rows of the same books. A book
	// that is created and then updated stays created.
	replaceOutbox() string
	// now is an expression for the server's time in unix milliseconds.
	now() string
	// contains returns the condition that a column has a text in it, byte by byte. On MySQL and
	// MariaDB it takes half the time of LIKE.
	contains(column string) string
	// countsInScan reports whether one statement finds a page and counts all pages faster
	// than two.
	countsInScan() bool
	// create makes an empty database if there is none.
	create() error
	// present returns an error if the open database is no longer the one that the
	// next start would find.
	present() error
}

// open doesn't connect, so the database may be unavailable.
func open(d dialect, conns connections, log *slog.Logger) (*DB, error) {
	db := &DB{sql: conns, dialect: d, log: log, changed: func([]*model.Change) {}}
	var errs [3]error
	db.gorm, errs[0] = openGORM(d, conns.main)
	db.searches, errs[1] = openGORM(d, conns.searches)
	db.probe, errs[2] = openGORM(d, conns.probe)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s database: %w", d.goose(), err), conns.close())
	}
	return db, nil
}

func openGORM(d dialect, conn *sql.DB) (*gorm.DB, error) {
	return gorm.Open(d.gorm(conn), &gorm.Config{
		DisableAutomaticPing:   true,
		SkipDefaultTransaction: true,
		QueryFields:            true,
		TranslateError:         true,
		// Errors are returned, and logged once where they stop.
		Logger:  gormlog.Discard,
		NowFunc: func() time.Time { return time.Now().Truncate(time.Millisecond) },
	})
}

// OnChange makes DB call changed after each commit with the changes that this process has
// made, without their books. The write returns after the call. OnChange must be called
// before Migrate.
func (db *DB) OnChange(changed func(changes []*model.Change)) { db.changed = changed }

// Searches is the number of searches that can run at once. Others wait.
func (db *DB) Searches() int { return db.sql.searches.Stats().MaxOpenConnections }

// Ping returns an error unless the database is migrated and sound, and answers a query
// for one row with the columns that searches read. It has a connection of its own.
func (db *DB) Ping(ctx context.Context) error {
	if db.damaged.Load() {
		return unavailable(errDamaged)
	}
	if err := db.usable(); err != nil {
		return err
	}
	var rows []*storedRow
	if err := db.probe.WithContext(ctx).Limit(1).Find(&rows).Error; err != nil {
		return db.failed("ping database", err)
	}
	db.answers()
	return nil
}

// Close ends all connections.
func (db *DB) Close() error {
	if err := db.sql.close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

var (
	errNotMigrated = errors.New("the database has not answered yet")
	errDamaged     = errors.New("the database file is damaged")
)

// session returns GORM bound to ctx, or an error if the database can't be used.
func (db *DB) session(ctx context.Context) (*gorm.DB, error) {
	if err := db.usable(); err != nil {
		return nil, err
	}
	return db.gorm.WithContext(ctx), nil
}

// usable returns an error before the first migration, and while the database's file is
// lost. It logs when the file is lost, and when it is there again.
func (db *DB) usable() error {
	if !db.migrated.Load() {
		return unavailable(errNotMigrated)
	}
	err := db.dialect.present()
	switch {
	case err != nil && !db.lost.Swap(true):
		db.log.Error("the database was lost; the shop answers 503 until it is back, or until a restart", "error", err)
	case err == nil && db.lost.Load() && db.lost.Swap(false):
		db.log.Info("the database is back")
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

func unavailable(cause error) error {
	return &model.Error{Code: model.UnavailableNow, Message: "the catalogue does not answer at the moment", Cause: cause}
}

// failed wraps an error of the database. If a later retry can help, the code is
// UnavailableNow, and failed logs the first such error.
func (db *DB) failed(operation string, err error) error {
	err = fmt.Errorf("%s: %w", operation, err)
	if damage(err) {
		if !db.damaged.Swap(true) {
			db.log.Error("the database file is damaged; stop the shop, restore the file from a backup, and start again", "error", err)
		}
		return unavailable(err)
	}
	if tooLarge(err) {
		return &model.Error{Code: model.TooLarge, Field: "description", Message: "is too long for the shop's database", Cause: err}
	}
	if !passing(err) {
		return err
	}
	if !db.away.Swap(true) {
		db.log.Warn(complaint(err)+"; retrying", "error", err)
	}
	return unavailable(err)
}

// answers records that the database answers.
func (db *DB) answers() {
	if db.away.Load() && db.away.Swap(false) {
		db.log.Info("the database answers again")
	}
}

// damage reports errors that say that SQLite's file is damaged or no database.
func damage(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xFF == sqlitecode.SQLITE_CORRUPT || e.Code()&0xFF == sqlitecode.SQLITE_NOTADB)
}

// tooLarge reports errors that say that a value is above max_allowed_packet. The driver
// sends a long value apart from its statement, and MySQL refuses it by a general error
// when the statement comes.
func tooLarge(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return errors.Is(err, mysql.ErrPktTooLarge) || ok && (e.Number == 1153 || e.Number == 1105)
}

// What the log says about a database that can't be used; silent if nothing better is known.
const (
	silent   = "the database doesn't answer or refuses access"
	full     = "the database's disk or table is full"
	readOnly = "the database is read-only"
)

// passingErrors are the errors of MySQL that a retry can help against, mostly after somebody
// has mended the cause, with the complaint about it.
var passingErrors = func() map[uint16]string {
	numbers := make(map[uint16]string)
	for complaint, of := range map[string][]uint16{
		"the database has lost a table of the shop: restore it from a backup":                {1146},
		"the database of db.dsn doesn't exist: create it":                                    {1049},
		"the database refuses access: check the user, the password and the rights in db.dsn": {1044, 1045, 1130, 1142},
		"the database takes no more connections or statements: raise its limits":             {1040, 1203, 1226},
		full:     {1021, 1114},
		readOnly: {1290, 1836},
		silent:   {1020, 1053, 1129, 1158, 1159, 1160, 1161, 1205, 1213, 1317, 1927, 1969, 3024}, // shutdown, network, locks, killed
	} {
		for _, number := range of {
			numbers[number] = complaint
		}
	}
	return numbers
}()

// complaint says what is wrong with the database, for an error that is passing.
func complaint(err error) string {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return cmp.Or(passingErrors[e.Number], silent)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xFF {
		case sqlitecode.SQLITE_FULL:
			return full
		case sqlitecode.SQLITE_READONLY:
			return readOnly
		}
	}
	return silent
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
		_, listed := passingErrors[e.Number]
		return listed
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
