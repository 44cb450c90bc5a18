// Package databasetest is the contract suite of the gateways that a database
// implements: BookManager, BookImporter, BookExporter and ImportLog. Every kind of
// database runs it in its tests. It knows the gateways alone; the suite of
// gateway.BookIndex is indextest.
package databasetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Catalogue is a handle on a database.
type Catalogue interface {
	gateway.BookManager
	gateway.BookIndex
	gateway.BookImporter
	gateway.BookExporter
	gateway.ImportLog
}

// Run runs the suite. fresh returns a function for each test: its calls open
// handles on one database, which is empty at first.
func Run(t *testing.T, fresh func(t *testing.T) (open func() Catalogue)) {
	for name, test := range map[string]func(*testing.T, Catalogue){
		"every field is stored":             testBookManagerKeepsEveryField,
		"an ISBN is taken once":             testISBNIsTakenOnce,
		"an import recognises books":        testImportRecognisesBooks,
		"an import takes large rows":        testImportTakesLargeRows,
		"an import of equal books":          testImportOfEqualBooks,
		"an import of many equal books":     testImportOfManyEqualBooks,
		"an import deletes":                 testImportDeletes,
		"former identities":                 testImportFindsBooksByTheirFormerIdentity,
		"the authors of the catalogue":      testAuthorsOfTheCatalogue,
		"an import rejects with a code":     testImportRejectsWithACode,
		"exported books are recognised":     testExportedBooksAreRecognised,
		"the progress of an import is kept": testImportLogRemembers,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)()) })
	}
	t.Run("imports at once do not collide", func(t *testing.T) { testImportsAtOnceDoNotCollide(t, fresh(t)) })
	t.Run("one file is imported twice at once", func(t *testing.T) { ImportTwiceAtOnce(t, fresh(t)) })
}

func testBookManagerKeepsEveryField(t *testing.T, db Catalogue) {
	ctx, none := t.Context(), 0
	want := &model.Book{
		Title: "Война и мир 🍣", Author: "Лев Толстой", PublishedAt: "1869", Description: "Line one\nline 'two' \\ \"three\" %_!",
		ISBN: "9780306406157", Language: "ru", Publisher: "Русский вестник", Subjects: []string{"War", "a,b;c|d"},
		Series: "Classics", Edition: "2nd", Price: "12.90", Currency: "EUR", Stock: &none,
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
	require.NoError(t, db.UpdateBook(ctx, replaced), "a second time")
	got, err = db.GetBook(ctx, id)
	require.NoError(t, err)
	replaced.CreatedAt = want.CreatedAt
	assert.Equal(t, replaced, got)
	found, err := db.SearchBooks(ctx, model.Search{Keyword: "Война", Limit: 5})
	require.NoError(t, err)
	assert.Empty(t, found.Books, "the old title finds nothing")

	require.NoError(t, db.DeleteBook(ctx, id))
	_, err = db.GetBook(ctx, id)
	for _, err := range []error{err, db.DeleteBook(ctx, id), db.UpdateBook(ctx, replaced)} {
		assert.Equal(t, model.NotFound, model.ErrorCode(err))
	}
	again, err := db.CreateBook(ctx, &model.Book{Title: "Next"})
	require.NoError(t, err)
	assert.Greater(t, again, id, "an id is never used twice")
}

func testISBNIsTakenOnce(t *testing.T, db Catalogue) {
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
}
