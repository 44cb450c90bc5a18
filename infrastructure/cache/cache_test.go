package cache_test

import (
	"context"
	"errors"
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
	"literank.com/event-books/infrastructure/cache"
)

// shelf is a database of which a test decides when reads are answered.
type shelf struct {
	gateway.BookManager
	mu    sync.Mutex
	books map[uint]*model.Book
	reads atomic.Int32
	// before, if set, is called after a read and before its answer.
	before func()
}

func (s *shelf) put(id uint, version int64, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.books[id] = &model.Book{ID: id, Version: version, Title: title, Subjects: []string{"s"}, AuthorAliases: []string{"a"}, Stock: new(1)}
}

func (s *shelf) remove(id uint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.books, id)
}

func (s *shelf) GetBook(ctx context.Context, id uint) (*model.Book, error) {
	found, _ := s.GetBooks(ctx, []uint{id})
	if len(found) == 0 {
		return nil, model.Errorf(model.NotFound, "id", "there is no book %d", id)
	}
	return found[0], nil
}

func (s *shelf) GetBooks(_ context.Context, ids []uint) (found []*model.Book, err error) {
	s.reads.Add(1)
	s.mu.Lock()
	for _, id := range ids {
		if b := s.books[id]; b != nil {
			copied := *b
			found = append(found, &copied)
		}
	}
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before()
	}
	return found, nil
}

func (s *shelf) ChangeBook(ctx context.Context, id uint, change func(*model.Book) (*model.Book, error)) (*model.Book, error) {
	b, err := s.GetBook(ctx, id)
	if err != nil {
		return nil, err
	}
	return change(b)
}

func newCache(current func() bool) (*shelf, *cache.Books) {
	s := &shelf{books: map[uint]*model.Book{}}
	return s, cache.New(s, cache.Options{MaxBytes: 1 << 20, Current: current})
}

func always() bool { return true }

func title(t *testing.T, c *cache.Books, id uint) string {
	t.Helper()
	b, err := c.GetBook(t.Context(), id)
	require.NoError(t, err)
	return b.Title
}

func TestChangesDropWhatIsOlder(t *testing.T) {
	s, c := newCache(always)
	s.put(1, 5, "five")
	assert.Equal(t, "five", title(t, c, 1))
	s.put(1, 7, "seven")
	for _, version := range []int64{4, 5} {
		c.Apply(&model.Change{BookID: 1, Version: version, Kind: model.BookUpdated})
		c.Apply(&model.Change{BookID: 1, Version: version, Kind: model.BookDeleted})
		assert.Equal(t, "five", title(t, c, 1), "an older change and a repeated one do nothing")
	}
	c.Apply(&model.Change{BookID: 1, Version: 7, Kind: model.BookUpdated})
	assert.Equal(t, "seven", title(t, c, 1))
	assert.EqualValues(t, 2, s.reads.Load())

	s.remove(1)
	c.Apply(&model.Change{BookID: 1, Version: 9, Kind: model.BookDeleted})
	c.Apply(&model.Change{BookID: 1, Version: 7, Kind: model.BookUpdated})
	_, err := c.GetBook(t.Context(), 1)
	assert.Equal(t, model.NotFound, model.ErrorCode(err), "a deleted book stays deleted")

	s.put(2, 1, "two")
	title(t, c, 2)
	s.remove(2)
	c.Apply(&model.Change{BookID: 2, Kind: model.BookDeleted})
	_, err = c.GetBook(t.Context(), 2)
	assert.Equal(t, model.NotFound, model.ErrorCode(err), "a change without a version is taken as newer")
}

