package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/database/databasetest"
	"literank.com/event-books/infrastructure/index/indextest"
)

// onKinds runs a test for every kind of database. fresh returns a function that
// opens handles on one empty database. Variables name the servers.
func onKinds(t *testing.T, test func(t *testing.T, fresh func(t *testing.T) (open func() *DB))) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, func(t *testing.T) func() *DB {
			file := filepath.Join(t.TempDir(), "books of a 100% ?#new shop.db")
			return opener(t, func() (*DB, error) { return OpenSQLite(file, slog.New(slog.DiscardHandler)) })
		})
	})
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			dsn := server.dsn(t)
			test(t, func(t *testing.T) func() *DB {
				own := ownDatabase(t, dsn)
				return opener(t, func() (*DB, error) { return OpenMySQL(own, slog.New(slog.DiscardHandler)) })
			})
		})
	}
}

// opener opens handles that are closed at the end of the test.
func opener(t *testing.T, open func() (*DB, error)) func() *DB {
	return func() *DB {
		db, err := open()
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		return db
	}
}

// ownDatabase creates an empty database on a server and returns its DSN. The
// database is removed at the end of the test.
func ownDatabase(t testing.TB, dsn string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	admin, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	cfg.DBName = "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err = admin.Exec("CREATE DATABASE " + cfg.DBName + " CHARACTER SET utf8mb4")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec("DROP DATABASE " + cfg.DBName)
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
	})
	return cfg.FormatDSN()
}

// onEach runs a test with handles on an empty database of each kind.
func onEach(t *testing.T, test func(t *testing.T, open func() *DB)) {
	onKinds(t, func(t *testing.T, fresh func(t *testing.T) func() *DB) { test(t, fresh(t)) })
}

// onServers runs a test with the DSN of an empty database on each kind of server.
func onServers(t *testing.T, test func(t *testing.T, dsn string)) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) { test(t, ownDatabase(t, server.dsn(t))) })
	}
}

// servers are the kinds of database that are servers.
var servers = []server{{"MariaDB", "TEST_MARIADB_DSN"}, {"MySQL", "TEST_MYSQL_DSN"}}

type server struct{ name, variable string }

// dsn skips the test if the variable isn't set.
func (s server) dsn(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv(s.variable)
	if dsn == "" {
		t.Skipf("%s is not set: it names a %s server", s.variable, s.name)
	}
	return dsn
}

// migrated is onEach with one handle on a migrated database.
func migrated(t *testing.T, test func(t *testing.T, db *DB)) {
	onEach(t, func(t *testing.T, open func() *DB) {
		db := open()
		require.NoError(t, db.Migrate(t.Context()))
		test(t, db)
	})
}

func TestGateways(t *testing.T) {
	onKinds(t, func(t *testing.T, fresh func(t *testing.T) func() *DB) {
		databasetest.Run(t, func(t *testing.T) func() databasetest.Catalogue {
			open := fresh(t)
			return func() databasetest.Catalogue {
				db := open()
				require.NoError(t, db.Migrate(t.Context()))
				return db
			}
		})
	})
}

func TestBookIndex(t *testing.T) {
	onKinds(t, func(t *testing.T, fresh func(t *testing.T) func() *DB) {
		indextest.Run(t, func(t *testing.T) indextest.Catalogue {
			db := fresh(t)()
			require.NoError(t, db.Migrate(t.Context()))
			return db
		}, indextest.Features{PartsOfWords: true, Punctuation: true, Literal: true, TitleFirst: true})
	})
}

func TestSeedOnce(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		books := []*model.Book{{Title: "One"}, {Title: "Two"}}
		planted, err := db.SeedOnce(ctx, "starter", books)
		require.NoError(t, err)
		assert.Equal(t, 2, planted)
		indextest.Delete(t, db, 1)
		indextest.Delete(t, db, 2)
		planted, err = db.SeedOnce(ctx, "starter", books)
		require.NoError(t, err)
		assert.Zero(t, planted, "an emptied catalogue stays empty")
		_, err = db.CreateBook(ctx, &model.Book{Title: "Own"})
		require.NoError(t, err)
		planted, err = db.SeedOnce(ctx, "other", books)
		require.NoError(t, err)
		assert.Zero(t, planted, "a filled catalogue is left alone")
	})
}

func TestTwoStartersMigrateOnce(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		var wg sync.WaitGroup
		for range 5 {
			db := open()
			wg.Go(func() { assert.NoError(t, db.Migrate(context.Background())) })
		}
		wg.Wait()
		db := open()
		var versions int
		require.NoError(t, db.sql.main.QueryRow("SELECT COUNT(*) FROM "+versionTable+" WHERE version_id > 0").Scan(&versions))
		assert.Equal(t, len(db.migrations()), versions)
	})
}

