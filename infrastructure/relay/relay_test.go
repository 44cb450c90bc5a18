package relay_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/relay"
)

// topic keeps records in memory. A test decides about its failures.
type topic struct {
	mu      sync.Mutex
	records []*mq.Record
	// deliver, if set, decides about a batch: how many records are taken before the error.
	deliver func(records []*mq.Record) (taken int, err error)
	reject  error
}

func (k *topic) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *topic) Partitions(context.Context) (int32, error) { return 3, nil }

func (k *topic) Deliver(_ context.Context, records []*mq.Record, _ int32, report func(*mq.Record, error)) ([]*mq.Record, error) {
	k.mu.Lock()
	deliver := k.deliver
	k.mu.Unlock()
	taken, err := len(records), error(nil)
	if deliver != nil {
		taken, err = deliver(records)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range records[:taken] {
		if k.reject == nil {
			k.records = append(k.records, r)
		}
		report(r, k.reject)
	}
	return records[taken:], err
}

func (k *topic) Last(context.Context) ([]*mq.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.records) == 0 {
		return nil, nil
	}
	return k.records[len(k.records)-1:], nil
}

func (k *topic) Read(_ context.Context, handle func(*mq.Record) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.records {
		if err := handle(r); err != nil {
			return err
		}
	}
	return nil
}

// entry is a record as a test expects it.
type entry struct {
	ID    uint
	Kind  model.ChangeKind
	Title string
}

const tombstone model.ChangeKind = "tombstone"

func (k *topic) entries(t *testing.T) (list []entry) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.records {
		c, err := model.DecodeChange(r.Key, r.Headers, r.Value)
		require.NoError(t, err)
		assert.Positive(t, c.Version)
		e := entry{ID: c.BookID, Kind: c.Kind}
		if r.Value == nil {
			e.Kind = tombstone
		} else if c.Book != nil {
			e.Title = c.Book.Title
		}
		list = append(list, e)
	}
	return list
}

// newest returns what a reader of versions has in the end.
func (k *topic) newest(t *testing.T) map[uint]string {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	versions, titles := map[uint]int64{}, map[uint]string{}
	for _, r := range k.records {
		c, err := model.DecodeChange(r.Key, r.Headers, r.Value)
		require.NoError(t, err)
		if c.Version < versions[c.BookID] {
			continue
		}
		versions[c.BookID] = c.Version
		if delete(titles, c.BookID); c.Book != nil {
			titles[c.BookID] = c.Book.Title
		}
	}
	return titles
}

