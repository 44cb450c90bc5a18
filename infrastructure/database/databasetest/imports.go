package databasetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/indextest"
)

// importRow is a row of books.csv. It has a fingerprint if it has neither id nor
// ISBN.
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

func testImportRecognisesBooks(t *testing.T, db Catalogue) {
	const fields = model.TitleField | model.AuthorField | model.ISBNField
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
		assert.Equal(t, "the row is the same book as line 3", result.Error.Reason())
	}

	// In one batch, the book with id 2 gives up its ISBN and a new book gets it.
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
}

// formerly returns a row that an earlier import read as another book.
func formerly(row *model.ImportRow, ordinal int, former model.Book) *model.ImportRow {
	row.Alternatives = append(row.Alternatives, model.Alternative{Fingerprint: model.NewFingerprint(&former), Ordinal: ordinal})
	return row
}

func testImportFindsBooksByTheirFormerIdentity(t *testing.T, db Catalogue) {
	ctx := t.Context()
	const fields = model.TitleField | model.AuthorField | model.ISBNField
	// The file has four rows. An earlier import read the author of the first and of
	// the third row, and the ISBNs of the last two, differently.
	before := model.Book{Title: "Poems", Author: "Kafka, Franz"}
	after := model.Book{Title: "Poems", Author: "Franz Kafka"}
	copies := func(book model.Book, line, ordinal int) *model.ImportRow {
		row := importRow(line, book, fields, "")
		row.Ordinal = ordinal
		return row
	}
	_, err := db.ImportBooks(ctx, []*model.ImportRow{
		copies(before, 2, 0), copies(after, 3, 0), copies(before, 4, 1), copies(after, 5, 1),
		importRow(6, model.Book{Title: "No ISBN"}, fields, ""),
		importRow(7, model.Book{Title: "Other ISBN", ISBN: "9780306406157"}, fields, ""),
	})
	require.NoError(t, err)
	stored, err := db.ExportBooks(ctx, 0)
	require.NoError(t, err)

	otherISBN := importRow(7, model.Book{Title: "Other ISBN", ISBN: "9780321714114"}, fields, "")
	otherISBN.FormerISBN = "9780306406157"
	rows := func() []*model.ImportRow {
		return []*model.ImportRow{
			formerly(copies(after, 2, 0), 0, before), copies(after, 3, 1), formerly(copies(after, 4, 2), 0, before), copies(after, 5, 3),
			formerly(importRow(6, model.Book{Title: "No ISBN", ISBN: "9791234567896"}, fields, ""), 0, model.Book{Title: "No ISBN"}), otherISBN,
		}
	}
	want := []model.ImportOutcome{model.Updated, model.Unchanged, model.Updated, model.Unchanged, model.Updated, model.Updated}
	results, err := db.PreviewBooks(ctx, rows())
	require.NoError(t, err)
	assert.Equal(t, want, outcomes(results))
	results, err = db.ImportBooks(ctx, rows()[:2])
	require.NoError(t, err)
	assert.Equal(t, want[:2], outcomes(results), "in several batches")
	results, err = db.ImportBooks(ctx, rows()[2:])
	require.NoError(t, err)
	assert.Equal(t, want[2:], outcomes(results), "in several batches")

	now, err := db.ExportBooks(ctx, 0)
	require.NoError(t, err)
	require.Len(t, now, len(stored))
	for i, row := range rows() {
		assert.Equal(t, stored[i].Book.ID, now[i].Book.ID)
		assert.Equal(t, row.Book.Author, now[i].Book.Author)
		assert.Equal(t, row.Book.ISBN, now[i].Book.ISBN)
		assert.Equal(t, row.Fingerprint, now[i].Fingerprint, "line %d has the new fingerprint", row.Line)
	}
	results, err = db.ImportBooks(ctx, rows())
	require.NoError(t, err)
	for _, result := range results {
		assert.Equal(t, model.Unchanged, result.Outcome)
	}
}

func testAuthorsOfTheCatalogue(t *testing.T, db Catalogue) {
	ctx := t.Context()
	authors, _, err := db.Authors(ctx, 0)
	require.NoError(t, err)
	assert.Empty(t, authors)
	for _, author := range []string{"Franz Kafka", "", "Ada Quill, Bo Lind"} {
		_, err := db.CreateBook(ctx, &model.Book{Title: "T", Author: author})
		require.NoError(t, err)
	}
	authors, last, err := db.Authors(ctx, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"Franz Kafka", "", "Ada Quill, Bo Lind"}, authors)
	authors, _, err = db.Authors(ctx, last)
	require.NoError(t, err)
	assert.Empty(t, authors)
}

func testImportTakesLargeRows(t *testing.T, db Catalogue) {
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
}