// A killed migration leaves some of its steps done. The next one must continue
// after any of them.
func TestKilledMigrationIsContinued(t *testing.T) {
	leftovers := map[string][]string{
		"version table without its first row":  {"CREATE TABLE schema_migrations (id %s, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp datetime NULL default CURRENT_TIMESTAMP)"},
		"table created, version not recorded":  {"books"},
		"some columns":                         {"books", "ALTER TABLE books ADD COLUMN isbn VARCHAR(190) NULL", "ALTER TABLE books ADD COLUMN subjects TEXT NULL"},
		"a column that came later":             {"books", "ALTER TABLE books ADD COLUMN popularity BIGINT NULL"},
		"some columns and an index":            {"books", "ALTER TABLE books ADD COLUMN isbn VARCHAR(190) NULL", "CREATE UNIQUE INDEX books_isbn ON books (isbn)"},
		"last step done, version not recorded": {"CREATE TABLE seeds (name VARCHAR(64) PRIMARY KEY, planted_at BIGINT NOT NULL)"},
	}
	for name, statements := range leftovers {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, open func() *DB) {
				db := open()
				require.NoError(t, db.dialect.create())
				for _, statement := range statements {
					switch {
					case statement == "books":
						statement = db.dialect.createBooks()
					case strings.Contains(statement, "%s") && db.dialect.writesOfOthers():
						statement = fmt.Sprintf(statement, "bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY")
					case strings.Contains(statement, "%s"):
						statement = fmt.Sprintf(statement, "INTEGER PRIMARY KEY AUTOINCREMENT")
					}
					_, err := db.sql.main.Exec(statement)
					require.NoError(t, err, statement)
				}
				require.NoError(t, db.Migrate(t.Context()))
				_, err := db.CreateBook(t.Context(), &model.Book{Title: "It works", ISBN: "9780306406157"})
				require.NoError(t, err)
				_, err = db.SeedOnce(t.Context(), "x", nil)
				require.NoError(t, err)
				require.NoError(t, open().Migrate(t.Context()), "a second time")
			})
		})
	}
}

// The books of an earlier version have NULL in the columns that are new.
func TestBooksOfAnEarlierVersionHaveNoPopularity(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Emma", Subjects: []string{"England"}})
		require.NoError(t, err)
		for _, statement := range []string{
			"ALTER TABLE books DROP COLUMN popularity", "ALTER TABLE books DROP COLUMN author_aliases", "DELETE FROM " + versionTable + " WHERE version_id >= 8",
		} {
			_, err := db.sql.main.Exec(statement)
			require.NoError(t, err, statement)
		}
		require.NoError(t, db.Migrate(t.Context()))
		var nulls int
		require.NoError(t, db.sql.main.QueryRow("SELECT COUNT(*) FROM books WHERE popularity IS NULL AND author_aliases IS NULL").Scan(&nulls))
		assert.Equal(t, 1, nulls)
		got, err := db.GetBook(t.Context(), id)
		require.NoError(t, err)
		assert.Zero(t, got.Popularity)
		assert.Nil(t, got.AuthorAliases)
		rows, err := db.ExportBooks(t.Context(), 0)
		require.NoError(t, err)
		rows[0].Fields = ^model.Field(0)
		results, err := db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		assert.Equal(t, model.Unchanged, results[0].Outcome)
	})
}

// Dead letters of an earlier version are relayed. A migration that was killed is continued.
func TestLettersOfAnEarlierVersionAreRelayed(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		shard := model.Shard{Group: "trends", Stream: "searches"}
		claim, err := db.Claim(t.Context(), shard)
		require.NoError(t, err)
		require.NoError(t, db.Advance(t.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			tx.Reject(&model.Record{Shard: shard, Key: "odd"}, errors.New("it is odd"))
			return gateway.Step{Checkpoint: claim}, nil
		}))
		forgetVersion := "DELETE FROM " + versionTable + " WHERE version_id >= 11"
		dropIndex := "DROP INDEX dead_letters_unrelayed"
		if db.dialect.writesOfOthers() {
			dropIndex += " ON dead_letters"
		}
		for _, statements := range [][]string{
			{dropIndex, "ALTER TABLE dead_letters DROP COLUMN relayed_at", forgetVersion},
			{dropIndex, forgetVersion}, // killed between the steps
			{forgetVersion},
		} {
			for _, statement := range statements {
				_, err := db.sql.main.Exec(statement)
				require.NoError(t, err, statement)
			}
			require.NoError(t, db.Migrate(t.Context()))
			indexes, err := db.dialect.indexes(t.Context(), db.sql.main, "dead_letters")
			require.NoError(t, err)
			assert.Contains(t, indexes, "dead_letters_unrelayed")
			letters, err := db.UnrelayedDeadLetters(t.Context(), shard.Group, shard.Stream, 10)
			require.NoError(t, err)
			require.Len(t, letters, 1)
			assert.Equal(t, "odd", letters[0].Record.Key)
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		_, err := db.sql.main.Exec("INSERT INTO " + versionTable + " (version_id, is_applied) VALUES (1000, 1)")
		require.NoError(t, err)
		assert.ErrorContains(t, db.Migrate(t.Context()), "of a newer event-books")
	})
}

