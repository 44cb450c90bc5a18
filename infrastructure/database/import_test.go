package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"literank.com/event-books/domain/model"
)

func importRow(line int, b model.Book, fields model.Field, externalID string) *model.ImportRow {
	row := &model.ImportRow{Line: line, Book: b, Fields: fields}
	if externalID != "" {
		row.Source, row.ExternalID = "books.csv", externalID
	} else if b.ISBN == "" {
		row.Fingerprint = model.NewFingerprint(&row.Book)
	}
	return row
}

func outcomes(results []model.ImportResult) (list []model.ImportOutcome) {
	for _, r := range results {
		list = append(list, r.Outcome)
	}
	return list
}

func TestImportRecognisesBooks(t *testing.T) {
	const fields = model.TitleField | model.AuthorField | model.ISBNField
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		byHand, err := db.CreateBook(ctx, &model.Book{Title: "By hand", Author: "A", Description: "kept"})
		require.NoError(t, err)
		rows := func() []*model.ImportRow {
			return []*model.ImportRow{
				importRow(2, model.Book{Title: "With id", Author: "A"}, fields, "1"),
				importRow(3, model.Book{Title: "With id and ISBN", ISBN: "9780306406157"}, fields, "2"),
				importRow(4, model.Book{Title: "With ISBN", ISBN: "9780321714114"}, fields, ""),
				importRow(5, model.Book{Title: "BY  hand", Author: "a"}, fields, ""),
				importRow(6, model.Book{Title: "Plain"}, fields, ""),
			}
		}
		results, err := db.ImportBooks(ctx, rows())
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Created, model.Created, model.Created, model.Updated, model.Created}, outcomes(results))
		got, err := db.GetBook(ctx, byHand)
		require.NoError(t, err)
		assert.Equal(t, "BY  hand", got.Title)
		assert.Equal(t, "kept", got.Description, "the file has no description")

		results, err = db.ImportBooks(ctx, rows())
		require.NoError(t, err)
		for _, r := range results {
			assert.Equal(t, model.Unchanged, r.Outcome)
		}

		changed := rows()
		changed[0].Book.Title = "With id, renamed"
		changed[2].Book.Title = "With ISBN, renamed"
		changed[3] = importRow(5, model.Book{Title: "Takes an ISBN", ISBN: "9780306406157"}, fields, "1b")
		changed[4] = importRow(6, model.Book{Title: "With id", ISBN: "9780321714114"}, fields, "2")
		results, err = db.ImportBooks(ctx, changed)
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Updated, model.Unchanged, model.Updated, model.Rejected, model.Rejected}, outcomes(results))
		for _, result := range results[3:] {
			assert.Equal(t, model.RowSameBook, result.Error.Code)
			assert.Equal(t, "is the same book as line 3", result.Error.Reason())
		}

		// the book with id 2 gives up its ISBN, which a new book takes, in one batch
		swapped := []*model.ImportRow{
			importRow(2, model.Book{Title: "Other ISBN", ISBN: "9791234567896"}, fields, "2"),
			importRow(3, model.Book{Title: "Heir", ISBN: "9780306406157"}, fields, "3"),
		}
		results, err = db.ImportBooks(ctx, swapped)
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Updated, model.Created}, outcomes(results))
		results, err = db.ImportBooks(ctx, swapped)
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Unchanged, model.Unchanged}, outcomes(results))

		found, err := db.SearchBooks(ctx, model.Search{Keyword: "renamed", Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, 2, found.Total)
		all, err := db.SearchBooks(ctx, model.Search{Limit: 100})
		require.NoError(t, err)
		assert.Equal(t, 6, all.Total)
	})
}

func TestImportTakesLargeRows(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		var rows []*model.ImportRow
		for i := range 40 {
			b := model.Book{Title: fmt.Sprintf("Large %d", i), Description: strings.Repeat("語", 90_000)}
			rows = append(rows, importRow(i+2, b, model.TitleField|model.DescriptionField, fmt.Sprint(i)))
		}
		results, err := db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		assert.Len(t, results, 40)
		all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, 40, all.Total)
	})
}

