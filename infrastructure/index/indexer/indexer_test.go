package indexer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
	"literank.com/event-books/infrastructure/index/indexer"
)

// catalogue is a catalogue in memory. Its own search finds the book 999.
type catalogue struct {
	gateway.NoCapabilities
	mu         sync.Mutex
	books      map[uint]*model.Book
	version    int64
	generation model.Generation
	down       error
	onChange   func(*model.Change) // nil while nobody listens
}

func newCatalogue(titles ...string) *catalogue {
	c := &catalogue{books: map[uint]*model.Book{}, generation: model.Generation{Database: "one", Restored: "a"}}
	for i, title := range titles {
		c.put(uint(i+1), title)
	}
	return c
}

// put creates or replaces a book. An empty title deletes it.
func (c *catalogue) put(id uint, title string) {
	c.mu.Lock()
	c.version++
	delete(c.books, id)
	if title != "" {
		c.books[id] = &model.Book{ID: id, Title: title, Version: c.version}
	}
	tell := c.onChange
	c.mu.Unlock()
	if tell != nil {
		tell(&model.Change{BookID: id})
	}
}

func (c *catalogue) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *catalogue) GetBooks(_ context.Context, ids []uint) (books []*model.Book, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if b, ok := c.books[id]; ok {
			books = append(books, b)
		}
	}
	return books, c.down
}

func (c *catalogue) BookVersions(_ context.Context, after uint, limit int) (versions []model.BookVersion, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(c.books)) {
		if id > after && len(versions) < limit {
			versions = append(versions, model.BookVersion{ID: id, Version: c.books[id].Version})
		}
	}
	return versions, c.down
}

func (c *catalogue) Generation(context.Context) (model.Generation, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation, c.version, c.down
}

func (c *catalogue) SearchBooks(context.Context, model.Search) (*model.SearchResult, error) {
	return &model.SearchResult{IDs: []uint{999}, Total: 1}, nil
}

// engine can be broken.
type engine struct {
	index.Engine
	broken atomic.Bool
	// confused engines panic at each question.
	confused atomic.Bool
	held     chan struct{} // if not nil, Apply waits until it is closed
}

var errBroken = errors.New("broken for a test")

func (e *engine) Apply(put []*model.Book, deleted []uint, at index.Position) error {
	if e.held != nil {
		<-e.held
	}
	return e.Engine.Apply(put, deleted, at)
}

func (e *engine) SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	switch {
	case e.broken.Load():
		return nil, errBroken
	case e.confused.Load():
		return nil, index.ErrQuestion
	}
	return e.Engine.SearchBooks(ctx, s)
}

func (e *engine) Failed() error {
	if e.broken.Load() {
		return errBroken
	}
	return e.Engine.Failed()
}

// shop is an indexer that runs.
type shop struct {
	*indexer.Indexer
	t      *testing.T
	folder string
	stop   func()
	mu     sync.Mutex
	opened []*engine
	held   chan struct{} // for the next engine
}

func open(t *testing.T, folder string, c *catalogue) *shop {
	return openHeld(t, folder, c, nil)
}

func openHeld(t *testing.T, folder string, c *catalogue, held chan struct{}) *shop {
	t.Helper()
	s := &shop{t: t, folder: folder, held: held}
	s.Indexer = indexer.New(indexer.Options{Folder: folder, Books: c, Fallback: c, Log: slog.New(slog.DiscardHandler),
		Open: func(folder string) (index.Engine, error) {
			x, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
			if err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			e := &engine{Engine: x, held: s.held}
			s.opened = append(s.opened, e)
			return e, nil
		}})
	c.set(func() { c.onChange = s.Apply })
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	s.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		c.set(func() { c.onChange = nil })
	})
	t.Cleanup(s.stop)
	return s
}

func (s *shop) find(keyword string) []uint {
	s.t.Helper()
	result, err := s.SearchBooks(s.t.Context(), model.Search{Keyword: model.Keyword(keyword), Limit: 100, Exact: true})
	require.NoError(s.t, err)
	slices.Sort(result.IDs)
	return result.IDs
}

func (s *shop) eventually(keyword string, want ...uint) {
	s.t.Helper()
	if !assert.Eventually(s.t, func() bool { return slices.Equal(want, s.find(keyword)) }, 20*time.Second, 5*time.Millisecond) {
		s.t.Fatalf("%q finds %v, want %v; %+v", keyword, s.find(keyword), want, s.Status())
	}
}

func (s *shop) engines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.opened)
}

func (s *shop) newest() *engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened[len(s.opened)-1]
}

