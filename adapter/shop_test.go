package adapter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/application/recommending"
	"literank.com/event-books/application/trends"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
	"literank.com/event-books/infrastructure/index/highlight"
	"literank.com/event-books/infrastructure/mq"
)

const (
	token      = "correct horse battery staple"
	visitorKey = "a key for the numbers of visitors"
	chrome     = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)

// shop is a server with its own catalogue. The test controls its events, health
// and log.
type shop struct {
	*Server
	t      testing.TB
	db     *database.DB
	events *queue
	clicks *queue // used by a shop that is counting
	health *health
	pongs  *pongs
	log    *logBook
	board  *trends.Board
	orders *orders.List
	copy   index.Engine // the search engine, nil if the database searches
}

type setup struct {
	Options
	index  gateway.BookIndex
	engine index.Engine
	// clicks of a shop that is counting go there; nil = links to books are plain.
	clicks *queue
	// away leaves the database unmigrated, as it is before the shop reaches it.
	away bool
	// minVisitors is 1 if it is 0.
	minVisitors int
}

func newShop(t testing.TB, changes ...func(*setup)) *shop {
	t.Helper()
	s := &shop{t: t, events: &queue{}, health: &health{stats: model.EventStats{Connected: true}, clicks: model.EventStats{Connected: true}}, pongs: &pongs{}, log: &logBook{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.db, err = database.OpenSQLite(filepath.Join(t.TempDir(), "books.db"), log)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.db.Close()) })
	with := setup{Options: Options{Health: s.health, Pings: s.pongs, Log: log, PageSize: 20, AdminToken: token, MaxConnections: 100, VisitorKey: func() []byte { return []byte(visitorKey) }}, index: s.db}
	for _, change := range changes {
		change(&with)
	}
	if !with.away {
		require.NoError(t, s.db.Migrate(t.Context()))
	}
	s.copy, s.clicks = with.engine, with.clicks
	if with.clicks != nil {
		with.Clicks = executor.NewClickOperator(with.clicks, log)
	}
	with.Books = executor.NewBookOperator(s.db, s.events, with.index, highlight.Highlighter{}, log)
	s.board = trends.NewBoard(s.db, s.db, s.db, s.db, highlight.Highlighter{}, trends.Options{Group: "trends", Stream: "test", MinVisitors: max(1, with.minVisitors), Log: log})
	with.Trends, with.Insights, with.Demo = executor.NewTrendOperator(s.board, s.db), insights.NewDesk(s.db, s.db, s.board, s.db), s.db
	with.Sessions = s.db
	s.orders = orders.New(orders.Options{
		Reader: s.db, Board: s.board, Books: s.db, Index: with.index, Key: with.VisitorKey, Log: log,
		CatalogueVersion: func(ctx context.Context) (int64, error) {
			_, version, err := s.db.Generation(ctx)
			return version, err
		},
	})
	with.Orders = s.orders
	recommender := recommending.New(s.db, s.db, recommending.NewContents(s.db, with.index, log))
	with.Recommendations = executor.NewRecommendationOperator(recommender, func() []byte { return []byte("a key for exports") })
	if !with.away {
		require.NoError(t, s.board.Refresh(t.Context()))
	}
	s.Server, err = New(with.Options)
	require.NoError(t, err)
	s.log.take() // the migration's
	return s
}

// withEngine lets the shop search with the embedded search engine.
func withEngine(t testing.TB) func(*setup) {
	return func(with *setup) {
		engine, err := bleve.Open(t.TempDir(), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, engine.Close()) })
		with.engine, with.index = engine, engine
	}
}

// onIndex replaces the index, to inject failures.
func onIndex(search func(ctx context.Context) (*model.SearchResult, error)) func(*setup) {
	return func(with *setup) {
		with.index = searchWith{search: func(ctx context.Context, _ model.Search) (*model.SearchResult, error) { return search(ctx) }}
	}
}

// searchWith is an index that searches with a function.
type searchWith struct {
	gateway.NoCapabilities
	search func(ctx context.Context, s model.Search) (*model.SearchResult, error)
}

func (w searchWith) SearchBooks(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	return w.search(ctx, s)
}

// brokenIndex is an index that answers everything with an error.
func brokenIndex(err error) gateway.BookIndex { return broken{err: err} }

type broken struct {
	gateway.NoCapabilities
	err error
}

func (b broken) SearchBooks(context.Context, model.Search) (*model.SearchResult, error) {
	return nil, b.err
}

