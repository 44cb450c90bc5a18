package database

import (
	"context"
	"database/sql"
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

	"literank.com/event-books/domain/model"
)

// onEach runs a test on every kind of database. Variables name the servers.
func onEach(t *testing.T, test func(t *testing.T, open func() *DB)) {
	t.Run("SQLite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "books of a 100% ?#new shop.db")
		test(t, func() *DB {
			db, err := OpenSQLite(file, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			return db
		})
	})
	onServers(t, func(t *testing.T, dsn string) {
		test(t, func() *DB {
			db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			return db
		})
	})
}

// onServers gives each test an empty database of its own.
func onServers(t *testing.T, test func(t *testing.T, dsn string)) {
	for _, server := range []struct{ name, variable string }{
		{"MariaDB", "TEST_MARIADB_DSN"}, {"MySQL", "TEST_MYSQL_DSN"},
	} {
		t.Run(server.name, func(t *testing.T) {
			dsn := os.Getenv(server.variable)
			if dsn == "" {
				t.Skipf("%s is not set: it names a %s server", server.variable, server.name)
			}
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
			test(t, cfg.FormatDSN())
		})
	}
}

// migrated is onEach with a ready database.
func migrated(t *testing.T, test func(t *testing.T, db *DB)) {
	onEach(t, func(t *testing.T, open func() *DB) {
		db := open()
		require.NoError(t, db.Migrate(t.Context()))
		test(t, db)
	})
}

func intPtr(n int) *int { return &n }

func TestBookManagerKeepsEveryField(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		want := &model.Book{
			Title: "Война и мир 🍣", Author: "Лев Толстой", PublishedAt: "1869", Description: "Line one\nline 'two' \\ \"three\" %_!",
			ISBN: "9780306406157", Language: "ru", Publisher: "Русский вестник", Subjects: []string{"War", "a,b;c|d"},
			Series: "Classics", Edition: "2nd", Price: "12.90", Currency: "EUR", Stock: intPtr(0),
			Availability: model.ToOrder, BuyURL: "https://example.com/a?b=c&d", CoverURL: "https://example.com/c.jpg",
		}
		id, err := db.CreateBook(ctx, want)
		require.NoError(t, err)
		require.NotZero(t, id)
		got, err := db.GetBook(ctx, id)
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
		assert.Equal(t, time.UTC, got.CreatedAt.Location())
		want.ID, want.CreatedAt = id, got.CreatedAt
		assert.Equal(t, want, got)

		replaced := &model.Book{ID: id, Title: "War and Peace", CreatedAt: time.Now().Add(time.Hour)}
		require.NoError(t, db.UpdateBook(ctx, replaced))
		require.NoError(t, db.UpdateBook(ctx, replaced), "the same once more")
		got, err = db.GetBook(ctx, id)
		require.NoError(t, err)
		replaced.CreatedAt = want.CreatedAt
		assert.Equal(t, replaced, got)
		found, err := db.SearchBooks(ctx, model.Search{Keyword: "Война", Limit: 5})
		require.NoError(t, err)
		assert.Empty(t, found.Books, "the old title is not found any more")

		require.NoError(t, db.DeleteBook(ctx, id))
		for _, err := range []error{db.DeleteBook(ctx, id), db.UpdateBook(ctx, replaced), second(db.GetBook(ctx, id))} {
			assert.Equal(t, model.NotFound, model.ErrorCode(err))
		}
		again, err := db.CreateBook(ctx, &model.Book{Title: "Next"})
		require.NoError(t, err)
		assert.Greater(t, again, id, "an id is never given twice")
	})
}

func second[T any](_ T, err error) error { return err }

func TestISBNIsTakenOnce(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		_, err := db.CreateBook(ctx, &model.Book{Title: "One", ISBN: "9780306406157"})
		require.NoError(t, err)
		id, err := db.CreateBook(ctx, &model.Book{Title: "Two"})
		require.NoError(t, err)
		_, err = db.CreateBook(ctx, &model.Book{Title: "Two"})
		require.NoError(t, err, "books without ISBN don't collide")
		_, err = db.CreateBook(ctx, &model.Book{Title: "Three", ISBN: "9780306406157"})
		assert.Equal(t, model.Conflict, model.ErrorCode(err))
		err = db.UpdateBook(ctx, &model.Book{ID: id, Title: "Two", ISBN: "9780306406157"})
		assert.Equal(t, model.Conflict, model.ErrorCode(err))
		assert.Contains(t, err.Error(), "9780306406157")
	})
}

