//go:build unix

package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/api"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// changeTopic is the default topic of changes.
const changeTopic = "lr-book-changes"

// send writes through the API with the admin token.
func send(t *testing.T, dir, method, url, body string) answer {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+adminToken(t, dir))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	a, err := do(t, request)
	require.NoError(t, err)
	require.Less(t, a.code, 300, "%s %s: %s", method, url, a.body)
	return a
}

// follower collects the records of a topic.
type follower struct {
	mu      sync.Mutex
	records []*mq.Record
}

func follow(t *testing.T, brokers, topic string) *follower {
	t.Helper()
	f := &follower{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		ended <- mq.Tail(ctx, mq.Kafka{Brokers: strings.Split(brokers, ",")}, topic, mq.Start{Beginning: true}, func() { close(ready) }, func(r *mq.Record) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.records = append(f.records, r)
			return nil
		})
	}()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
	select {
	case <-ready:
	case <-time.After(time.Minute):
		t.Fatal("the topic can't be read")
	}
	return f
}

func (f *follower) all() []*mq.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// await waits for a record of a book.
func (f *follower) await(t *testing.T, id string, what func(r *mq.Record) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(f.all(), func(r *mq.Record) bool { return r.Key == id && what(r) })
	}, time.Minute, 10*time.Millisecond, "book %s", id)
}

func ofKind(kind model.ChangeKind) func(*mq.Record) bool {
	return func(r *mq.Record) bool {
		return len(r.Value) > 0 && r.Header("ce_type") == "com.literank.books."+string(kind)
	}
}

func isTombstone(r *mq.Record) bool { return len(r.Value) == 0 }

