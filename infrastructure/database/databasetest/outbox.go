package databasetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// pending is a change without what a test can't know.
type pending struct {
	ID    uint
	Kind  model.ChangeKind
	Title string // of the book, if there is one
}

// pendingChanges checks what is the same for all changes.
func pendingChanges(t *testing.T, db Catalogue) []pending {
	t.Helper()
	changes, err := db.PendingChanges(t.Context(), 0, 1000)
	require.NoError(t, err)
	list, last := []pending{}, int64(0)
	for _, c := range changes {
		assert.Greater(t, c.Version, last, "changes are ordered by version")
		last = c.Version
		assert.WithinDuration(t, time.Now(), c.Time, time.Minute)
		p := pending{ID: c.BookID, Kind: c.Kind}
		if assert.Equal(t, c.Kind == model.BookDeleted, c.Book == nil) && c.Book != nil {
			assert.Equal(t, c.BookID, c.Book.ID)
			assert.Equal(t, c.Version, c.Book.Version)
			p.Title = c.Book.Title
		}
		list = append(list, p)
	}
	return list
}

func create(t *testing.T, db Catalogue, title string) uint {
	t.Helper()
	id, err := db.CreateBook(t.Context(), &model.Book{Title: title})
	require.NoError(t, err)
	return id
}

func rename(t *testing.T, db Catalogue, id uint, title string) {
	t.Helper()
	_, err := db.ChangeBook(t.Context(), id, func(b *model.Book) (*model.Book, error) {
		if title == "" {
			return nil, nil
		}
		b.Title = title
		return b, nil
	})
	require.NoError(t, err)
}

func testOutboxHasTheLastChange(t *testing.T, db Catalogue) {
	assert.Empty(t, pendingChanges(t, db))
	one, two, three := create(t, db, "One"), create(t, db, "Two"), create(t, db, "Three")
	assert.Equal(t, []pending{{one, model.BookCreated, "One"}, {two, model.BookCreated, "Two"}, {three, model.BookCreated, "Three"}}, pendingChanges(t, db))
	rename(t, db, one, "1")
	rename(t, db, two, "")
	assert.Equal(t, []pending{{three, model.BookCreated, "Three"}, {one, model.BookCreated, "1"}, {two, model.BookDeleted, ""}}, pendingChanges(t, db),
		"a newer change replaces the older one; an unpublished book stays created")
	all, err := db.PendingChanges(t.Context(), 0, 2)
	require.NoError(t, err)
	require.Len(t, all, 2)
	rest, err := db.PendingChanges(t.Context(), all[0].Version, 10)
	require.NoError(t, err)
	require.Len(t, rest, 2)
	assert.Equal(t, all[1], rest[0], "reading goes on behind a version")
	settleAll(t, db)
	rename(t, db, one, "I")
	assert.Equal(t, []pending{{one, model.BookUpdated, "I"}}, pendingChanges(t, db))

	_, err = db.CreateBook(t.Context(), &model.Book{Title: "Four", ISBN: "9780306406157"})
	require.NoError(t, err)
	before := pendingChanges(t, db)
	_, err = db.CreateBook(t.Context(), &model.Book{Title: "Four again", ISBN: "9780306406157"})
	require.Equal(t, model.Conflict, model.ErrorCode(err))
	_, err = db.ChangeBook(t.Context(), one, func(b *model.Book) (*model.Book, error) {
		return nil, model.Errorf(model.Invalid, "", "refused")
	})
	require.Equal(t, model.Invalid, model.ErrorCode(err))
	assert.Equal(t, before, pendingChanges(t, db), "what fails is no change")
}