// shelf is searched by the tests; ids follow its order from 1.
var shelf = []model.Book{
	1: {Title: "Les Misérables", Author: "Victor Hugo", PublishedAt: "1862", Language: "fr", Subjects: []string{"Fiction", "France -- History"}},
	2: {Title: "C++ Primer", Author: "Stanley Lippman, Josée Lajoie", PublishedAt: "2012", Language: "en-US", ISBN: "9780321714114", Stock: intPtr(3)},
	3: {Title: "Programming in C", Author: "Stephen Kochan", PublishedAt: "2004-05", Language: "en", Availability: model.InStock},
	4: {Title: "100% Cotton_Wool!", Author: "O'Reilly \\ \"Sons\"", Description: "about C++ and misérables", Availability: model.Unavailable, Stock: intPtr(2)},
	5: {Title: "吾輩は猫である", Author: "夏目漱石", PublishedAt: "1905", Language: "ja"},
	6: {Title: "ガラスの家", Author: "某", Description: "か", Language: "ja"},
	7: {Title: "Мой день", Author: "Фёдор", PublishedAt: "-380", Language: "ru"},
	8: {Title: "🍕 book", Author: "Straße Chef", PublishedAt: "2001"},
	9: {Title: "a shelf", Author: "Victor Hugo", Subjects: []string{"fiction"}, PublishedAt: "1870"},
}