func TestImportsAtOnceDoNotCollide(t *testing.T) {
	onEach(t, func(t *testing.T, open func() *DB) {
		const writers, books = 4, 60
		require.NoError(t, open().Migrate(t.Context()))
		var wg sync.WaitGroup
		for w := range writers {
			db := open()
			require.NoError(t, db.Migrate(t.Context()))
			wg.Go(func() {
				for from := range books / 20 {
					var rows []*model.ImportRow
					for i := range 20 {
						n := (from*20 + i + w*7) % books // the same books, in another order
						rows = append(rows, importRow(n, model.Book{Title: fmt.Sprintf("Book %d", n)}, model.TitleField, fmt.Sprint(n)))
					}
					_, err := db.ImportBooks(context.Background(), rows)
					assert.NoError(t, err)
					_, err = db.CreateBook(context.Background(), &model.Book{Title: "Extra"})
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		db := open()
		require.NoError(t, db.Migrate(t.Context()))
		all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, books+writers*books/20, all.Total)
	})
}

func TestImportRejectsWithACode(t *testing.T) {
	const fields = model.TitleField | model.ISBNField
	migrated(t, func(t *testing.T, db *DB) {
		_, err := db.ImportBooks(t.Context(), []*model.ImportRow{
			importRow(2, model.Book{Title: "One", ISBN: "9780306406157"}, fields, "1"),
			importRow(3, model.Book{Title: "Two", ISBN: "9780321714114"}, fields, "2"),
		})
		require.NoError(t, err)
		rows := []*model.ImportRow{
			importRow(2, model.Book{Title: "One", ISBN: "9780321714114"}, fields, "1"),
			importRow(3, model.Book{ISBN: "9791234567896"}, model.ISBNField, "3"),
		}
		rows[0].Text = []byte("the row")
		results, err := db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Rejected, model.Rejected}, outcomes(results))
		assert.Equal(t, &model.RowError{Line: 2, Text: []byte("the row"), Code: model.RowISBNTaken, Value: "9780321714114"}, results[0].Error)
		assert.Equal(t, model.RowUnknownBook, results[1].Error.Code)
	})
}

// Rows without id and ISBN have no unique index to keep two imports apart.
func TestOneFileImportedTwiceAtOnce(t *testing.T) { onEach(t, importTwiceAtOnce) }

func importTwiceAtOnce(t *testing.T, open func() *DB) {
	const books = 200
	require.NoError(t, open().Migrate(t.Context()))
	var wg sync.WaitGroup
	for range 3 {
		db := open()
		require.NoError(t, db.Migrate(t.Context()))
		wg.Go(func() {
			for from := 0; from < books; from += 20 {
				var rows []*model.ImportRow
				for n := from; n < from+20; n++ {
					row := &model.ImportRow{Line: n + 2, Book: model.Book{Title: fmt.Sprintf("Book %d", n)}, Fields: model.TitleField}
					row.Fingerprint = model.NewFingerprint(&row.Book)
					rows = append(rows, row)
				}
				_, err := db.ImportBooks(context.Background(), rows)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	db := open()
	require.NoError(t, db.Migrate(t.Context()))
	all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, books, all.Total)
}

// Between an import's reading and its writing nobody else writes the same book.
func TestImportLocksWhatItReads(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		db, err := OpenMySQL(dsn, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.Migrate(t.Context()))
		rows := []*model.ImportRow{importRow(2, model.Book{Title: "One"}, model.TitleField, "1")}
		_, err = db.ImportBooks(t.Context(), rows)
		require.NoError(t, err)
		locked := func() error {
			_, err := db.sql.ExecContext(t.Context(), "SELECT id FROM books WHERE title = 'One' FOR UPDATE NOWAIT")
			return err
		}
		require.NoError(t, locked())
		require.NoError(t, db.gorm.Transaction(func(tx *gorm.DB) error {
			_, err := db.lookUp(tx, rows)
			require.NoError(t, err)
			refusal, ok := errors.AsType[*mysql.MySQLError](locked())
			require.True(t, ok)
			assert.Contains(t, []uint16{1205, 3572}, refusal.Number) // MariaDB, MySQL
			return nil
		}))
	})
}

// The locks must not depend on the server's default isolation.
func TestOneFileImportedTwiceAtOnceReadCommitted(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string) {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		if strings.Contains(t.Name(), "MariaDB") {
			cfg.Params = map[string]string{"tx_isolation": "'READ-COMMITTED'"}
		} else {
			cfg.Params = map[string]string{"transaction_isolation": "'READ-COMMITTED'"}
		}
		importTwiceAtOnce(t, func() *DB {
			db, err := OpenMySQL(cfg.FormatDSN(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, db.Close()) })
			return db
		})
	})
}