func TestFollowsTheCatalogue(t *testing.T) {
	c := newCatalogue("red boat", "blue boat", "green boat")
	folder := t.TempDir()
	s := open(t, folder, c)
	s.eventually("boat", 1, 2, 3)
	c.put(4, "white boat")
	c.put(1, "red house")
	c.put(2, "")
	s.Await(t.Context(), []*model.Change{{BookID: 4}, {BookID: 1}, {BookID: 2}})
	assert.Equal(t, []uint{3, 4}, s.find("boat"))
	require.Eventually(t, func() bool { return !s.Status().Built.IsZero() }, time.Minute, time.Millisecond, "an index answers a moment before it counts as built")
	status := s.Status()
	assert.WithinDuration(t, time.Now(), status.Built, time.Minute)
	status.Built, status.Seconds = time.Time{}, 0
	assert.Equal(t, indexer.Status{State: indexer.Ready, Answering: true, Version: 5}, status)
	s.stop()
	assert.Equal(t, []uint{999}, s.find("boat"), "the database answers after the end")

	// What changed meanwhile shows after the start, without another index.
	c.put(3, "")
	c.put(4, "white house")
	c.put(5, "last boat")
	s = open(t, folder, c)
	s.eventually("boat", 5)
	s.eventually("house", 1, 4)
	assert.Equal(t, 1, s.engines())
}

func TestDatabaseAnswersMeanwhile(t *testing.T) {
	c := newCatalogue("boat")
	held := make(chan struct{})
	s := openHeld(t, t.TempDir(), c, held)
	require.Eventually(t, func() bool { return s.Status().State == indexer.Building }, 20*time.Second, time.Millisecond)
	assert.Equal(t, []uint{999}, s.find("boat"))
	c.put(2, "another boat") // while the index is built
	close(held)
	s.eventually("boat", 1, 2)
}

func TestRebuilt(t *testing.T) {
	c := newCatalogue("boat")
	s := open(t, t.TempDir(), c)
	s.eventually("boat", 1)
	held := make(chan struct{})
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	require.NoError(t, indexer.Request(s.folder))
	require.Eventually(t, func() bool { return s.engines() == 2 && s.Status().State == indexer.Building }, 20*time.Second, time.Millisecond)
	c.put(2, "another boat")
	s.eventually("boat", 1, 2) // the old index answers, and follows
	close(held)
	require.Eventually(t, func() bool { return s.Status().State == indexer.Ready }, 20*time.Second, time.Millisecond)
	s.eventually("boat", 1, 2)
	require.Eventually(t, func() bool {
		folders, err := filepath.Glob(filepath.Join(s.folder, "[0-9]*"))
		return err == nil && len(folders) == 1
	}, 20*time.Second, time.Millisecond, "the old index is removed")
	require.Eventually(t, func() bool {
		status, ok, err := indexer.ReadStatus(s.folder)
		return err == nil && ok && status.State == indexer.Ready && status.Answering
	}, 20*time.Second, time.Millisecond)
}

func TestAnotherGeneration(t *testing.T) {
	c := newCatalogue("boat")
	s := open(t, t.TempDir(), c)
	s.eventually("boat", 1)
	c.set(func() { // restored: the same version says something else now
		c.generation.Restored = "b"
		c.books[1] = &model.Book{ID: 1, Title: "house", Version: c.books[1].Version}
	})
	s.Compare()
	s.eventually("boat")
	s.eventually("house", 1)
	assert.Equal(t, 2, s.engines())
}

func TestAnotherDatabase(t *testing.T) {
	c := newCatalogue("boat")
	folder := t.TempDir()
	s := open(t, folder, c)
	s.eventually("boat", 1)
	s.stop()
	other := newCatalogue("car", "boat")
	other.generation = model.Generation{Database: "two", Restored: "a"}
	s = open(t, folder, other)
	s.eventually("boat", 2)
	assert.Equal(t, 2, s.engines())
}

func TestFailedEngine(t *testing.T) {
	c := newCatalogue("boat")
	s := open(t, t.TempDir(), c)
	s.eventually("boat", 1)
	s.newest().broken.Store(true)
	assert.Contains(t, [][]uint{{1}, {999}}, s.find("boat"), "a search is answered all the same")
	s.eventually("boat", 1)
	assert.Equal(t, 2, s.engines())
	assert.DirExists(t, filepath.Join(s.folder, "damaged"))
}

// An index that fails while the next one is built is set aside, and not built a second time.
func TestFailedWhileBuilding(t *testing.T) {
	c := newCatalogue("boat")
	s := open(t, t.TempDir(), c)
	s.eventually("boat", 1)
	first, held := s.newest(), make(chan struct{})
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	s.Rebuild()
	require.Eventually(t, func() bool { return s.Status().State == indexer.Building && s.engines() == 2 }, 20*time.Second, time.Millisecond)
	first.broken.Store(true)
	require.Eventually(t, func() bool { return !s.Status().Answering }, 20*time.Second, time.Millisecond)
	close(held)
	s.eventually("boat", 1)
	require.Eventually(t, func() bool {
		kept, err := filepath.Glob(filepath.Join(s.folder, "damaged", "format"))
		return err == nil && len(kept) == 1
	}, 20*time.Second, time.Millisecond)
	s.stop()
	assert.Equal(t, 2, s.engines())
}