// Records of the topic of changes match the published schemas, the schemas describe every
// header and field, and a tombstone follows each deletion.
func TestChangesFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	const base = "https://literank.com/event-books/"
	files, err := fs.Glob(api.Schemas, "schemas/*/*.json")
	require.NoError(t, err)
	for _, file := range files {
		content, err := api.Schemas.ReadFile(file)
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		require.NoError(t, err)
		require.NoError(t, compiler.AddResource(base+file, document))
	}
	schemaOf := func(id string) *jsonschema.Schema {
		schema, err := compiler.Compile(id)
		require.NoError(t, err)
		return schema
	}
	headersSchema, valueSchema := schemaOf(base+"schemas/books.changed/1.headers.json"), schemaOf(model.ChangeSchema)
	book := schemaOf(model.SearchEventSchema).Items2020

	onEachBroker(t, func(t *testing.T, p *process, address, brokers, topic string) {
		p.eventually("changes are published", func() bool { return p.metric("event_books_changes_published_total") > 0 })
		f := follow(t, brokers, strings.Replace(topic, "lr-book-searches", changeTopic, 1))
		full := `{"title": "Zzyzx", "author": "A, B", "published_at": "1998-02", "description": "<D>", "isbn": "0306406152", "language": "eng",
			"publisher": "P", "subjects": ["S"], "series": "S", "edition": "E", "price": "12.90", "currency": "eur", "stock": 3,
			"availability": "to_order", "buy_url": "https://example.com/b", "cover_url": "https://example.com/c"}`
		path := send(t, p.Dir, http.MethodPost, address+"/api/books", full).header.Get("Location")
		address, id := address+"/api/books/"+filepath.Base(path), filepath.Base(path)
		f.await(t, id, ofKind(model.BookCreated))
		send(t, p.Dir, http.MethodPut, address, `{"title": "Bare"}`)
		f.await(t, id, ofKind(model.BookUpdated))
		send(t, p.Dir, http.MethodPatch, address, `{"title": "💐 \" \u2028"}`)
		f.await(t, id, func(r *mq.Record) bool { return bytes.Contains(r.Value, []byte("💐")) })
		send(t, p.Dir, http.MethodDelete, address, "")
		f.await(t, id, isTombstone)
		require.NoError(t, os.WriteFile(filepath.Join(p.Dir, "books.csv"), []byte("id,title,price,currency\n1,Imported,1.20,EUR\n2,\"Zwei, <Bücher>\",,\n"), 0o600))
		status, output := finish(t, p.Dir, p.Environ(), "import", "books.csv")
		require.Zero(t, status, output)
		imported := func(title string) func(r *mq.Record) bool {
			return func(r *mq.Record) bool { return bytes.Contains(r.Value, []byte(title)) }
		}
		require.Eventually(t, func() bool {
			records := f.all()
			return slices.ContainsFunc(records, imported(`"Imported"`)) && slices.ContainsFunc(records, imported("Bücher"))
		}, time.Minute, 10*time.Millisecond)

		said, kinds := map[string]bool{}, map[string]int{}
		deleted := map[string]*mq.Record{} // whose tombstone is still to come
		versions := map[string]bool{}
		for _, r := range f.all() {
			headers := map[string]any{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
				assert.Contains(t, headersSchema.Properties, h.Key, "is described")
				said[h.Key] = true
			}
			assert.Len(t, r.Headers, len(headers), "no header is repeated")
			assert.NoError(t, headersSchema.Validate(headers), r.Key)
			assert.Equal(t, r.Key, headers["ce_subject"])
			checkTime(t, r)
			c, err := model.DecodeChange(r.Key, r.Headers, r.Value)
			require.NoError(t, err)
			if isTombstone(r) {
				if before := deleted[r.Key]; assert.NotNil(t, before, "a tombstone follows a deletion") {
					assert.Equal(t, before.Header("ce_version"), headers["ce_version"])
					assert.Equal(t, before.Header("ce_source"), headers["ce_source"])
				}
				delete(deleted, r.Key)
				kinds["tombstone"]++
				continue
			}
			assert.NotContains(t, deleted, r.Key, "only the tombstone follows a deletion")
			versions[r.Header("ce_version")] = true
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Value))
			require.NoError(t, err)
			assert.NoError(t, valueSchema.Validate(value), "%s", r.Value)
			for field, content := range value.(map[string]any) {
				assert.Contains(t, valueSchema.Properties, field, "is described")
				said["/"+field] = true
				if field == "type" {
					assert.Equal(t, "com.literank."+strings.Replace(content.(string), "event.", "", 1), headers["ce_type"])
				}
				if field == "version" {
					assert.Equal(t, headers["ce_version"], content.(json.Number).String())
				}
			}
			fields := value.(map[string]any)["value"].(map[string]any)
			for field := range fields {
				assert.Contains(t, book.Properties, field, "is described")
				said["/value/"+field] = true
			}
			if c.Kind == model.BookDeleted {
				assert.Len(t, fields, 1, "a deleted book has its id alone")
				deleted[r.Key] = r
			}
			kinds[string(c.Kind)]++
		}
		assert.Empty(t, deleted, "a tombstone follows each deletion")
		const ofResults = 1 // "editions" is a field of a book in a result
		assert.Len(t, said, len(headersSchema.Properties)+len(valueSchema.Properties)+len(book.Properties)-ofResults, "every described header and field occurs")
		books := kinds["created"] // with the starter catalogue
		assert.Greater(t, books, 400)
		assert.Equal(t, map[string]int{"created": books, "updated": 2, "deleted": 1, "tombstone": 1}, kinds)
		assert.Len(t, versions, books+3, "each change has a version of its own")
	})
}

// The consumer in docs/consuming.md keeps a copy of the catalogue in step: with changes
// while it lists, afterwards, and when the database was restored from a backup.
func TestCopyOfTheCatalogue(t *testing.T) {
	t.Parallel()
	t.Run("kafka-python", func(t *testing.T) {
		python := os.Getenv("TEST_KAFKA_PYTHON")
		if python == "" {
			t.Skip("TEST_KAFKA_PYTHON names no python that has kafka-python")
		}
		t.Run("embedded", func(t *testing.T) {
			copyCatalogue(t, python, start(t, t.TempDir(), nil, "broker").broker(), "")
		})
		t.Run("Kafka", func(t *testing.T) {
			brokers := os.Getenv("TEST_KAFKA_BROKERS")
			if brokers == "" {
				t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
			}
			copyCatalogue(t, python, brokers, "test-"+uuid.NewString()+".")
		})
	})
}