func testImportSetsPopularityAndAliases(t *testing.T, db Catalogue) {
	const fields = model.PopularityField | model.AuthorAliasesField
	imports := func(want model.ImportOutcome, b model.Book, set model.Field) {
		t.Helper()
		b.Title = "Emma"
		results, err := db.ImportBooks(t.Context(), []*model.ImportRow{importRow(2, b, model.TitleField|set, "1")})
		require.NoError(t, err)
		require.Equal(t, []model.ImportOutcome{want}, outcomes(results))
	}
	ranked := model.Book{Popularity: 7, AuthorAliases: []string{"A Lady", "Jane; Austin"}}
	imports(model.Created, ranked, fields)
	settleAll(t, db)
	imports(model.Unchanged, ranked, fields)
	imports(model.Unchanged, model.Book{}, 0) // a file without the columns
	rows, err := db.ExportBooks(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.EqualValues(t, 7, rows[0].Book.Popularity)
	assert.Equal(t, ranked.AuthorAliases, rows[0].Book.AuthorAliases)
	assert.Empty(t, pendingChanges(t, db))

	for _, change := range []model.Book{
		{Popularity: 8, AuthorAliases: ranked.AuthorAliases}, {Popularity: 8, AuthorAliases: []string{"A Lady"}}, {},
	} {
		imports(model.Updated, change, fields)
		published, err := db.PendingChanges(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, published, 1, "indexes need the change")
		assert.Equal(t, model.BookUpdated, published[0].Kind)
		got, err := db.GetBook(t.Context(), rows[0].Book.ID)
		require.NoError(t, err)
		assert.Equal(t, published[0].Version, got.Version)
		assert.Equal(t, change.Popularity, got.Popularity)
		assert.Equal(t, change.AuthorAliases, got.AuthorAliases)
		assert.Equal(t, got, published[0].Book)
		settleAll(t, db)
	}
	imports(model.Unchanged, model.Book{AuthorAliases: []string{}}, fields)
}

func testImportsAtOnceDoNotCollide(t *testing.T, open func() Catalogue) {
	const writers, books = 4, 60
	var wg sync.WaitGroup
	for w := range writers {
		db := open()
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
	all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, books+writers*books/20, all.Total)
}

// ImportTwiceAtOnce imports the same rows at once over several handles: rows
// without id and ISBN have no unique index that keeps them apart. Run has this
// test; it is exported for databases with another isolation level.
func ImportTwiceAtOnce(t *testing.T, open func() Catalogue) {
	const books = 200
	var wg sync.WaitGroup
	for range 3 {
		db := open()
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
	all, err := db.SearchBooks(t.Context(), model.Search{Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, books, all.Total)
}

func testImportOfEqualBooks(t *testing.T, db Catalogue) {
	rows := func(descriptions ...string) (rows []*model.ImportRow) {
		for i, description := range descriptions {
			row := importRow(i+2, model.Book{Title: "Poems", Description: description}, model.TitleField|model.DescriptionField, "")
			row.Ordinal = i
			rows = append(rows, row)
		}
		return rows
	}
	for range 2 { // two equal books that no import created
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
}

func testImportDeletes(t *testing.T, db Catalogue) {
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
		gone(6, "9780321714114", "3"), // a book that did not come under an id
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
	books, err := db.GetBooks(ctx, all.IDs)
	require.NoError(t, err)
	require.Len(t, books, 2)
	assert.Equal(t, "Heir", books[0].Title)
	assert.Equal(t, "Three", books[1].Title)
}

// The catalogue may have thousands of copies of a book.
func testImportOfManyEqualBooks(t *testing.T, db Catalogue) {
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
}

func testImportRejectsWithACode(t *testing.T, db Catalogue) {
	const fields = model.TitleField | model.ISBNField
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
}

func testExportedBooksAreRecognised(t *testing.T, db Catalogue) {
	ctx := t.Context()
	var ids []uint
	for _, b := range append(slices.Clone(indextest.Shelf[1:]), model.Book{Title: "Poems"}, model.Book{Title: "Poems"}, model.Book{Title: "Had a number", ISBN: "9791234567896"}) {
		id, err := db.CreateBook(ctx, &b)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	_, err := db.ImportBooks(ctx, []*model.ImportRow{importRow(2, model.Book{Title: "With id", Popularity: 3, AuthorAliases: []string{"A Lady"}}, ^model.Field(0), "1")})
	require.NoError(t, err)
	indextest.Replace(t, db, ids[0], &model.Book{Title: "Renamed"})
	indextest.Replace(t, db, ids[len(ids)-1], &model.Book{Title: "Has none now"})

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
}

func testImportLogRemembers(t *testing.T, db Catalogue) {
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
}