func open(t *testing.T, file string) *database.DB {
	t.Helper()
	db, err := database.OpenSQLite(file, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

func newDB(t *testing.T) *database.DB {
	return open(t, filepath.Join(t.TempDir(), "books.db"))
}

func start(t *testing.T, db *database.DB, k *topic) (r *relay.Relay, stop func()) {
	t.Helper()
	r = relay.New(db, k, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return r, stop
}

func write(t *testing.T, db *database.DB, id uint, title string) uint {
	t.Helper()
	if id == 0 {
		id, err := db.CreateBook(t.Context(), &model.Book{Title: title})
		require.NoError(t, err)
		return id
	}
	_, err := db.ChangeBook(t.Context(), id, func(b *model.Book) (*model.Book, error) {
		if title == "" {
			return nil, nil
		}
		b.Title = title
		return b, nil
	})
	require.NoError(t, err)
	return id
}

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 30*time.Second, 5*time.Millisecond)
}

func empty(t *testing.T, db *database.DB) func() bool {
	return func() bool {
		changes, err := db.ChangesAfter(t.Context(), 0, 1)
		require.NoError(t, err)
		return len(changes) == 0
	}
}

func TestChangesArePublishedInOrder(t *testing.T) {
	db, k := newDB(t), &topic{}
	one, two := write(t, db, 0, "One"), write(t, db, 0, "Two")
	r, _ := start(t, db, k)
	eventually(t, empty(t, db))
	write(t, db, one, "1")
	eventually(t, empty(t, db))
	write(t, db, two, "")
	r.Wake()
	eventually(t, empty(t, db))
	eventually(t, func() bool { return r.Published() == 4 })
	assert.Equal(t, []entry{
		{one, model.BookCreated, "One"}, {two, model.BookCreated, "Two"}, {one, model.BookUpdated, "1"},
		{two, model.BookDeleted, ""}, {two, tombstone, ""},
	}, k.entries(t))
}

// The relay reads the next batch while it sends one.
func TestManyChangesArePublished(t *testing.T) {
	const many = 3500
	db, k := newDB(t), &topic{}
	books := make([]*model.Book, many)
	for i := range books {
		books[i] = &model.Book{Title: strconv.Itoa(i)}
	}
	_, err := db.SeedOnce(t.Context(), "many", books)
	require.NoError(t, err)
	calls := 0
	k.deliver = func(records []*mq.Record) (int, error) {
		if calls++; calls <= 3 { // what is being sent becomes out of date
			write(t, db, 1, "newer "+strconv.Itoa(calls))
			write(t, db, many, "newer "+strconv.Itoa(calls))
		}
		return len(records), nil
	}
	start(t, db, k)
	eventually(t, empty(t, db))
	entries, versions := k.entries(t), map[string]int64{}
	for i, e := range entries[:many-1] {
		require.Equal(t, uint(i+1), e.ID)
	}
	for _, r := range k.records {
		c, err := model.DecodeChange(r.Key, r.Headers, r.Value)
		require.NoError(t, err)
		require.Greater(t, c.Version, versions[r.Key], "book %s", r.Key)
		versions[r.Key] = c.Version
	}
	newest := k.newest(t)
	assert.Len(t, newest, many)
	assert.Equal(t, "newer 3", newest[1])
	assert.Equal(t, "newer 3", newest[many])
}

// A line may be so slow that the lease ends in each batch.
func TestFailuresAreRetried(t *testing.T) {
	db, k := newDB(t), &topic{}
	k.deliver = func([]*mq.Record) (int, error) { return 1, errors.New("broken line") }
	first := write(t, db, 0, "Book")
	write(t, db, 0, "Book")
	write(t, db, first, "") // an event and a tombstone
	r, _ := start(t, db, k)
	eventually(t, func() bool { return r.Published() == 1 })
	assert.Len(t, k.entries(t), 1)
	k.set(func() { k.deliver = func([]*mq.Record) (int, error) { return 1, nil } }) // the rest in further calls
	eventually(t, empty(t, db))
	assert.Equal(t, map[uint]string{first + 1: "Book"}, k.newest(t))
	eventually(t, func() bool { return r.Published() == 2 })
	assert.Zero(t, r.Rejected())
}

func TestARejectedChangeHoldsNothingUp(t *testing.T) {
	db, k := newDB(t), &topic{reject: errors.New("too large")}
	id := write(t, db, 0, "Book")
	r, _ := start(t, db, k)
	eventually(t, empty(t, db))
	eventually(t, func() bool { return r.Rejected() == 1 })
	assert.Zero(t, r.Published())
	write(t, db, write(t, db, 0, "Deleted"), "")
	eventually(t, empty(t, db))
	eventually(t, func() bool { return r.Rejected() == 2 }) // not once more for the tombstone
	assert.Zero(t, r.Published())
	k.set(func() { k.reject = nil })
	write(t, db, id, "Smaller")
	eventually(t, empty(t, db))
	assert.Equal(t, map[uint]string{id: "Smaller"}, k.newest(t))
}

func TestOneOfTwoPublishes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "books.db")
	db, k := open(t, file), &topic{}
	first, stopFirst := start(t, db, k)
	write(t, db, 0, "One")
	eventually(t, func() bool { return first.Published() == 1 })
	second, _ := start(t, open(t, file), k)
	for range 20 {
		write(t, db, 0, "More")
	}
	eventually(t, func() bool { return first.Published() == 21 })
	assert.Zero(t, second.Published())
	stopFirst()
	write(t, db, 0, "Last")
	eventually(t, func() bool { return second.Published() == 1 })
	assert.Len(t, k.entries(t), 22)
}