func copyCatalogue(t *testing.T, python, brokers, prefix string) {
	shop := newCopiedShop(t, brokers, prefix)
	script := strings.NewReplacer("http://localhost:8080", shop.proxy, changeTopic, prefix+changeTopic).
		Replace(example(t, "../docs/consuming.md", "python", brokers, changeTopic))
	records := follow(t, brokers, prefix+changeTopic)
	records.await(t, "250", ofKind(model.BookCreated))
	for id := 250; id < 265; id++ { // on each partition
		shop.send(http.MethodPatch, fmt.Sprintf("/api/books/%d", id), `{"title": "Before the list"}`)
	}
	records.await(t, "264", ofKind(model.BookUpdated))

	copied := shop.copy(python, script)
	shop.eventually("the catalogue is listed", func() bool { return shop.pages.Load() >= 5 })
	copied.equals("changes while it lists")
	old := slices.IndexFunc(records.all(), func(r *mq.Record) bool { return r.Key == "250" && ofKind(model.BookCreated)(r) })
	sendAgain(t, brokers, prefix+changeTopic, records.all()[old])
	shop.send(http.MethodPost, "/api/books", `{"title": "Afterwards"}`)
	shop.send(http.MethodDelete, "/api/books/300", "")
	require.NoError(t, os.WriteFile(filepath.Join(shop.dir, "books.csv"), []byte("id,title\n1,Imported\n"), 0o600))
	status, output := finish(t, shop.dir, shop.Environ(), "import", "books.csv")
	require.Zero(t, status, output)
	copied.equals("changes afterwards")

	// If it listed from the first page to the last, it would miss books.
	const loop = "while offset > 0:\n        offset = max(0, offset - PAGE)\n        books.update((book[\"id\"], book) for book in page(offset)[0])"
	require.Contains(t, script, loop)
	wrong := strings.Replace(script, loop, "for offset in range(0, offset, PAGE):\n        books.update((book[\"id\"], book) for book in page(offset)[0])", 1)
	missing := shop.copy(python, wrong)
	shop.eventually("the copy has the newest book", func() bool {
		want, got := bookLines(t, shop.catalogue()), missing.read()
		return len(got) > 0 && shop.pages.Load() >= 5 && slices.Contains(got, want[len(want)-1])
	})
	require.NotEmpty(t, difference(bookLines(t, shop.catalogue()), missing.read()), "a book is missing")
	missing.stop(syscall.SIGTERM)

	backup := t.TempDir()
	shop.restart(func(data string) { copyDatabase(t, data, backup) })
	for _, id := range []string{"200", "201", "202"} {
		shop.send(http.MethodDelete, "/api/books/"+id, "")
	}
	copied.equals("changes after the backup")
	shop.restart(func(data string) {
		copyDatabase(t, backup, data)
		database, err := sql.Open("sqlite", filepath.Join(data, "books.db"))
		require.NoError(t, err)
		defer database.Close()
		_, err = database.Exec("UPDATE books SET title = 'Only in the backup' WHERE id = 150")
		require.NoError(t, err)
	})
	shop.send(http.MethodPatch, "/api/books/100", `{"title": "Restored"}`)
	copied.equals("the backup, and a change since")
}

// copiedShop is a shop behind a proxy, through which a copy lists its catalogue. While it
// lists, the catalogue changes.
type copiedShop struct {
	*process
	proxy   string
	target  atomic.Pointer[url.URL]
	environ []string
	dir     string
	pages   atomic.Int64 // listed by the newest copy
}

func newCopiedShop(t *testing.T, brokers, prefix string) *copiedShop {
	t.Helper()
	s := &copiedShop{environ: []string{"EVENT_BOOKS_MQ_BROKERS=" + brokers, "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix}, dir: t.TempDir()}
	s.process = start(t, s.dir, s.environ)
	s.follow()
	s.stocked()
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(s.target.Load()) },
		ModifyResponse: func(r *http.Response) error {
			page, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(page))
			s.change(s.pages.Add(1)) // before the copy gets the page
			return err
		},
	})
	t.Cleanup(proxy.Close)
	s.proxy = proxy.URL
	return s
}

