package bench

import (
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/database"
)

// BenchmarkImport imports a real catalogue. Then it inserts the stored rows into an empty
// table with the same columns and durability, by a prepared statement for 500 rows, 1,000
// rows per transaction. It also measures a second import of the same file, which changes
// nothing.
func BenchmarkImport(b *testing.B) {
	dir := os.Getenv("TEST_DATA_DIR")
	if dir == "" {
		b.Skip("TEST_DATA_DIR names no folder of catalogues")
	}
	for _, file := range []string{"goodbooks10k.csv", "gutenberg.jsonl.gz"} {
		b.Run(file+"/SQLite", func(b *testing.B) {
			for b.Loop() {
				folder := b.TempDir()
				measure(b, filepath.Join(dir, file), func(name string) (*database.DB, *sql.DB) { return openSQLite(b, folder, name) })
			}
		})
		b.Run(file+"/MariaDB", func(b *testing.B) {
			dsn := os.Getenv("TEST_MARIADB_DSN")
			if dsn == "" {
				b.Skip("TEST_MARIADB_DSN names no MariaDB server")
			}
			for b.Loop() {
				measure(b, filepath.Join(dir, file), func(string) (*database.DB, *sql.DB) { return openMariaDB(b, dsn) })
			}
		})
	}
}

func measure(b *testing.B, file string, open func(name string) (*database.DB, *sql.DB)) {
	shop, stored := open("shop")
	first := importFile(b, shop, file)
	second := importFile(b, shop, file)
	if second.Unchanged+second.Rejected != second.Rows || first.Created == 0 {
		b.Fatalf("importing twice changed something: %+v, %+v", first, second)
	}
	columns, rows := readBooks(b, stored)
	_, bare := open("bare")
	insertSeconds := insertBare(b, bare, columns, rows).Seconds()
	rate := func(n int, seconds float64) float64 { return float64(n) / seconds }
	b.ReportMetric(rate(first.Rows, first.Elapsed.Seconds()), "import-rows/s")
	b.ReportMetric(rate(second.Rows, second.Elapsed.Seconds()), "again-rows/s")
	b.ReportMetric(rate(len(rows), insertSeconds), "bare-rows/s")
	b.ReportMetric(rate(first.Rows, first.Elapsed.Seconds())/rate(len(rows), insertSeconds), "import/bare")
	b.ReportMetric(0, "ns/op")
}

// silent is an observer that prints nothing.
type silent struct{}

func (silent) Resumed(int)              {}
func (silent) Rejected(*model.RowError) {}
func (silent) Note(int, string)         {}
func (silent) Progress(int)             {}
func (silent) Waiting(error)            {}

func importFile(b *testing.B, books *database.DB, path string) importing.Summary {
	options := importing.Options{Rejected: filepath.Join(b.TempDir(), "rejected")}
	file, err := importing.NewImporter(books, books, catalog.Files{}).Open(path, options)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	summary, err := file.Run(b.Context(), silent{})
	if err != nil {
		b.Fatal(err)
	}
	return summary
}

// readBooks returns every row without its id and without the column that the server sets
// itself.
func readBooks(b *testing.B, db *sql.DB) (columns []string, rows [][]any) {
	result, err := db.Query("SELECT * FROM books ORDER BY id")
	if err != nil {
		b.Fatal(err)
	}
	defer result.Close()
	all, err := result.Columns()
	if err != nil {
		b.Fatal(err)
	}
	keep := func(name string) bool { return name != "id" && name != "touched_at" }
	for _, name := range all {
		if keep(name) {
			columns = append(columns, name)
		}
	}
	for result.Next() {
		values := make([]any, len(all))
		for i := range values {
			values[i] = new(any)
		}
		if err := result.Scan(values...); err != nil {
			b.Fatal(err)
		}
		var row []any
		for i, name := range all {
			if keep(name) {
				row = append(row, *values[i].(*any))
			}
		}
		rows = append(rows, row)
	}
	if err := result.Err(); err != nil {
		b.Fatal(err)
	}
	return columns, rows
}

func insertBare(b *testing.B, db *sql.DB, columns []string, rows [][]any) time.Duration {
	const each, inTransaction = 500, 1000
	place := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	statement := func(n int) string {
		return "INSERT INTO books (" + strings.Join(columns, ",") + ") VALUES " + strings.TrimSuffix(strings.Repeat(place+",", n), ",")
	}
	prepared, err := db.Prepare(statement(each))
	if err != nil {
		b.Fatal(err)
	}
	defer prepared.Close()
	begun := time.Now()
	for len(rows) > 0 {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for range inTransaction / each {
			n := min(each, len(rows))
			var values []any
			for _, row := range rows[:n] {
				values = append(values, row...)
			}
			if n == each {
				_, err = tx.Stmt(prepared).Exec(values...)
			} else if n > 0 {
				_, err = tx.Exec(statement(n), values...)
			}
			if err != nil {
				b.Fatal(err)
			}
			rows = rows[n:]
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begun)
}

func openSQLite(b *testing.B, dir, name string) (*database.DB, *sql.DB) {
	file := filepath.Join(dir, fmt.Sprintf("%s-%d.db", name, time.Now().UnixNano()))
	db, err := database.OpenSQLite(file, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	bare, err := sql.Open("sqlite", file+"?_txlock=immediate&_pragma=busy_timeout(15000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	return ready(b, db), closing(b, bare)
}

func openMariaDB(b *testing.B, dsn string) (*database.DB, *sql.DB) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		b.Fatal(err)
	}
	admin, err := sql.Open("mysql", dsn)
	if err != nil {
		b.Fatal(err)
	}
	cfg.DBName = "bench_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + cfg.DBName); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + cfg.DBName); err != nil {
			b.Error(err)
		}
		admin.Close()
	})
	db, err := database.OpenMySQL(cfg.FormatDSN(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	bare, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		b.Fatal(err)
	}
	return ready(b, db), closing(b, bare)
}

func ready(b *testing.B, db *database.DB) *database.DB {
	b.Cleanup(func() { db.Close() })
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return db
}

func closing(b *testing.B, db *sql.DB) *sql.DB {
	b.Cleanup(func() { db.Close() })
	return db
}