func (b broken) Suggest(context.Context, model.Keyword, int) ([]model.Suggestion, error) {
	return nil, b.err
}

func atBase(url string) func(*setup) { return func(with *setup) { with.BaseURL = url } }

// add stores books and sets their ids.
func (s *shop) add(books ...*model.Book) {
	s.t.Helper()
	for _, b := range books {
		require.NoError(s.t, b.Validate())
		id, err := s.db.CreateBook(s.t.Context(), b)
		require.NoError(s.t, err)
		b.ID = id
	}
	if s.copy != nil {
		require.NoError(s.t, s.copy.Apply(books, nil, index.Position{}))
	}
}

// do answers a request; headers alternates names and values.
func (s *shop) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	return answer
}

func (s *shop) get(target string, headers ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodGet, target, "", headers...)
}

// staff is do with the token.
func (s *shop) staff(method, target, body string) *httptest.ResponseRecorder {
	return s.do(method, target, body, "Authorization", "Bearer "+token)
}

// forgive forgets wrong tokens, as if they were minutes apart.
func (s *shop) forgive() { s.logins.recent, s.logins.before = nil, nil }

// serve starts a real server and returns its address.
func (s *shop) serve() string {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	server, bound := s.HTTPServer(listener)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bound) }()
	s.t.Cleanup(func() {
		assert.NoError(s.t, server.Close())
		assert.ErrorIs(s.t, <-ended, http.ErrServerClosed)
	})
	return "http://" + listener.Addr().String()
}

// problemOf reads a problem document and checks the promises that all share.
func problemOf(t *testing.T, status int, answer *httptest.ResponseRecorder) problem {
	t.Helper()
	require.Equal(t, status, answer.Code, answer.Body)
	assert.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	var p problem
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p))
	assert.Equal(t, status, p.Status)
	assert.Equal(t, http.StatusText(status), p.Title)
	assert.Equal(t, answer.Header().Get("X-Request-Id"), p.RequestID)
	assert.True(t, strings.HasPrefix(p.Detail, p.Field), "the detail is a sentence about the field: %s", p.Detail)
	assert.NotRegexp(t, "^(is|are|has|was|must|can't|contains?|names|belongs|and|too) ", p.Detail, "a sentence has a subject")
	return p
}

func titles(t *testing.T, body []byte) []string {
	t.Helper()
	books, err := model.DecodeBooks(body)
	require.NoError(t, err, string(body))
	list := make([]string, len(books))
	for i, b := range books {
		list[i] = b.Title
	}
	return list
}

func numbered(n int, change func(*model.Book)) []*model.Book {
	books := make([]*model.Book, n)
	for i := range books {
		books[i] = &model.Book{Title: fmt.Sprintf("Volume %02d", i+1), Author: "Anna Author"}
		if change != nil {
			change(books[i])
		}
	}
	return books
}

type event struct {
	key     string
	value   string
	headers map[string]string
}

// queue keeps events and returns err.
type queue struct {
	mu     sync.Mutex
	events []event
	err    error
}

func (q *queue) SendEvent(key string, value []byte, headers ...mq.Header) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := event{key, string(value), map[string]string{}}
	for _, h := range headers {
		e.headers[h.Key] = string(h.Value)
	}
	q.events = append(q.events, e)
	return q.err == nil, q.err
}

// take returns the events since its last call.
func (q *queue) take() []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.events
	q.events = nil
	return taken
}

type health struct {
	err     error
	stats   model.EventStats
	clicks  model.EventStats
	noIndex bool
}

func (h *health) Ping(context.Context) error   { return h.err }
func (h *health) EventStats() model.EventStats { return h.stats }
func (h *health) ClickStats() model.EventStats { return h.clicks }
func (h *health) IndexAnswers() bool           { return !h.noIndex }

// pongs answers pings, or returns err.
type pongs struct{ err error }

func (p *pongs) Ping(context.Context) (string, error) { return "Ping Pong ( 1 ) ", p.err }

// logBook keeps records of a JSON log.
type logBook struct {
	testbed.Output
	taken int // bytes
}

// take returns the records since its last call.
func (l *logBook) take() (records []map[string]any) {
	text := l.String()
	decoder := json.NewDecoder(strings.NewReader(text[l.taken:]))
	l.taken = len(text)
	for decoder.More() {
		var record map[string]any
		if err := decoder.Decode(&record); err != nil {
			panic(err)
		}
		records = append(records, record)
	}
	return records
}