// A client whose If-Match failed reads the book again. It must get the state that it failed
// against, also if another program wrote the row without a trace, such as from a backup.
func TestARefusedWriteDropsTheEntry(t *testing.T) {
	s, c := newCache(always)
	s.put(1, 5, "five")
	assert.Equal(t, "five", title(t, c, 1))
	s.put(1, 3, "three")
	refused := errors.New("refused")
	_, err := c.ChangeBook(t.Context(), 1, func(current *model.Book) (*model.Book, error) {
		assert.Equal(t, "three", current.Title)
		return nil, refused
	})
	assert.ErrorIs(t, err, refused)
	assert.Equal(t, "three", title(t, c, 1))
}

// A read that began before a change must not store what it found.
func TestAReadThatAChangeOvertakes(t *testing.T) {
	for name, get := range map[string]func(c *cache.Books, ctx context.Context) (string, error){
		"one": func(c *cache.Books, ctx context.Context) (string, error) {
			b, err := c.GetBook(ctx, 1)
			return b.Title, err
		},
		"many": func(c *cache.Books, ctx context.Context) (string, error) {
			b, err := c.GetBooks(ctx, []uint{1})
			return b[0].Title, err
		},
	} {
		for _, missed := range []bool{false, true} {
			s, c := newCache(always)
			s.put(1, 1, "old")
			var once sync.Once
			s.before = func() {
				once.Do(func() {
					s.put(1, 2, "new")
					if missed {
						c.Clear()
					} else {
						c.Apply(&model.Change{BookID: 1, Version: 2, Kind: model.BookUpdated})
					}
				})
			}
			_, err := get(c, t.Context())
			require.NoError(t, err, name)
			got, err := get(c, t.Context())
			require.NoError(t, err, name)
			assert.Equal(t, "new", got, name)
		}
	}
}

func TestOneReadForManyAtOnce(t *testing.T) {
	s, c := newCache(always)
	s.put(1, 1, "one")
	release := make(chan struct{})
	s.before = func() { <-release }
	var reading sync.WaitGroup
	for range 50 {
		reading.Go(func() { assert.Equal(t, "one", title(t, c, 1)) })
	}
	close(release)
	reading.Wait()
	assert.EqualValues(t, 1, s.reads.Load())
	assert.Equal(t, cache.Stats{Hits: 49, Misses: 1, Bytes: c.Stats().Bytes}, c.Stats())
}

func TestACacheThatIsNotCurrentIsOff(t *testing.T) {
	var current atomic.Bool
	s, c := newCache(current.Load)
	s.put(1, 1, "one")
	for range 3 {
		assert.Equal(t, "one", title(t, c, 1))
	}
	found, err := c.GetBooks(t.Context(), []uint{1})
	require.NoError(t, err)
	assert.Len(t, found, 1)
	assert.EqualValues(t, 4, s.reads.Load())
	assert.Zero(t, c.Stats().Bytes)
	current.Store(true)
	for range 3 {
		title(t, c, 1)
	}
	assert.EqualValues(t, 5, s.reads.Load())
}