func TestImportOfEqualBooks(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		rows := func(descriptions ...string) (rows []*model.ImportRow) {
			for i, description := range descriptions {
				row := importRow(i+2, model.Book{Title: "Poems", Description: description}, model.TitleField|model.DescriptionField, "")
				row.Ordinal = i
				rows = append(rows, row)
			}
			return rows
		}
		for range 2 { // two books made by hand that are equal
			_, err := db.CreateBook(t.Context(), &model.Book{Title: "Poems"})
			require.NoError(t, err)
		}
		results, err := db.ImportBooks(t.Context(), rows("a", "b", "c", "d"))
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Updated, model.Updated, model.Created, model.Created}, outcomes(results))
		results, err = db.ImportBooks(t.Context(), rows("a", "b", "c", "d"))
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Unchanged, model.Unchanged, model.Unchanged, model.Unchanged}, outcomes(results))
		results, err = db.ImportBooks(t.Context(), rows("a", "b", "c", "d", "e")[2:])
		require.NoError(t, err)
		assert.Equal(t, []model.ImportOutcome{model.Unchanged, model.Unchanged, model.Created}, outcomes(results), "in another batch")
	})
}

func TestImportDeletes(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		const fields = model.TitleField | model.ISBNField
		_, err := db.ImportBooks(ctx, []*model.ImportRow{
			importRow(2, model.Book{Title: "One"}, fields, "1"),
			importRow(3, model.Book{Title: "Two", ISBN: "9780306406157"}, fields, "2"),
			importRow(4, model.Book{Title: "Three", ISBN: "9780321714114"}, fields, ""),
		})
		require.NoError(t, err)
		gone := func(line int, isbn, id string) *model.ImportRow {
			row := importRow(line, model.Book{ISBN: isbn}, fields, id)
			row.Delete = true
			return row
		}
		otherSupplier := gone(7, "9780306406157", "2")
		otherSupplier.Source = "elsewhere.xml"
		rows := []*model.ImportRow{
			gone(5, "", "1"),
			gone(6, "9780321714114", "3"), // somebody else's
			otherSupplier,
			gone(8, "9780306406157", "22"), // another reference of the same supplier
			gone(9, "", "4"),
			gone(10, "9780306406157", "2"),
			importRow(11, model.Book{Title: "Heir", ISBN: "9780306406157"}, fields, "9"), // under a new reference
		}
		want := []model.ImportOutcome{model.Deleted, model.Unchanged, model.Unchanged, model.Unchanged, model.Unchanged, model.Deleted, model.Created}
		results, err := db.PreviewBooks(ctx, rows)
		require.NoError(t, err)
		assert.Equal(t, want, outcomes(results))
		all, err := db.SearchBooks(ctx, model.Search{Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, 3, all.Total, "a preview stores nothing")
		results, err = db.ImportBooks(ctx, rows)
		require.NoError(t, err)
		assert.Equal(t, want, outcomes(results))
		all, err = db.SearchBooks(ctx, model.Search{Limit: 10, Sort: model.ByTitle})
		require.NoError(t, err)
		require.Len(t, all.Books, 2)
		assert.Equal(t, "Heir", all.Books[0].Title)
		assert.Equal(t, "Three", all.Books[1].Title)
	})
}