// A relay that was stopped while it sent, for longer than its lease, sends what is old. The
// topic must have the newest state in the end.
func TestTwoBelieveThatTheyLead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "books.db")
	db, k := open(t, file), &topic{}
	kept, deleted := write(t, db, 0, "Old"), write(t, db, 0, "Old")
	sending, wakeUp := make(chan struct{}), make(chan struct{})
	var stopped atomic.Bool
	k.deliver = func(records []*mq.Record) (int, error) {
		if !stopped.Swap(true) {
			close(sending)
			<-wakeUp
		}
		return len(records), nil
	}
	start(t, db, k)
	<-sending
	other, err := database.OpenSQLite(file, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.Migrate(t.Context()))
	write(t, other, kept, "New")
	write(t, other, deleted, "")
	second, _ := start(t, other, k)
	eventually(t, func() bool { return second.Published() == 2 }) // when the lease is over
	close(wakeUp)
	eventually(t, func() bool { return len(k.entries(t)) >= 3+2 })
	eventually(t, empty(t, db))
	last := map[uint]entry{}
	eventually(t, func() bool {
		for _, e := range k.entries(t) {
			last[e.ID] = e
		}
		return last[kept].Title == "New"
	})
	assert.Equal(t, entry{kept, model.BookUpdated, "New"}, last[kept], "the last record of a key is the newest")
	assert.Equal(t, entry{deleted, tombstone, ""}, last[deleted])
	assert.Equal(t, map[uint]string{kept: "New"}, k.newest(t))
}

// A database that comes from a backup gives versions a second time.
func TestARestoredDatabaseBeginsAGeneration(t *testing.T) {
	k, before := &topic{}, newDB(t)
	for i := range 10 {
		write(t, before, 0, strconv.Itoa(i))
	}
	_, stop := start(t, before, k)
	eventually(t, empty(t, before))
	stop()

	restored := newDB(t) // the backup of a time with two books
	one, two := write(t, restored, 0, "0"), write(t, restored, 0, "1")
	old, _, err := restored.Generation(t.Context())
	require.NoError(t, err)
	start(t, restored, k)
	eventually(t, empty(t, restored))
	write(t, restored, one, "changed")
	eventually(t, empty(t, restored))
	assert.Equal(t, map[uint]string{one: "changed", two: "1"}, k.newest(t), "the topic is as the database, for readers of versions, too")
	generation, _, err := restored.Generation(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, old.Restored, generation.Restored)
	records, err := k.Last(t.Context())
	require.NoError(t, err)
	assert.Equal(t, generation.Source(), records[0].Header("ce_source"))
}

// lost adds changes that a restored database lacks. Their versions follow the highest one.
func (k *topic) lost(t *testing.T, generation model.Generation, highest int64, changes ...*model.Change) {
	t.Helper()
	for i, c := range changes {
		c.Version, c.Time = highest+int64(i)+1, time.Now()
		value, headers, err := c.Encode(generation)
		require.NoError(t, err)
		k.records = append(k.records, &mq.Record{Key: c.Key(), Value: value, Headers: headers})
	}
}

func changed(id uint) *model.Change {
	return &model.Change{BookID: id, Kind: model.BookUpdated, Book: &model.Book{ID: id, Title: "lost"}}
}

// The restored shop may have written before its relay looks.
func TestWritesAfterARestoring(t *testing.T) {
	k, restored := &topic{}, newDB(t)
	one, two := write(t, restored, 0, "1"), write(t, restored, 0, "2")
	_, stop := start(t, restored, k)
	eventually(t, empty(t, restored))
	stop()
	// The lost database went on with versions 3 and 4.
	generation, highest, err := restored.Generation(t.Context())
	require.NoError(t, err)
	k.lost(t, generation, highest, &model.Change{BookID: two, Kind: model.BookDeleted}, changed(one))
	three := write(t, restored, 0, "3") // at version 3, too
	start(t, restored, k)
	want := map[uint]string{one: "1", two: "2", three: "3"}
	eventually(t, func() bool { return assert.ObjectsAreEqual(want, k.newest(t)) })
}

