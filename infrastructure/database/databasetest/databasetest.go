// Package databasetest is the contract suite of the gateways that a database
// implements: BookManager, BookImporter, BookExporter, ImportLog, Outbox and DayKeys. Every
// kind of database runs it in its tests. It knows the gateways alone; the suite of
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
	gateway.Outbox
	gateway.Progress
	gateway.DeadLetters
	gateway.Sources
	gateway.TrendKeeper
	gateway.DemoKeeper
	gateway.TrendReader
	gateway.InsightReader
	gateway.StaffSessions
	gateway.Orders
	gateway.HiddenKeywords
	gateway.Positions
	gateway.DayKeys
	gateway.Rebuilder
	gateway.InterestReader
	gateway.InterestKeeper
}

// Run runs the suite. fresh returns a function for each test: its calls open
// handles on one database, which is empty at first.
func Run(t *testing.T, fresh func(t *testing.T) (open func() Catalogue)) {
	for name, test := range map[string]func(*testing.T, Catalogue){
		"every field is stored":             testBookManagerKeepsEveryField,
		"an ISBN is taken once":             testISBNIsTakenOnce,
		"a refused change":                  testRefusedChange,
		"an import recognises books":        testImportRecognisesBooks,
		"an import takes large rows":        testImportTakesLargeRows,
		"an import ranks books":             testImportSetsPopularityAndAliases,
		"an import of equal books":          testImportOfEqualBooks,
		"an import of many equal books":     testImportOfManyEqualBooks,
		"an import deletes":                 testImportDeletes,
		"former identities":                 testImportFindsBooksByTheirFormerIdentity,
		"the authors of the catalogue":      testAuthorsOfTheCatalogue,
		"an import rejects with a code":     testImportRejectsWithACode,
		"exported books are recognised":     testExportedBooksAreRecognised,
		"the progress of an import is kept": testImportLogRemembers,
		"the outbox has the last change":    testOutboxHasTheLastChange,
		"the outbox of an import":           testOutboxOfAnImport,
		"settled changes are gone":          testSettledChangesAreGone,
		"pending changes are bounded":       testPendingChangesAreOfBoundedSize,
		"the lease of the outbox":           testLease,
		"a new generation":                  testRaise,
		"versions of books":                 testVersions,
		"claims of a partition":             testClaims,
		"claims at once":                    testClaimsAtOnce,
		"failed batches leave nothing":      testFailedBatchesLeaveNothing,
		"dead letters":                      testDeadLetters,
		"relayed dead letters":              testRelayedDeadLetters,
		"completeness":                      testCompleteness,
		"insights":                          testInsights,
		"staff sessions":                    testStaffSessions,
		"searches that found nothing":       testNotFound,
		"the order list":                    testOrders,
		"old requests are forgotten":        testOrdersAreForgotten,
		"hidden keywords":                   testHiddenKeywords,
		"old days are dropped":              testOldDaysAreDropped,
		"a click after midnight":            testClickAfterMidnight,
		"consent during the day":            testConsentDuringTheDay,
		"counts agree with a naive counter": testCountsAgree,
		"the key of a day":                  testDayKeys,
		"a cleared demo":                    testClearedDemo,
		"a rebuild after a cleared demo":    testRebuildOfAClearedDemo,
		"a demo cleared during a rebuild":   testDemoClearedDuringARebuild,
		"a rebuild":                         testRebuild,
		"a rebuild after a cut":             testRebuildCut,
		"rebuilds at once":                  testRebuildsAtOnce,
		"a rebuild of dead letters":         testRebuildOfDeadLetters,
		"a rebuild of a new topic":          testRebuildOfANewTopic,
		"a rebuild before consumers notice": testRebuildBeforeConsumersNotice,
		"a rebuild while they go back":      testRebuildWhileConsumersGoBack,
		"a rebuild of old dead letters":     testRebuildOfOldDeadLetters,
		"a rebuild that is discarded":       testRebuildDiscarded,
		"interests agree with a recount":    testInterestsAgree,
		"interests of everybody erased":     testInterestsOfEverybodyErased,
		"a pair needs a crowd":              testPairNeedsACrowd,
		"a visitor with 100,000 clicks":     testTirelessVisitor,
		"old openings are dropped":          testOldOpeningsAreDropped,
		"the books of a cookie":             testHistory,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)()) })
	}
	t.Run("of conditional changes at once, one succeeds", func(t *testing.T) { testConditionalChangesAtOnce(t, fresh(t)) })
	t.Run("changes of different fields at once", func(t *testing.T) { testChangesOfDifferentFieldsAtOnce(t, fresh(t)) })
	t.Run("many make one key of a day", func(t *testing.T) { testManyMakeOneKey(t, fresh(t)) })
	t.Run("requests at once", func(t *testing.T) { testRequestsAtOnce(t, fresh(t)) })
	t.Run("of many, one leads", func(t *testing.T) { testOneLeads(t, fresh(t)) })
	t.Run("versions become visible in order", func(t *testing.T) { testVersionsBecomeVisibleInOrder(t, fresh(t)) })
	t.Run("a rebuild after retention", func(t *testing.T) { testRebuildAfterRetention(t, fresh(t)) })
	t.Run("spellings counted at once", func(t *testing.T) { testSpellingsCountedAtOnce(t, fresh(t)) })
	t.Run("interests counted at once", func(t *testing.T) { testInterestsCountedAtOnce(t, fresh(t)) })
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
		Popularity: 1<<63 - 1, AuthorAliases: []string{"Tolstoy, a;b|c", "Λέων Τολστόι 🍣"},
	}
	id, err := db.CreateBook(ctx, want)
	require.NoError(t, err)
	require.NotZero(t, id)
	got, err := db.GetBook(ctx, id)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
	assert.Equal(t, time.UTC, got.CreatedAt.Location())
	assert.Positive(t, got.Version)
	want.ID, want.CreatedAt, want.Version = id, got.CreatedAt, got.Version
	assert.Equal(t, want, got)

	replaced := &model.Book{ID: id + 1, Title: "War and Peace", Subjects: []string{}, CreatedAt: time.Now().Add(time.Hour), Popularity: 1, AuthorAliases: []string{"Other"}}
	kept := &model.Book{ID: id, Title: "War and Peace", CreatedAt: want.CreatedAt, Popularity: want.Popularity, AuthorAliases: want.AuthorAliases}
	for range 2 {
		stored, err := db.ChangeBook(ctx, id, func(*model.Book) (*model.Book, error) { return replaced, nil })
		require.NoError(t, err)
		assert.Greater(t, stored.Version, got.Version)
		kept.Version = stored.Version
		assert.Equal(t, kept, stored, "id, created_at, popularity and aliases stay")
		got, err = db.GetBook(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, stored, got)
	}
	found, err := db.SearchBooks(ctx, model.Search{Keyword: "Война", Limit: 5})
	require.NoError(t, err)
	assert.Empty(t, found.IDs, "the old title finds nothing")

	stored, err := db.ChangeBook(ctx, id, func(*model.Book) (*model.Book, error) { return nil, nil })
	require.NoError(t, err)
	assert.Nil(t, stored)
	_, err = db.GetBook(ctx, id)
	assert.Equal(t, model.NotFound, model.ErrorCode(err))
	next, err := db.CreateBook(ctx, &model.Book{Title: "Other"})
	require.NoError(t, err)
	some, err := db.GetBooks(ctx, []uint{next, id, 1 << 40, next})
	require.NoError(t, err)
	require.Len(t, some, 2, "deleted and unknown books are left out")
	assert.Equal(t, []string{"Other", "Other"}, []string{some[0].Title, some[1].Title})
	nobody, err := db.GetBooks(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, nobody)
	_, err = db.ChangeBook(ctx, id, func(*model.Book) (*model.Book, error) { panic("there is no book to change") })
	assert.Equal(t, model.NotFound, model.ErrorCode(err))
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
	_, err = db.ChangeBook(ctx, id, func(b *model.Book) (*model.Book, error) {
		b.ISBN = "9780306406157"
		return b, nil
	})
	assert.Equal(t, model.Conflict, model.ErrorCode(err))
	assert.Contains(t, err.Error(), "9780306406157")
}