func TestBeforeMigrationTheCatalogueIsUnavailable(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		db := open()
		_, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(db.Ping(t.Context())))
	})
}

func TestAnAbsentServerIsUnavailable(t *testing.T) {
	db, err := OpenMySQL("user:pass@tcp(127.0.0.1:1)/shop", slog.New(slog.DiscardHandler))
	require.NoError(t, err, "opening doesn't connect")
	defer db.Close()
	err = db.Migrate(t.Context())
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	db.migrated.Store(true)
	_, err = db.GetBook(t.Context(), 1)
	assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
}

func TestDeadlineIsUnavailable(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err := db.SearchBooks(ctx, model.Search{Keyword: "x", Limit: 1})
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
	})
}

// tutorialTable is the table that the tutorial's program creates.
const tutorialTable = "CREATE TABLE `books` (`id` bigint unsigned AUTO_INCREMENT,`title` longtext,`author` longtext," +
	"`published_at` longtext,`description` longtext,`created_at` datetime(3) NULL,PRIMARY KEY (`id`))"

const tutorialInsert = "INSERT INTO `books` (`title`,`author`,`published_at`,`description`,`created_at`) VALUES (?,?,?,?,?)"

func TestTutorialsDatabaseIsTakenOver(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		tutorial, err := sql.Open("mysql", dsn)
		require.NoError(t, err)
		defer tutorial.Close()
		_, err = tutorial.Exec(tutorialTable)
		require.NoError(t, err)
		created := time.Date(2024, 3, 1, 12, 0, 0, 0, time.Local)
		for i := range 1203 {
			_, err := tutorial.Exec(tutorialInsert, fmt.Sprintf("Book №%d", i), "Some Author", "2001", "A gift", created)
			require.NoError(t, err)
		}
		_, err = tutorial.Exec("DELETE FROM books WHERE id = 7")
		require.NoError(t, err)
		_, err = tutorial.Exec("INSERT INTO books (title) VALUES ('Nulls')")
		require.NoError(t, err)
		before := shape(t, tutorial)

		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		assert.Equal(t, before, shape(t, tutorial)[:6], "the tutorial's columns have not changed")

		all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, 1203, all.Total)
		found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "no1202 gift", Limit: 5})
		require.NoError(t, err)
		require.Equal(t, []uint{1203}, found.IDs)
		book, err := db.GetBook(t.Context(), 1203)
		require.NoError(t, err)
		assert.Equal(t, created.UTC(), book.CreatedAt)
		nulls, err := db.SearchBooks(t.Context(), model.Search{Keyword: "nulls", Limit: 5})
		require.NoError(t, err)
		require.Len(t, nulls.IDs, 1)
		null, err := db.GetBook(t.Context(), nulls.IDs[0])
		require.NoError(t, err)
		assert.Empty(t, null.Author)
		assert.Zero(t, null.Popularity)
		assert.Nil(t, null.AuthorAliases)

		// The tutorial's program keeps writing, and ours finds its books.
		ctx, stop := context.WithCancel(t.Context())
		swept := make(chan struct{})
		go func() { db.Sweep(ctx); close(swept) }()
		_, err = tutorial.Exec(tutorialInsert, "A later book", "New Author", "", "", created)
		require.NoError(t, err)
		_, err = tutorial.Exec("UPDATE books SET title = 'Renamed' WHERE id = 3")
		require.NoError(t, err)
		for _, keyword := range []model.Keyword{"later", "renamed"} {
			require.Eventually(t, func() bool {
				found, err := db.SearchBooks(t.Context(), model.Search{Keyword: keyword, Limit: 5})
				return err == nil && found.Total == 1
			}, 10*time.Second, 50*time.Millisecond, "%s is found within 10 s", keyword)
		}
		found, err = db.SearchBooks(t.Context(), model.Search{Keyword: "№2", Limit: 100})
		require.NoError(t, err)
		assert.NotContains(t, found.IDs, uint(3), "the old title finds nothing")
		stop()
		<-swept
		var stale int
		require.NoError(t, tutorial.QueryRow("SELECT COUNT(*) FROM books WHERE search_hash IS NULL OR "+changedSQL).Scan(&stale))
		assert.Zero(t, stale, "the server computes our hash for every row")
	})
}

// shape describes the columns of books.
func shape(t *testing.T, db *sql.DB) (columns []string) {
	rows, err := db.Query(`SELECT CONCAT_WS(' ', column_name, column_type, is_nullable, collation_name, extra)
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'books' ORDER BY ordinal_position`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var column string
		require.NoError(t, rows.Scan(&column))
		columns = append(columns, column)
	}
	return columns
}

func TestTheServerComputesOurHashForAnyText(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		for _, b := range indextest.Shelf[1:] {
			_, err := db.CreateBook(t.Context(), &b)
			require.NoError(t, err)
		}
		var stale int
		require.NoError(t, db.sql.main.QueryRow("SELECT COUNT(*) FROM books WHERE "+changedSQL).Scan(&stale))
		assert.Zero(t, stale)
	})
}