// follow makes the proxy lead to the running shop.
func (s *copiedShop) follow() {
	target, err := url.Parse(s.ready())
	require.NoError(s.t, err)
	s.target.Store(target)
}

// change changes books that were listed and books that were not, after each page.
func (s *copiedShop) change(page int64) {
	if page < 2 || page > 4 { // the first answer tells only the number of books
		return
	}
	books := s.catalogue()
	last := len(books) - 1
	book := func(n int) string { return fmt.Sprintf("/api/books/%d", books[n].ID) }
	s.send(http.MethodDelete, book(0), "")
	s.send(http.MethodDelete, book(last-1), "")
	s.send(http.MethodPatch, book(5), fmt.Sprintf(`{"title": "Early %d"}`, page))
	s.send(http.MethodPatch, book(last-5), fmt.Sprintf(`{"title": "Late %d"}`, page))
	s.send(http.MethodPatch, book(last/2), fmt.Sprintf(`{"title": "Middle %d"}`, page))
	s.send(http.MethodPost, "/api/books", fmt.Sprintf(`{"title": "New %d %s"}`, page, uuid.NewString()))
}

func (s *copiedShop) send(method, path, body string) {
	s.t.Helper()
	send(s.t, s.dir, method, s.target.Load().String()+path, body)
}

// restart does something with the folder of the stopped shop.
func (s *copiedShop) restart(between func(data string)) {
	s.t.Helper()
	require.Zero(s.t, s.stop(syscall.SIGTERM))
	between(filepath.Join(s.dir, "data"))
	s.process = start(s.t, s.dir, s.environ)
	s.follow()
}

func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, dir := range []string{from, to} {
		sidecars, err := filepath.Glob(filepath.Join(dir, "books.db-*"))
		require.NoError(t, err)
		require.Empty(t, sidecars, "the shop has closed its database")
	}
	content, err := os.ReadFile(filepath.Join(from, "books.db"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "books.db"), content, 0o600))
}

func (s *copiedShop) catalogue() (books []*model.Book) {
	for more := true; more; {
		page := get(s.t, fmt.Sprintf("%s/api/books?limit=100&o=%d", s.target.Load(), len(books)))
		require.Equal(s.t, http.StatusOK, page.code)
		list, err := model.DecodeBooks([]byte(page.body))
		require.NoError(s.t, err)
		books = append(books, list...)
		more = len(list) > 0
	}
	return books
}

// catalogueCopy is a running consumer.
type catalogueCopy struct {
	*process
	shop *copiedShop
}

func (s *copiedShop) copy(python, script string) *catalogueCopy {
	s.t.Helper()
	s.pages.Store(0)
	dir := s.t.TempDir()
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, "keep.py"), []byte(script), 0o600))
	return &catalogueCopy{startProgram(s.t, python, dir, nil, "keep.py"), s}
}

// read returns the lines of the copy, one for each book, or nil while there is none.
func (c *catalogueCopy) read() []string {
	content, err := os.ReadFile(filepath.Join(c.Dir, "catalogue.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(c.t, err)
	books, err := model.DecodeBooks(content)
	require.NoError(c.t, err)
	return bookLines(c.t, books)
}

func bookLines(t *testing.T, books []*model.Book) (lines []string) {
	for _, b := range books {
		lines = append(lines, string(mustJSON(t, b)))
	}
	return lines
}

// equals waits until the copy equals the shop's catalogue.
func (c *catalogueCopy) equals(after string) {
	c.t.Helper()
	var want, got []string
	equal := func() bool {
		want, got = bookLines(c.t, c.shop.catalogue()), c.read()
		return slices.Equal(want, got)
	}
	for end := time.Now().Add(time.Minute); !equal(); time.Sleep(50 * time.Millisecond) {
		require.False(c.t, c.Ended(), "%s: the consumer ended", after)
		if time.Now().After(end) {
			missing, wrong := difference(want, got), difference(got, want)
			require.Failf(c.t, "the copy differs", "%s: missing %s, wrong %s", after, missing, wrong)
		}
	}
}

func difference(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return slices.Contains(b, line) })
}