// settleAll empties the outbox, as a relay does.
func settleAll(t *testing.T, db Catalogue) {
	t.Helper()
	lease, ok, err := db.Lead(t.Context(), "suite", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	for {
		changes, err := db.PendingChanges(t.Context(), 0, 1000)
		require.NoError(t, err)
		if len(changes) == 0 {
			return
		}
		require.NoError(t, db.Settle(t.Context(), lease, changes))
	}
}

func testOutboxOfAnImport(t *testing.T, db Catalogue) {
	kept := rowOf(1, "id-1", "Kept")
	results, err := db.ImportBooks(t.Context(), []*model.ImportRow{kept, rowOf(2, "id-2", "Changed"), rowOf(3, "id-3", "Deleted")})
	require.NoError(t, err)
	require.Len(t, results, 3)
	first := pendingChanges(t, db)
	require.Len(t, first, 3)
	for i, title := range []string{"Kept", "Changed", "Deleted"} {
		assert.Equal(t, pending{first[i].ID, model.BookCreated, title}, first[i])
	}
	settleAll(t, db)

	gone := rowOf(3, "id-3", "")
	gone.Delete = true
	_, err = db.PreviewBooks(t.Context(), []*model.ImportRow{rowOf(2, "id-2", "Other"), gone})
	require.NoError(t, err)
	assert.Empty(t, pendingChanges(t, db), "a preview changes nothing")
	_, err = db.ImportBooks(t.Context(), []*model.ImportRow{kept, rowOf(2, "id-2", "Other"), gone, rowOf(4, "id-4", "New")})
	require.NoError(t, err)
	second := pendingChanges(t, db)
	require.Len(t, second, 3, "an unchanged book is no change")
	assert.Equal(t, []pending{
		{first[1].ID, model.BookUpdated, "Other"}, {first[2].ID, model.BookDeleted, ""}, {second[2].ID, model.BookCreated, "New"},
	}, second)
}

func rowOf(line int, id, title string) *model.ImportRow {
	return &model.ImportRow{
		Line: line, Source: "suite", ExternalID: id,
		Book: model.Book{Title: title}, Fields: model.TitleField,
	}
}

func testSettledChangesAreGone(t *testing.T, db Catalogue) {
	one, two := create(t, db, "One"), create(t, db, "Two")
	lease, ok, err := db.Lead(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	published, err := db.PendingChanges(t.Context(), 0, 10)
	require.NoError(t, err)
	rename(t, db, one, "Newer")
	require.NoError(t, db.Settle(t.Context(), lease, published))
	assert.Equal(t, []pending{{one, model.BookCreated, "Newer"}}, pendingChanges(t, db), "a newer change stays")
	require.NoError(t, db.Settle(t.Context(), lease, published), "settling twice is allowed")
	book, err := db.GetBook(t.Context(), two)
	require.NoError(t, err)

	after, err := db.ChangesAfter(t.Context(), published[1].Version, 10)
	require.NoError(t, err)
	require.Len(t, after, 1)
	assert.Greater(t, after[0].Version, book.Version)
	none, err := db.ChangesAfter(t.Context(), after[0].Version, 10)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// Descriptions are long where other programs write them.
func testPendingChangesAreOfBoundedSize(t *testing.T, db Catalogue) {
	long := strings.Repeat("x", 3<<20)
	for range 5 {
		_, err := db.CreateBook(t.Context(), &model.Book{Title: "Long", Description: long})
		require.NoError(t, err)
	}
	var sizes []int
	lease, _, err := db.Lead(t.Context(), "suite", time.Minute)
	require.NoError(t, err)
	for {
		changes, err := db.PendingChanges(t.Context(), 0, 1000)
		require.NoError(t, err)
		if len(changes) == 0 {
			break
		}
		sizes = append(sizes, len(changes))
		require.NoError(t, db.Settle(t.Context(), lease, changes))
	}
	assert.Equal(t, []int{2, 2, 1}, sizes)
}

func testLease(t *testing.T, db Catalogue) {
	ctx := t.Context()
	first, ok, err := db.Lead(ctx, "a", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	again, ok, err := db.Lead(ctx, "a", time.Minute)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, first, again, "prolonging keeps the epoch")
	_, ok, err = db.Lead(ctx, "b", time.Minute)
	require.NoError(t, err)
	assert.False(t, ok, "another holder has it")
	require.NoError(t, db.Resign(ctx, first))
	second, ok, err := db.Lead(ctx, "b", -time.Second) // is over at once
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Greater(t, second.Epoch, first.Epoch)
	require.NoError(t, db.Resign(ctx, first), "an old lease is worth nothing")
	third, ok, err := db.Lead(ctx, "a", time.Minute)
	require.NoError(t, err)
	assert.True(t, ok, "an expired lease can be taken")
	assert.Greater(t, third.Epoch, second.Epoch)

	// "b" believes that it still leads, and publishes what it has read before.
	kept, deleted := create(t, db, "Kept"), create(t, db, "Deleted")
	published, err := db.PendingChanges(ctx, 0, 10)
	require.NoError(t, err)
	rename(t, db, deleted, "")
	settleAllWith(t, db, third)
	require.ErrorIs(t, db.Settle(ctx, second, published), gateway.ErrLeaseOver)
	assert.Equal(t, []pending{{kept, model.BookUpdated, "Kept"}, {deleted, model.BookDeleted, ""}}, pendingChanges(t, db),
		"the newest state is published again")
}

func settleAllWith(t *testing.T, db Catalogue, lease gateway.Lease) {
	t.Helper()
	changes, err := db.PendingChanges(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.NoError(t, db.Settle(t.Context(), lease, changes))
}

func testOneLeads(t *testing.T, open func() Catalogue) {
	var leading sync.Map
	failed := atOnce(t, open, func(db Catalogue, writer int) error {
		lease, ok, err := db.Lead(t.Context(), string(rune('a'+writer)), time.Minute)
		if ok {
			leading.Store(lease.Holder, true)
		}
		return err
	})
	for _, err := range failed {
		assert.NoError(t, err)
	}
	leaders := 0
	leading.Range(func(any, any) bool { leaders++; return true })
	assert.Equal(t, 1, leaders)
}

// testVersionsBecomeVisibleInOrder reads the outbox while others write: a version that
// appears below one that was seen would never be read.
func testVersionsBecomeVisibleInOrder(t *testing.T, open func() Catalogue) {
	const each = 15
	reader, done := open(), make(chan struct{})
	var failed []error
	go func() {
		defer close(done)
		failed = atOnce(t, open, func(db Catalogue, writer int) error {
			for range each {
				if _, err := db.CreateBook(t.Context(), &model.Book{Title: "Same"}); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	seen, after := 0, int64(0)
	read := func() {
		changes, err := reader.ChangesAfter(t.Context(), after, 1000)
		require.NoError(t, err)
		for _, c := range changes {
			after = c.Version
		}
		seen += len(changes)
	}
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		read()
	}
	for _, err := range failed {
		require.NoError(t, err)
	}
	assert.Equal(t, writers*each, seen)
}

func testRaise(t *testing.T, db Catalogue) {
	ctx := t.Context()
	one, two := create(t, db, "One"), create(t, db, "Two")
	settleAll(t, db)
	three := create(t, db, "Three")
	rename(t, db, two, "")
	before, highest, err := db.Generation(ctx)
	require.NoError(t, err)
	assert.NotEmpty(t, before.Database)
	assert.NotEmpty(t, before.Restored)
	require.Positive(t, highest)

	// The topic has books of the time after the backup: 1 and 99.
	seen := highest + 1000
	require.NoError(t, db.Raise(ctx, seen, []uint{one, 99}))
	after, raised, err := db.Generation(ctx)
	require.NoError(t, err)
	assert.Equal(t, before.Database, after.Database)
	assert.NotEqual(t, before.Restored, after.Restored)
	assert.Greater(t, raised, seen)
	changes, err := db.ChangesAfter(ctx, seen, 10)
	require.NoError(t, err)
	var list []pending
	for _, c := range changes {
		list = append(list, pending{ID: c.BookID, Kind: c.Kind})
	}
	assert.Equal(t, []pending{
		{ID: three, Kind: model.BookCreated}, {ID: two, Kind: model.BookDeleted}, {ID: one, Kind: model.BookUpdated}, {ID: 99, Kind: model.BookDeleted},
	}, list, "all have versions above the one that was seen, in their order")

	// The database has gone on, above the versions of the topic.
	require.NoError(t, db.Raise(ctx, 1, []uint{one}))
	again, _, err := db.Generation(ctx)
	require.NoError(t, err)
	assert.NotEqual(t, after.Restored, again.Restored)
	changes, err = db.ChangesAfter(ctx, raised, 10)
	require.NoError(t, err)
	assert.Len(t, changes, 4, "all have versions above those that were given before")
}

func testVersions(t *testing.T, db Catalogue) {
	one, two, gone := create(t, db, "One"), create(t, db, "Two"), create(t, db, "Gone")
	rename(t, db, one, "Changed")
	rename(t, db, gone, "")
	want := map[uint]int64{}
	changes, err := db.ChangesAfter(t.Context(), 0, 10)
	require.NoError(t, err)
	for _, c := range changes {
		want[c.BookID] = c.Version
	}
	delete(want, gone)
	versions, err := db.Versions(t.Context(), []uint{one, two, gone, 99})
	require.NoError(t, err)
	assert.Equal(t, want, versions)
}
