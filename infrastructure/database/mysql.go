package database

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// OpenMySQL returns a DB for a MySQL or MariaDB database. It doesn't connect yet,
// so its errors concern only the DSN.
func OpenMySQL(dsn string, log *slog.Logger) (*DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse DSN: %w", err)
	}
	cfg.ParseTime = true // created_at is a time.Time here, whatever the DSN says
	// The driver puts values into the statement, which saves a round trip to
	// prepare it. It refuses to if a character set makes that unsafe.
	cfg.InterpolateParams = true
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	if _, ok := cfg.Params["max_sort_length"]; !ok {
		cfg.Params["max_sort_length"] = "8192" // sort by whole titles, not by their first 1,024 bytes
	}
	if cfg.MaxAllowedPacket == mysql.NewConfig().MaxAllowedPacket {
		cfg.MaxAllowedPacket = 0 // ask the server
	}
	cfg.Logger = &mysql.NopLogger{} // the returned errors say the same
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("parse DSN: %w", err)
	}
	c := connections{main: pool(sql.OpenDB(connector), 16), probe: pool(sql.OpenDB(connector), 1)}
	c.searches = pool(sql.OpenDB(&searchConnector{connector, c.main, log}), mysqlSearches)
	return open(mysqlDialect{database: cfg.DBName}, c, log)
}

// mysqlSearches is the number of searches that run at once. More of them take longer,
// but find no more books in a second.
const mysqlSearches = 8

func pool(conn *sql.DB, size int) *sql.DB {
	conn.SetMaxOpenConns(size)
	conn.SetMaxIdleConns(size)
	conn.SetConnMaxLifetime(3 * time.Minute)
	return conn
}

type mysqlDialect struct{ database string }

func (mysqlDialect) goose() goose.Dialect { return goose.DialectMySQL }

func (mysqlDialect) gorm(conn *sql.DB) gorm.Dialector {
	return gormmysql.New(gormmysql.Config{Conn: conn, SkipInitializeWithVersion: true})
}

// isolation asks for InnoDB's gap locks, whatever the server's default.
func (mysqlDialect) isolation() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead}
}

func (mysqlDialect) rowsPerInsert() int { return 500 }

// maxStatement is the server's limit. A statement above it costs the driver two round
// trips more, and a value above it can't be stored.
func (mysqlDialect) maxStatement(tx *gorm.DB) (bytes int, err error) {
	return bytes, tx.Raw("SELECT @@max_allowed_packet").Scan(&bytes).Error
}

func (mysqlDialect) writesOfOthers() bool { return true }

// A search for a rare word takes a third of the time of two statements, one for a common word
// two thirds. On SQLite, one for a word in every book would take three times as long.
func (mysqlDialect) contains(column string) string {
	return "LOCATE(CAST(? AS BINARY), " + column + ") > 0"
}

func (mysqlDialect) countsInScan() bool { return true }

func (mysqlDialect) replaceOutbox() string {
	return ` ON DUPLICATE KEY UPDATE
		kind = IF(kind = 'created' AND VALUES(kind) = 'updated', kind, VALUES(kind)),
		version = VALUES(version), changed_at = VALUES(changed_at)`
}

func (mysqlDialect) now() string {
	return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000"
}

func (mysqlDialect) create() error { return nil }

func (mysqlDialect) present() error { return nil }

// lockMigration holds a named lock on its own connection. MySQL releases the lock
// with the connection, so a killed process leaves none.
func (d mysqlDialect) lockMigration(ctx context.Context, db *sql.DB) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	// The lock belongs to the server, so its name must tell databases apart. It has
	// at most 64 characters.
	name := fmt.Sprintf("event-books.migrate.%x", sha256.Sum256([]byte(d.database)))[:52]
	for {
		var got sql.NullInt64
		err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 10)", name).Scan(&got)
		if err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("lock migrations: %w", err)
		}
		if got.Int64 == 1 {
			break
		}
	}
	return func() error {
		defer conn.Close()
		var released sql.NullInt64
		return conn.QueryRowContext(context.WithoutCancel(ctx), "SELECT RELEASE_LOCK(?)", name).Scan(&released)
	}, nil
}

func (mysqlDialect) createBooks() string {
	return `CREATE TABLE IF NOT EXISTS books (
		id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
		title longtext, author longtext, published_at longtext, description longtext,
		created_at datetime(3)
	) DEFAULT CHARSET=utf8mb4`
}

func (mysqlDialect) columnType(kind columnKind) string {
	const text = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"
	switch kind {
	case shortText:
		return "VARCHAR(190)" + text
	case longText:
		return "LONGTEXT" + text
	case digest:
		return "BINARY(32) NULL"
	case integer:
		return "BIGINT NULL"
	case bookID:
		return "BIGINT UNSIGNED NOT NULL"
	case number:
		return "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
	case content:
		return "LONGBLOB"
	case code:
		return "VARBINARY(16)"
	case kafkaName:
		return "VARCHAR(300) CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
	case key:
		return "BINARY(32) NOT NULL"
	case tagText:
		return "VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	case languageTag:
		return "VARCHAR(35) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	case touched:
		return "TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"
	}
	panic("database: unknown kind of column")
}

func (mysqlDialect) columns(ctx context.Context, conn *sql.DB, table string) ([]string, error) {
	return names(ctx, conn, `SELECT column_name FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name = ?`, table)
}

func (mysqlDialect) tables(ctx context.Context, conn *sql.DB) ([]string, error) {
	return names(ctx, conn, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
}

func (mysqlDialect) indexes(ctx context.Context, conn *sql.DB, table string) ([]string, error) {
	return names(ctx, conn, `SELECT DISTINCT index_name FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND table_name = ?`, table)
}

// InnoDB stores every table in the order of its primary key.
func (mysqlDialect) clustered(string) string { return " DEFAULT CHARSET=utf8mb4" }

func (mysqlDialect) rowsPerStatement() int { return 256 }

func (mysqlDialect) replacing(_, values []string) string {
	if len(values) == 0 {
		return ""
	}
	sets := make([]string, len(values))
	for i, column := range values {
		sets[i] = column + " = VALUES(" + column + ")"
	}
	return " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
}

func (mysqlDialect) deleteSome(table string, rows int) string {
	return fmt.Sprintf("DELETE FROM %s LIMIT %d", table, rows)
}