func TestSearchGivesTheSameOnEveryDatabase(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name   string
		search model.Search
		want   []uint
	}{
		{"all", model.Search{}, []uint{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"title before the rest", model.Search{Keyword: "miserables"}, []uint{1, 4}},
		{"case and accents", model.Search{Keyword: "MISÉRABLES hugo"}, []uint{1}},
		{"decomposed", model.Search{Keyword: "mise\u0301rables hugo"}, []uint{1}},
		{"every word", model.Search{Keyword: "victor shelf"}, []uint{9}},
		{"part of a word", model.Search{Keyword: "gramm"}, []uint{3}},
		{"++ literally", model.Search{Keyword: "c++"}, []uint{2, 4}},
		{"percent", model.Search{Keyword: "%"}, []uint{4}},
		{"underscore", model.Search{Keyword: "_"}, []uint{4}},
		{"escape character", model.Search{Keyword: "!"}, []uint{4}},
		{"both", model.Search{Keyword: "100% cotton_wool!"}, []uint{4}},
		{"quotes", model.Search{Keyword: `o'reilly "sons"`}, []uint{4}},
		{"backslash", model.Search{Keyword: `\`}, []uint{4}},
		{"injection", model.Search{Keyword: "' OR 1=1 --"}, nil},
		{"Japanese", model.Search{Keyword: "猫"}, []uint{5}},
		{"ka is not ga", model.Search{Keyword: "カ"}, nil},
		{"ga", model.Search{Keyword: "ガラス"}, []uint{6}},
		{"half width", model.Search{Keyword: "ｶﾞﾗｽ"}, []uint{6}},
		{"yo is ye", model.Search{Keyword: "федор"}, []uint{7}},
		{"short i is not i", model.Search{Keyword: "мои"}, nil},
		{"pizza", model.Search{Keyword: "🍕"}, []uint{8}},
		{"sushi is not pizza", model.Search{Keyword: "🍣"}, nil},
		{"sharp s", model.Search{Keyword: "STRASSE"}, []uint{8}},
		{"ISBN with hyphens", model.Search{Keyword: "978-0-321-71411-4"}, []uint{2}},
		{"ISBN-10", model.Search{Keyword: "0321714113"}, []uint{2}},
		{"invisible characters", model.Search{Keyword: "\u200fhugo\u200b"}, []uint{1, 9}},
		{"nothing but invisible", model.Search{Keyword: "\u200f"}, nil},
		{"no such", model.Search{Keyword: "zzzz"}, nil},
		{"17 words", model.Search{Keyword: model.Keyword(strings.Repeat("c ", 16) + "zzzz")}, []uint{2, 3, 4, 1, 8, 9}},
		{"by title", model.Search{Sort: model.ByTitle}, []uint{4, 9, 2, 1, 3, 7, 6, 5, 8}},
		{"newest", model.Search{Sort: model.ByNewest}, []uint{2, 3, 8, 5, 9, 1, 7, 4, 6}},
		{"oldest", model.Search{Sort: model.ByOldest}, []uint{7, 1, 9, 5, 8, 3, 2, 4, 6}},
		{"author", model.Search{Filters: model.Filters{Author: "victor HUGO"}}, []uint{1, 9}},
		{"one of two authors", model.Search{Filters: model.Filters{Author: "Josee Lajoie"}}, []uint{2}},
		{"whole author line", model.Search{Filters: model.Filters{Author: "Stanley Lippman, Josée Lajoie"}}, []uint{2}},
		{"part of an author", model.Search{Filters: model.Filters{Author: "Hugo"}}, nil},
		{"subject", model.Search{Filters: model.Filters{Subject: "FICTION"}}, []uint{1, 9}},
		{"language", model.Search{Filters: model.Filters{Language: "en"}}, []uint{2, 3}},
		{"language with region", model.Search{Filters: model.Filters{Language: "en-US"}}, []uint{2}},
		{"decade", model.Search{Filters: model.Filters{Decade: intPtr(2000)}}, []uint{3, 8}},
		{"decade before our era", model.Search{Filters: model.Filters{Decade: intPtr(-380)}}, []uint{7}},
		{"available", model.Search{Filters: model.Filters{Available: &yes}}, []uint{2, 3}},
		{"not available", model.Search{Filters: model.Filters{Available: &no}}, []uint{1, 4, 5, 6, 7, 8, 9}},
		{"keyword and filter", model.Search{Keyword: "c", Filters: model.Filters{Language: "en"}, Sort: model.ByOldest}, []uint{3, 2}},
	}
	migrated(t, func(t *testing.T, db *DB) {
		for i := range shelf[1:] {
			id, err := db.CreateBook(t.Context(), &shelf[i+1])
			require.NoError(t, err)
			require.EqualValues(t, i+1, id)
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				if test.search.Sort == "" {
					test.search.Sort = model.ByRelevance
				}
				for _, limit := range []int{100, 2} { // in one page, and page by page
					var got []uint
					for offset := 0; ; offset += limit {
						test.search.Offset, test.search.Limit = offset, limit
						result, err := db.SearchBooks(t.Context(), test.search)
						require.NoError(t, err)
						require.NotNil(t, result.Books)
						if len(result.Books) == 0 && offset > 0 {
							assert.Contains(t, []int{len(test.want), offset}, result.Total)
							break
						}
						assert.Equal(t, len(test.want), result.Total)
						for _, b := range result.Books {
							got = append(got, b.ID)
						}
						if len(result.Books) == 0 {
							break
						}
					}
					assert.Equal(t, test.want, got)
				}
			})
		}
		result, err := db.SearchBooks(t.Context(), model.Search{Keyword: "hugo", Offset: model.MaxOffset, Limit: 5})
		require.NoError(t, err)
		assert.Equal(t, 2, result.Total, "the total is known far behind the end, too")
	})
}

func TestSeedOnce(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		books := []*model.Book{{Title: "One"}, {Title: "Two"}}
		planted, err := db.SeedOnce(ctx, "starter", books)
		require.NoError(t, err)
		assert.Equal(t, 2, planted)
		require.NoError(t, db.DeleteBook(ctx, 1))
		require.NoError(t, db.DeleteBook(ctx, 2))
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
		require.NoError(t, db.sql.QueryRow("SELECT COUNT(*) FROM "+versionTable+" WHERE version_id > 0").Scan(&versions))
		assert.Equal(t, len(db.migrations()), versions)
	})
}

// A migration that was killed leaves some of its steps done. Every prefix of
// the steps must be gone on from.
func TestKilledMigrationGoesOn(t *testing.T) {
	leftovers := map[string][]string{
		"version table without its first row": {"CREATE TABLE schema_migrations (id %s, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp datetime NULL default CURRENT_TIMESTAMP)"},
		"table made, version not noted":       {"books"},
		"some columns":                        {"books", "ALTER TABLE books ADD COLUMN isbn VARCHAR(190) NULL", "ALTER TABLE books ADD COLUMN subjects TEXT NULL"},
		"some columns and an index":           {"books", "ALTER TABLE books ADD COLUMN isbn VARCHAR(190) NULL", "CREATE UNIQUE INDEX books_isbn ON books (isbn)"},
		"last step made, version not noted":   {"CREATE TABLE seeds (name VARCHAR(64) PRIMARY KEY, planted_at BIGINT NOT NULL)"},
	}
	for name, statements := range leftovers {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, open func() *DB) {
				db := open()
				for _, statement := range statements {
					switch {
					case statement == "books":
						statement = db.dialect.createBooks()
					case strings.Contains(statement, "%s") && db.dialect.writesOfOthers():
						statement = fmt.Sprintf(statement, "bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY")
					case strings.Contains(statement, "%s"):
						statement = fmt.Sprintf(statement, "INTEGER PRIMARY KEY AUTOINCREMENT")
					}
					_, err := db.sql.Exec(statement)
					require.NoError(t, err, statement)
				}
				require.NoError(t, db.Migrate(t.Context()))
				_, err := db.CreateBook(t.Context(), &model.Book{Title: "It works", ISBN: "9780306406157"})
				require.NoError(t, err)
				_, err = db.SeedOnce(t.Context(), "x", nil)
				require.NoError(t, err)
				require.NoError(t, open().Migrate(t.Context()), "and again")
			})
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		_, err := db.sql.Exec("INSERT INTO " + versionTable + " (version_id, is_applied) VALUES (1000, 1)")
		require.NoError(t, err)
		assert.ErrorContains(t, db.Migrate(t.Context()), "of a newer event-books")
	})
}

func TestBeforeMigrationNothingAnswers(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		db := open()
		_, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(err))
		assert.Equal(t, model.UnavailableNow, model.ErrorCode(db.Ping(t.Context())))
	})
}

func TestServerAway(t *testing.T) {
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

// tutorialTable is what the tutorial's program makes by AutoMigrate.
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
		assert.Equal(t, before, shape(t, tutorial)[:6], "the tutorial's columns are as they were")

		all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, 1203, all.Total)
		found, err := db.SearchBooks(t.Context(), model.Search{Keyword: "no1202 gift", Limit: 5})
		require.NoError(t, err)
		require.Len(t, found.Books, 1)
		assert.EqualValues(t, 1203, found.Books[0].ID)
		assert.Equal(t, created.UTC(), found.Books[0].CreatedAt)
		nulls, err := db.SearchBooks(t.Context(), model.Search{Keyword: "nulls", Limit: 5})
		require.NoError(t, err)
		require.Len(t, nulls.Books, 1)
		assert.Empty(t, nulls.Books[0].Author)

		// The tutorial's program goes on writing, ours finds it.
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
		for _, b := range found.Books {
			assert.NotEqualValues(t, 3, b.ID, "the old title is not found any more")
		}
		stop()
		<-swept
		var stale int
		require.NoError(t, tutorial.QueryRow("SELECT COUNT(*) FROM books WHERE search_hash IS NULL OR "+changedSQL).Scan(&stale))
		assert.Zero(t, stale, "our hash and the server's agree on every row")
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

func TestOurHashAgreesWithTheServersForAnyText(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		for i := range shelf[1:] {
			_, err := db.CreateBook(t.Context(), &shelf[i+1])
			require.NoError(t, err)
		}
		var stale int
		require.NoError(t, db.sql.QueryRow("SELECT COUNT(*) FROM books WHERE "+changedSQL).Scan(&stale))
		assert.Zero(t, stale)
	})
}