// A book in thousands of copies costs no more than the rows that mean it.
func TestImportOfManyEqualBooks(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		const batches, each = 4, 250
		for round := range 2 {
			for batch := range batches {
				var rows []*model.ImportRow
				for i := range each {
					row := importRow(batch*each+i+2, model.Book{Title: "Untitled"}, model.TitleField, "")
					row.Ordinal = batch*each + i
					rows = append(rows, row)
				}
				results, err := db.ImportBooks(t.Context(), rows)
				require.NoError(t, err)
				want := []model.ImportOutcome{model.Created, model.Unchanged}[round]
				for _, result := range results {
					require.Equal(t, want, result.Outcome)
				}
			}
		}
		all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, batches*each, all.Total)
	})
}

func TestExportedBooksAreRecognised(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		var ids []uint
		for _, b := range append(shelf[1:len(shelf):len(shelf)], model.Book{Title: "Poems"}, model.Book{Title: "Poems"}, model.Book{Title: "Had a number", ISBN: "9791234567896"}) {
			id, err := db.CreateBook(ctx, &b)
			require.NoError(t, err)
			ids = append(ids, id)
		}
		_, err := db.ImportBooks(ctx, []*model.ImportRow{importRow(2, model.Book{Title: "With id"}, model.TitleField, "1")})
		require.NoError(t, err)
		require.NoError(t, db.UpdateBook(ctx, &model.Book{ID: ids[0], Title: "Renamed"}))
		require.NoError(t, db.UpdateBook(ctx, &model.Book{ID: ids[len(ids)-1], Title: "Has none now"}))

		var rows []*model.ImportRow
		ordinals := map[model.Fingerprint]int{}
		for after := uint(0); ; {
			some, err := db.ExportBooks(ctx, after)
			require.NoError(t, err)
			if len(some) == 0 {
				break
			}
			for _, row := range some {
				row.Fields = ^model.Field(0)
				row.Line = len(rows) + 1
				row.Ordinal = ordinals[row.Fingerprint]
				ordinals[row.Fingerprint]++
				rows = append(rows, row)
				after = row.Book.ID
			}
		}
		require.Len(t, rows, len(ids)+1)
		results, err := db.ImportBooks(ctx, rows)
		require.NoError(t, err)
		for i, result := range results {
			assert.Equal(t, model.Unchanged, result.Outcome, "%+v: %v", rows[i].Book, result.Error)
		}
	})
}

func TestImportLogRemembers(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		const file = "/a/very long name/" + "ü"
		got, err := db.InterruptedImport(ctx, file)
		require.NoError(t, err)
		assert.Nil(t, got)
		want := &model.ImportProgress{
			File: file, Digest: [32]byte{1, 2, 255}, Kept: 1 << 40,
			ImportCounts: model.ImportCounts{Rows: 15, Created: 1, Updated: 2, Unchanged: 3, Deleted: 4, Rejected: 5},
		}
		require.NoError(t, db.SaveImport(ctx, &model.ImportProgress{File: file}))
		require.NoError(t, db.SaveImport(ctx, want))
		require.NoError(t, db.SaveImport(ctx, &model.ImportProgress{File: "other"}))
		got, err = db.InterruptedImport(ctx, file)
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), got.SavedAt, time.Minute)
		want.SavedAt = got.SavedAt
		assert.Equal(t, want, got)
		for range 2 {
			require.NoError(t, db.EndImport(ctx, file))
		}
		got, err = db.InterruptedImport(ctx, file)
		require.NoError(t, err)
		assert.Nil(t, got)
		got, err = db.InterruptedImport(ctx, "other")
		require.NoError(t, err)
		assert.NotNil(t, got)
	})
}

// A program that knows nothing of our format may have written the column.
func TestSubjectsThatAreNoList(t *testing.T) {
	migrated(t, func(t *testing.T, db *DB) {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: "Before"})
		require.NoError(t, err)
		require.NoError(t, db.gorm.Model(&bookRow{ID: id}).Updates(map[string]any{"subjects": "fiction", "search_hash": nil}).Error)
		require.NoError(t, db.sweepNew(t.Context()))
		found, err := db.SearchBooks(t.Context(), model.Search{Limit: 1, Filters: model.Filters{Subject: "Fiction"}})
		require.NoError(t, err)
		require.Len(t, found.Books, 1)
		assert.Equal(t, []string{"fiction"}, found.Books[0].Subjects)
	})
}