func TestManyBooksKeepTheirOrder(t *testing.T) {
	s, c := newCache(always)
	for id := range uint(9) {
		s.put(id+1, 1, strings.Repeat("x", int(id)))
	}
	title(t, c, 3)
	for range 2 {
		found, err := c.GetBooks(t.Context(), []uint{5, 99, 3, 1, 5})
		require.NoError(t, err)
		var ids []uint
		for _, b := range found {
			ids = append(ids, b.ID)
		}
		assert.Equal(t, []uint{5, 3, 1, 5}, ids)
	}
	found, err := c.GetBooks(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestReadersMayChangeWhatTheyGet(t *testing.T) {
	s, c := newCache(always)
	s.put(1, 1, "one")
	for range 2 {
		b, err := c.GetBook(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, &model.Book{ID: 1, Version: 1, Title: "one", Subjects: []string{"s"}, AuthorAliases: []string{"a"}, Stock: new(1)}, b)
		b.Title, b.Subjects[0], b.AuthorAliases[0], *b.Stock = "x", "x", "x", 9
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	s, c := newCache(always)
	const books = 200
	for id := range uint(books) {
		s.put(id+1, 1, strings.Repeat("x", 50_000))
		title(t, c, id+1)
	}
	// otter evicts soon after a write, in the background.
	require.Eventually(t, func() bool { return c.Stats().Bytes <= 1<<20 }, 10*time.Second, time.Millisecond)
	assert.Positive(t, c.Stats().Evictions)
}

// Two reads at once, one by id and one of many, share what they find, and don't find.
func TestAMissingBookIsReadInBothWaysAtOnce(t *testing.T) {
	one := func(t *testing.T, c *cache.Books) {
		_, err := c.GetBook(t.Context(), 1)
		assert.Equal(t, model.NotFound, model.ErrorCode(err))
	}
	many := func(t *testing.T, c *cache.Books) {
		found, err := c.GetBooks(t.Context(), []uint{1, 2})
		assert.NoError(t, err)
		assert.Len(t, found, 1)
	}
	for name, order := range map[string][2]func(t *testing.T, c *cache.Books){"one first": {one, many}, "many first": {many, one}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := newCache(always)
				defer c.Close()
				s.put(2, 1, "two")
				release := make(chan struct{})
				s.before = func() { <-release }
				var reading sync.WaitGroup
				for _, read := range order {
					reading.Go(func() { read(t, c) })
					synctest.Wait()
				}
				close(release)
				reading.Wait()
			})
		})
	}
}

// Prometheus takes a counter that falls for a restart.
func TestHitsNeverFall(t *testing.T) {
	s, c := newCache(always)
	s.put(1, 1, "one")
	title(t, c, 1)
	title(t, c, 1)
	before := c.Stats().Hits
	assert.EqualValues(t, 1, before)
	again := 0
	s.before = func() {
		assert.Equal(t, before, c.Stats().Hits, "a read under way is no hit")
		if again++; again < 4 { // the read begins again
			c.Apply(&model.Change{BookID: 2, Version: int64(again), Kind: model.BookUpdated})
		}
	}
	_, err := c.GetBooks(t.Context(), []uint{1, 2})
	require.NoError(t, err)
	before++ // book 1
	assert.Equal(t, before, c.Stats().Hits)
	s.put(2, 5, "two")
	again = 0
	assert.Equal(t, "two", title(t, c, 2))
	assert.Equal(t, before, c.Stats().Hits)
}

type broken struct{ gateway.BookManager }

var errBroken = errors.New("broken")

func (broken) GetBook(context.Context, uint) (*model.Book, error)      { return nil, errBroken }
func (broken) GetBooks(context.Context, []uint) ([]*model.Book, error) { return nil, errBroken }

func TestErrorsAreNotKept(t *testing.T) {
	c := cache.New(broken{}, cache.Options{MaxBytes: 1 << 20, Current: always})
	_, err := c.GetBook(t.Context(), 1)
	require.ErrorIs(t, err, errBroken)
	_, err = c.GetBooks(t.Context(), []uint{1, 2})
	require.ErrorIs(t, err, errBroken)
}

// Another program may change a book and take that back, or add a book and delete it, before
// anyone notices.
func TestEntriesOfASharedDatabaseEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{books: map[uint]*model.Book{}}
		c := cache.New(s, cache.Options{MaxBytes: 1 << 20, MaxAge: 5 * time.Second, Current: always})
		defer c.Close()
		s.put(1, 0, "comes and goes")
		s.put(2, 7, "B")
		for range 2 {
			title(t, c, 1)
			title(t, c, 2)
		}
		assert.EqualValues(t, 2, s.reads.Load())
		s.remove(1)
		s.put(2, 7, "A again")
		time.Sleep(6 * time.Second)
		_, err := c.GetBook(t.Context(), 1)
		assert.Equal(t, model.NotFound, model.ErrorCode(err))
		assert.Equal(t, "A again", title(t, c, 2))
	})
}
