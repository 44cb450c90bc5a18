package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// migrations are the versions of the schema. A released migration never changes.
// Each of its steps can be repeated: MySQL's DDL is not transactional, and a
// process can be killed between any two steps. Migrations never alter the first
// six columns, which the tutorial's program writes too.
func (db *DB) migrations() []*goose.Migration {
	step := func(version int64, up func(ctx context.Context, conn *sql.DB) error) *goose.Migration {
		return goose.NewGoMigration(version, &goose.GoFunc{RunDB: up}, nil)
	}
	return []*goose.Migration{
		step(1, func(ctx context.Context, conn *sql.DB) error {
			_, err := conn.ExecContext(ctx, db.dialect.createBooks())
			return err
		}),
		step(2, func(ctx context.Context, conn *sql.DB) error { return db.addColumns(ctx, conn, ourColumns) }),
		step(3, db.addIndexes),
		step(4, func(ctx context.Context, conn *sql.DB) error {
			_, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS seeds (name VARCHAR(64) PRIMARY KEY, planted_at BIGINT NOT NULL)")
			return err
		}),
		step(5, func(ctx context.Context, conn *sql.DB) error {
			_, err := conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS imports (
				file_hash CHAR(64) PRIMARY KEY, digest CHAR(64) NOT NULL,
				created BIGINT NOT NULL, updated BIGINT NOT NULL, unchanged BIGINT NOT NULL,
				deleted BIGINT NOT NULL, rejected BIGINT NOT NULL, kept BIGINT NOT NULL, saved_at BIGINT NOT NULL)`)
			return err
		}),
		step(6, func(ctx context.Context, conn *sql.DB) error {
			_, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS properties (name VARCHAR(64) PRIMARY KEY, value VARCHAR(190) NOT NULL)")
			return err
		}),
		step(7, db.addChanges),
		step(8, func(ctx context.Context, conn *sql.DB) error { return db.addColumns(ctx, conn, columnsOfImports) }),
		step(9, db.addConsumers),
		step(10, func(ctx context.Context, conn *sql.DB) error {
			_, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS day_keys (day INT NOT NULL PRIMARY KEY, secret "+db.dialect.columnType(digest)+", made_at BIGINT NOT NULL)")
			return err
		}),
		step(11, db.addRelay),
		step(12, db.addRebuild),
		step(13, db.addInsights),
		step(14, db.addInterests),
		step(15, func(ctx context.Context, conn *sql.DB) error {
			of := db.dialect.columnType
			return db.createTables(ctx, conn, []string{
				"staff_sessions (hash " + of(key) + ", data " + of(content) + ", expires_at BIGINT NOT NULL, PRIMARY KEY (hash))",
				"hidden_keywords (hash " + of(key) + ", folded " + of(longText) + ", hidden_at BIGINT NOT NULL, PRIMARY KEY (hash))",
			}, nil)
		}),
		step(16, db.addOrders),
	}
}

// versionTable is the table in which goose records finished migrations.
const versionTable = "schema_migrations"

// Migrate brings the schema to this program's version, and completes the rows of
// other programs. If several processes start at once, one migrates and the others
// wait. Migrate can be repeated after any failure.
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.dialect.create(); err != nil {
		return db.failed("create database", err)
	}
	if err := db.migrate(ctx); err != nil {
		return db.failed("migrate database", err)
	}
	if err := db.sweepNew(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	if _, err := db.property(db.gorm.WithContext(ctx), idProperty); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	db.migrated.Store(true)
	return nil
}

func (db *DB) migrate(ctx context.Context) (err error) {
	release, err := db.dialect.lockMigration(ctx, db.sql.main)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()

	// On MySQL, goose creates its table and the first row in two steps. It can't
	// continue after a kill between them.
	if err := db.repairVersionTable(ctx); err != nil {
		return err
	}
	migrations := db.migrations()
	provider, err := goose.NewProvider(db.dialect.goose(), db.sql.main, nil,
		goose.WithGoMigrations(migrations...), goose.WithDisableGlobalRegistry(true),
		goose.WithTableName(versionTable))
	if err != nil {
		return err
	}
	at, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if newest := migrations[len(migrations)-1].Version; at > newest {
		return fmt.Errorf("the database has schema version %d of a newer event-books; this one supports %d", at, newest)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return err
	}
	if len(results) > 0 {
		db.log.Info("database migrated", "from", at, "to", results[len(results)-1].Source.Version)
	}
	return db.beginChanges(ctx)
}

// repairVersionTable adds the first row if the table exists without it.
func (db *DB) repairVersionTable(ctx context.Context) error {
	store, err := database.NewStore(database.Dialect(db.dialect.goose()), versionTable)
	if err != nil {
		return err
	}
	var rows int
	if err := db.sql.main.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+versionTable).Scan(&rows); err != nil || rows > 0 {
		return nil // there is no table yet, or it has its first row
	}
	return store.Insert(ctx, db.sql.main, database.InsertRequest{Version: 0})
}

// columnKind is the type of a column in both dialects.
type columnKind int

const (
	shortText columnKind = iota // up to 190 code points, can be indexed
	longText
	digest // 32 bytes
	integer
	bookID      // the id of a book, without being its primary key
	touched     // the time of the last write, which the server sets
	number      // a primary key that the database counts up
	content     // any bytes
	code        // up to 16 bytes, can be indexed
	key         // 32 bytes of a primary key
	kafkaName   // of a group or a topic, or a place in a topic; can be indexed
	tagText     // up to 100 code points, can be indexed
	languageTag // up to 35 bytes, can be indexed
)

type column struct {
	name string
	kind columnKind
}

// ourColumns follow the tutorial's six columns. All are nullable or have a
// default, so that a program that doesn't know them can insert rows.
var ourColumns = []column{
	{"isbn", shortText},
	{"language", shortText},
	{"publisher", longText},
	{"subjects", longText},
	{"series", longText},
	{"edition", longText},
	{"price", shortText},
	{"currency", shortText},
	{"stock", integer},
	{"availability", shortText},
	{"buy_url", longText},
	{"cover_url", longText},
	{"source", shortText},
	{"external_id", shortText},
	{"fingerprint", digest},
	{"year", integer},
	{"search_text", longText},
	{"title_folded", longText},
	{"authors_folded", longText},
	{"subjects_folded", longText},
	{"search_hash", digest},
	{"touched_at", touched},
}

// columnsOfImports are set by imports only.
var columnsOfImports = []column{
	{"popularity", integer},
	{"author_aliases", longText},
}

// addColumns adds columns to the books.
func (db *DB) addColumns(ctx context.Context, conn *sql.DB, columns []column) error {
	for _, column := range columns {
		columnType := db.dialect.columnType(column.kind)
		if columnType == "" {
			continue
		}
		if err := db.addColumn(ctx, conn, "books", column.name, columnType); err != nil {
			return err
		}
	}
	return nil
}

// addColumn adds a column that is missing.
func (db *DB) addColumn(ctx context.Context, conn *sql.DB, table, column, definition string) error {
	present, err := db.dialect.columns(ctx, conn, table)
	if err != nil || slices.Contains(present, column) {
		return err
	}
	if _, err := conn.ExecContext(ctx, "ALTER TABLE "+table+" ADD COLUMN "+column+" "+definition); err != nil {
		return fmt.Errorf("add column %s to %s: %w", column, table, err)
	}
	return nil
}

func (db *DB) addIndexes(ctx context.Context, conn *sql.DB) error {
	present, err := db.dialect.indexes(ctx, conn, "books")
	if err != nil {
		return err
	}
	columns, err := db.dialect.columns(ctx, conn, "books")
	if err != nil {
		return err
	}
	for _, index := range []struct{ name, unique, column, columns string }{
		{"books_isbn", "UNIQUE", "isbn", "isbn"},
		{"books_external_id", "UNIQUE", "external_id", "external_id, source"},
		{"books_fingerprint", "", "fingerprint", "fingerprint"},
		{"books_search_hash", "", "search_hash", "search_hash"},
		{"books_touched_at", "", "touched_at", "touched_at"},
	} {
		if slices.Contains(present, index.name) || !slices.Contains(columns, index.column) {
			continue
		}
		statement := fmt.Sprintf("CREATE %s INDEX %s ON books (%s)", index.unique, index.name, index.columns)
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create index %s: %w", index.name, err)
		}
	}
	return nil
}

// addChanges adds what the stream of changes needs. See changes.go.
func (db *DB) addChanges(ctx context.Context, conn *sql.DB) error {
	if err := db.addColumns(ctx, conn, []column{{"version", integer}}); err != nil {
		return err
	}
	tables := []string{
		"counters (name VARCHAR(64) PRIMARY KEY, value BIGINT NOT NULL)",
		"outbox (book_id " + db.dialect.columnType(bookID) + " PRIMARY KEY, version BIGINT NOT NULL UNIQUE, kind VARCHAR(16) NOT NULL, changed_at BIGINT NOT NULL)",
		"leases (name VARCHAR(64) PRIMARY KEY, holder VARCHAR(64) NOT NULL, epoch BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
	}
	if db.dialect.writesOfOthers() {
		tables = append(tables, "known_books (book_id "+db.dialect.columnType(bookID)+" PRIMARY KEY)")
	}
	for _, table := range tables {
		if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table); err != nil {
			return fmt.Errorf("create table %s: %w", table, err)
		}
	}
	return nil
}

// addConsumers adds what consumers of topics keep: their positions, the sources that they
// know, dead letters, and the trends.
func (db *DB) addConsumers(ctx context.Context, conn *sql.DB) error {
	of := db.dialect.columnType
	shard := "consumer " + of(kafkaName) + ", stream " + of(kafkaName) + ", shard INT NOT NULL"
	tables := []string{
		"consumer_positions (" + shard + ", stream_id VARCHAR(64) NOT NULL, epoch BIGINT NOT NULL, next_record BIGINT NOT NULL, last_record " + of(longText) + `,
			above BIGINT NOT NULL, newest_at BIGINT NOT NULL, handled BIGINT NOT NULL, copies BIGINT NOT NULL, dead BIGINT NOT NULL,
			ignored BIGINT NOT NULL, missed BIGINT NOT NULL, late BIGINT NOT NULL, PRIMARY KEY (consumer, stream, shard))`,
		"consumer_sources (" + shard + ", hash " + of(key) + ", name " + of(longText) + `,
			highest BIGINT NOT NULL, arrived BIGINT NOT NULL, left_out BIGINT NOT NULL, last_at BIGINT NOT NULL, seen ` + of(content) + ", PRIMARY KEY (consumer, stream, shard, hash))",
		"event_sources (hash " + of(key) + ", name " + of(longText) + `, stream ` + of(kafkaName) + `, highest BIGINT NOT NULL, lost BIGINT NOT NULL,
			refused BIGINT NOT NULL, unconfirmed BIGINT NOT NULL, dead_lettered BIGINT NOT NULL, waiting BIGINT NOT NULL, ended BOOLEAN NOT NULL,
			reported_at BIGINT NOT NULL, PRIMARY KEY (hash))`,
		"dead_letters (id " + of(number) + ", " + shard + ", position BIGINT NOT NULL, written_at BIGINT NOT NULL, newest_at BIGINT NOT NULL, rejected_at BIGINT NOT NULL, done_at BIGINT NULL, reason " +
			of(longText) + ", record_key " + of(content) + ", headers " + of(content) + ", value " + of(content) + ")",
		"dead_letters_sent (topic " + of(kafkaName) + ", record_id " + of(kafkaName) + ", sent_at BIGINT NOT NULL, PRIMARY KEY (topic, record_id))",
		"trend_keywords (id " + of(number) + ", hash " + of(key) + ", folded " + of(longText) +
			", newest_at BIGINT NOT NULL, newest_id VARCHAR(64) NOT NULL, newest_books VARCHAR(190) NOT NULL, UNIQUE (hash))",
	}
	err := db.createTables(ctx, conn, append(tables, db.trendTables("")...), []tableIndex{
		{"trend_visits_visitor", "trend_visits", "visitor"},
		{"trend_clicks_visitor", "trend_clicks", "visitor"},
		{"dead_letters_open", "dead_letters", "consumer, stream, done_at"},
		{"trend_counts_version", "trend_counts", "version"},
		{"trend_counts_keyword", "trend_counts", "keyword_id, day"},
	})
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "INSERT INTO counters (name, value) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM counters WHERE name = ?)", trendCounter, trendCounter)
	return err
}

// trendTables are the definitions of trendTables.
func (db *DB) trendTables(suffix string) []string {
	of := db.dialect.columnType
	tag := "tag " + of(tagText) + " NOT NULL"
	visitor := "visitor " + of(code) + " NOT NULL"
	return []string{
		"trend_visits" + suffix + " (day INT NOT NULL, keyword_id BIGINT NOT NULL, " + visitor + ", surface INT NOT NULL, " + tag + ", facts " + of(content) +
			", PRIMARY KEY (day, keyword_id, visitor, surface, tag))",
		"trend_counts" + suffix + " (day INT NOT NULL, keyword_id BIGINT NOT NULL, surface INT NOT NULL, " + tag +
			", requests BIGINT NOT NULL, searches BIGINT NOT NULL, buckets " + of(content) + ", version BIGINT NOT NULL, PRIMARY KEY (day, keyword_id, surface, tag))",
		"trend_spellings" + suffix + " (day INT NOT NULL, keyword_id BIGINT NOT NULL, hash " + of(code) + " NOT NULL, spelling " + of(longText) +
			", typed BIGINT NOT NULL, served BIGINT NOT NULL, PRIMARY KEY (day, keyword_id, hash))",
		"trend_clicks" + suffix + " (day INT NOT NULL, search_id " + of(code) + " NOT NULL, book_id BIGINT NOT NULL, keyword_id BIGINT NOT NULL, " + visitor +
			", surface INT NOT NULL, " + tag + ", bucket INT NOT NULL, ordinal BIGINT NOT NULL, clicked_at BIGINT NOT NULL, PRIMARY KEY (day, search_id, book_id))",
		"trend_erasures" + suffix + " (" + visitor + ", erased_at BIGINT NOT NULL, PRIMARY KEY (visitor))",
	}
}

// addRelay adds what the relay of dead letters keeps.
func (db *DB) addRelay(ctx context.Context, conn *sql.DB) error {
	const table = "dead_letters"
	if err := db.addColumn(ctx, conn, table, "relayed_at", "BIGINT NULL"); err != nil {
		return err
	}
	return db.createTables(ctx, conn, nil, []tableIndex{{"dead_letters_unrelayed", table, "consumer, stream, relayed_at, done_at"}})
}

// addRebuild adds what counting again needs: tables beside those of the live counts, and how far
// consumers had read in each hour. See rebuild.go and notes.go.
func (db *DB) addRebuild(ctx context.Context, conn *sql.DB) error {
	of := db.dialect.columnType
	notes := "consumer_notes (consumer " + of(kafkaName) + ", stream " + of(kafkaName) + ", shard INT NOT NULL, position BIGINT NOT NULL, highest_at BIGINT NOT NULL, PRIMARY KEY (consumer, stream, shard, position))"
	return db.createTables(ctx, conn, append(db.trendTables(rebuiltSuffix), notes), []tableIndex{
		{"trend_visits_rebuilt_visitor", "trend_visits_rebuilt", "visitor"},
		{"trend_clicks_rebuilt_visitor", "trend_clicks_rebuilt", "visitor"},
		{"trend_counts_rebuilt_keyword", "trend_counts_rebuilt", "keyword_id, day"},
	})
}

// addInterests adds what recommendations are made of. See interests.go.
func (db *DB) addInterests(ctx context.Context, conn *sql.DB) error {
	of := db.dialect.columnType
	visitor := "visitor " + of(code) + " NOT NULL"
	err := db.createTables(ctx, conn, []string{
		"interest_openings (" + visitor + ", day INT NOT NULL, book_id BIGINT NOT NULL, opened_at BIGINT NOT NULL, PRIMARY KEY (visitor, day, book_id))",
		"interest_visitors (" + visitor + ", history " + of(content) + ", erased_day INT NOT NULL, due_day INT NOT NULL, PRIMARY KEY (visitor))",
		"interest_books (book_id BIGINT NOT NULL, weight DOUBLE NOT NULL, sessions BIGINT NOT NULL, PRIMARY KEY (book_id))",
		"interest_pairs (book_a BIGINT NOT NULL, book_b BIGINT NOT NULL, weight DOUBLE NOT NULL, sessions BIGINT NOT NULL, shown INT NOT NULL, PRIMARY KEY (book_a, book_b))",
	}, []tableIndex{
		{"interest_openings_book", "interest_openings", "book_id, day"},
		{"interest_openings_day", "interest_openings", "day"},
		{"interest_visitors_due", "interest_visitors", "due_day"},
		{"interest_books_weight", "interest_books", "weight"},
		{"interest_pairs_a", "interest_pairs", "book_a, shown, weight"},
		{"interest_pairs_b", "interest_pairs", "book_b, shown, weight"},
	})
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "INSERT INTO counters (name, value) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM counters WHERE name = ?)", interestCounter, interestCounter)
	return err
}

type tableIndex struct{ name, table, columns string }

// createTables creates tables and indexes that are missing.
func (db *DB) createTables(ctx context.Context, conn *sql.DB, tables []string, indexes []tableIndex) error {
	for _, table := range tables {
		if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table+db.dialect.clustered(table)); err != nil {
			return fmt.Errorf("create table %s: %w", table, err)
		}
	}
	for _, index := range indexes {
		present, err := db.dialect.indexes(ctx, conn, index.table)
		if err != nil {
			return err
		}
		if slices.Contains(present, index.name) {
			continue
		}
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("CREATE INDEX %s ON %s (%s)", index.name, index.table, index.columns)); err != nil {
			return fmt.Errorf("create index %s: %w", index.name, err)
		}
	}
	return nil
}

// names returns the results of a query for one text column.
func names(ctx context.Context, conn *sql.DB, query string, values ...any) (list []string, err error) {
	rows, err := conn.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}