// The restored shop may even have given more versions than the lost one, for example by an
// import before its start.
func TestManyWritesAfterARestoring(t *testing.T) {
	k, restored := &topic{}, newDB(t)
	one, two := write(t, restored, 0, "1"), write(t, restored, 0, "2")
	_, stop := start(t, restored, k)
	eventually(t, empty(t, restored))
	stop()
	generation, highest, err := restored.Generation(t.Context())
	require.NoError(t, err)
	k.lost(t, generation, highest, changed(two), changed(one))
	want := map[uint]string{one: "1", two: "2"}
	for i := range 10 {
		title := "new " + strconv.Itoa(i)
		want[write(t, restored, 0, title)] = title
	}
	start(t, restored, k)
	eventually(t, func() bool { return assert.ObjectsAreEqual(want, k.newest(t)) })
	after, _, err := restored.Generation(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, generation.Restored, after.Restored)
}

// A relay compares the versions before anybody writes.
func TestARestoringIsNoticedWithoutChanges(t *testing.T) {
	k, before := &topic{}, newDB(t)
	write(t, before, 0, "gone")
	_, stop := start(t, before, k)
	eventually(t, empty(t, before))
	stop()
	restored := newDB(t)
	start(t, restored, k)
	eventually(t, func() bool { return len(k.newest(t)) == 0 })
}

// A record of nobody's catalogue must not use up the versions.
func TestAnImpossibleVersionIsNoBackup(t *testing.T) {
	db, k := newDB(t), &topic{}
	forged := &model.Change{BookID: 1, Version: math.MaxInt64, Kind: model.BookDeleted, Time: time.Now()}
	value, headers, err := forged.Encode(model.Generation{})
	require.NoError(t, err)
	k.records = []*mq.Record{{Key: forged.Key(), Value: value, Headers: headers}}
	start(t, db, k)
	write(t, db, 0, "One")
	eventually(t, empty(t, db))
	write(t, db, 0, "Two")
	eventually(t, empty(t, db))
	_, highest, err := db.Generation(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, highest)
}

// rival is an outbox with one change, whose lease another instance often has.
type rival struct {
	gateway.Outbox
	asked   int
	settled atomic.Bool
}

func (o *rival) Lead(_ context.Context, holder string, _ time.Duration) (gateway.Lease, bool, error) {
	o.asked++
	return gateway.Lease{Holder: holder}, o.asked%2 == 1, nil
}
func (*rival) Resign(context.Context, gateway.Lease) error { return nil }
func (*rival) Generation(context.Context) (model.Generation, int64, error) {
	return model.Generation{}, 1, nil
}

func (*rival) Versions(context.Context, []uint) (map[uint]int64, error) { return nil, nil }
func (o *rival) PendingChanges(context.Context, int64, int) ([]*model.Change, error) {
	if o.settled.Load() {
		return nil, nil
	}
	return []*model.Change{{BookID: 1, Version: 1, Kind: model.BookDeleted, Time: time.Now()}}, nil
}

func (o *rival) Settle(context.Context, gateway.Lease, []*model.Change) error {
	o.settled.Store(true)
	return nil
}

func TestEachSeriesOfFailuresIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		away := func([]*mq.Record) (int, error) { return 0, errors.New("away") }
		k, o := &topic{deliver: away}, &rival{}
		r := relay.New(o, k, slog.New(slog.NewTextHandler(&lines, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		for outage := range 3 {
			k.set(func() { k.deliver = away })
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, outage+1, strings.Count(lines.String(), "can't be published"), lines.String())
			k.set(func() { k.deliver = nil })
			time.Sleep(time.Minute)
			synctest.Wait()
			require.True(t, o.settled.Swap(false))
		}
		cancel()
		<-ended
	})
}