func TestNoStatus(t *testing.T) {
	status, ok, err := indexer.ReadStatus(t.TempDir())
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Equal(t, indexer.Status{State: indexer.Waiting}, status)
}

// A search that hits a bug is answered by the database, and costs no index.
func TestConfusedEngine(t *testing.T) {
	c := newCatalogue("boat")
	s := open(t, t.TempDir(), c)
	s.eventually("boat", 1)
	s.newest().confused.Store(true)
	assert.Equal(t, []uint{999}, s.find("boat"))
	s.newest().confused.Store(false)
	assert.Equal(t, []uint{1}, s.find("boat"))
	assert.Equal(t, 1, s.engines())
}

func TestDamagedIndex(t *testing.T) {
	c := newCatalogue("boat")
	folder := t.TempDir()
	s := open(t, folder, c)
	s.eventually("boat", 1)
	s.stop()
	for _, damage := range []func(t *testing.T){
		func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(folder, "*", "*.zap"))
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, file := range files {
				require.NoError(t, os.Truncate(file, 10))
			}
		},
		func(t *testing.T) { require.NoError(t, os.Remove(filepath.Join(folder, "current"))) },
		func(t *testing.T) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "current"), []byte("../../etc"), 0o600))
		},
		func(t *testing.T) { // it was set aside, and the next one isn't complete
			current, err := os.ReadFile(filepath.Join(folder, "current"))
			require.NoError(t, err)
			require.NoError(t, os.RemoveAll(filepath.Join(folder, strings.TrimSpace(string(current)))))
			require.NoError(t, os.RemoveAll(filepath.Join(folder, "damaged")))
		},
		func(t *testing.T) { require.NoError(t, os.RemoveAll(folder)) },
	} {
		damage(t)
		s = open(t, folder, c)
		s.eventually("boat", 1)
		s.stop()
		assert.Equal(t, 1, s.engines(), "only the new index is opened")
	}
}

func TestCatalogueIsDown(t *testing.T) {
	c := newCatalogue("boat")
	c.down = errors.New("down for a test")
	s := open(t, t.TempDir(), c)
	assert.Equal(t, []uint{999}, s.find("boat"))
	c.set(func() { c.down = nil })
	s.eventually("boat", 1)
	c.set(func() { c.down = errors.New("down for a test") })
	c.put(2, "another boat")
	require.Eventually(t, func() bool { return s.Status().State == indexer.Behind }, 20*time.Second, time.Millisecond)
	assert.Equal(t, []uint{1}, s.find("boat"), "the index answers without the catalogue")
	c.set(func() { c.down = nil })
	s.eventually("boat", 1, 2)
}

// The folder can't be made: a file has its name.
func TestNoFolder(t *testing.T) {
	c := newCatalogue("boat")
	folder := filepath.Join(t.TempDir(), "index")
	require.NoError(t, os.WriteFile(folder, nil, 0o600))
	s := open(t, folder, c)
	require.Eventually(t, func() bool { return s.Status().Problem != "" }, 20*time.Second, time.Millisecond)
	assert.Equal(t, []uint{999}, s.find("boat"))
}

// Whatever happens, index and catalogue agree in the end.
func TestManyChanges(t *testing.T) {
	c := newCatalogue()
	folder := t.TempDir()
	for round := range 3 {
		s := open(t, folder, c)
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := range 300 {
					id := uint((i*7+w*13)%200 + 1)
					title := fmt.Sprintf("boat%d round%d writer%d", id, round, w)
					if i%5 == 0 {
						title = ""
					}
					c.put(id, title)
					if i == 150 && w == 0 {
						s.Rebuild()
					}
				}
			})
		}
		writers.Wait()
		if round < 2 {
			s.stop() // whatever is queued is lost
			continue
		}
		want := slices.Sorted(maps.Keys(c.books))
		require.Eventually(t, func() bool {
			result, err := s.SearchBooks(t.Context(), model.Search{Limit: 1000})
			return err == nil && slices.Equal(want, result.IDs)
		}, 20*time.Second, 5*time.Millisecond)
		require.Eventually(t, func() bool { return s.Status().State == indexer.Ready }, 20*time.Second, 5*time.Millisecond)
		for id, b := range c.books {
			assert.Equal(t, []uint{id}, s.find(b.Title))
		}
	}
}
