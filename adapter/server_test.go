package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	s.engine.GET("/api/panics", func(*gin.Context) { panic("boom") })
	for target, status := range map[string]int{
		"/": 200, "/?q=one": 200, "/?o=x": 400, "/books/1": 200, "/books/9": 404, "/api/books": 200, "/api/books?o=x": 400, "/api/books/1": 200,
		"/api/openapi.yaml": 200, "/robots.txt": 200, "/static/shop.css": 200, "/livez": 200, "/readyz": 200, "/nowhere": 404, "/api/panics": 500,
	} {
		answer := s.get(target)
		assert.Equal(t, status, answer.Code, target)
		h := answer.Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "strict-origin-when-cross-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=()",
		} {
			assert.Equal(t, []string{want}, h.Values(name), "%s of %s", name, target)
		}
		assert.NotEmpty(t, h.Get("X-Request-Id"), target)
		assert.NotEmpty(t, h.Get("Content-Type"), target)
		assert.Empty(t, h.Get("Server"), target)
		assert.Empty(t, h.Get("Set-Cookie"), target)
	}
}

func TestSearchesAreNotCached(t *testing.T) {
	s := newShop(t)
	for _, target := range []string{"/", "/?q=x", "/?o=20", "/api/books", "/api/books?q=x"} {
		for _, method := range []string{"GET", "HEAD"} {
			h := s.do(method, target, "").Header()
			assert.Equal(t, []string{"private, no-store"}, h.Values("Cache-Control"), target)
			assert.Empty(t, h.Get("ETag"), target)
			assert.Empty(t, h.Get("Last-Modified"), target)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := newShop(t)
	first, second := s.get("/livez", "X-Request-Id", "mine"), s.get("/livez")
	assert.NotEqual(t, first.Header().Get("X-Request-Id"), second.Header().Get("X-Request-Id"))
	assert.NotEqual(t, "mine", first.Header().Get("X-Request-Id"), "clients can't choose the id in the log")
}

func TestAccessLog(t *testing.T) {
	for name, c := range map[string]struct {
		trusted []string
		network string
	}{
		"no proxy":      {nil, "192.0.2.0/24"},
		"other proxy":   {[]string{"10.0.0.0/8"}, "192.0.2.0/24"},
		"trusted proxy": {[]string{"192.0.2.0/24"}, "203.0.113.0/24"},
		"trusted host":  {[]string{"192.0.2.1"}, "203.0.113.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, func(with *setup) { with.TrustedProxies = c.trusted })
			// httptest's requests come from 192.0.2.1.
			answer := s.get("/api/books?q=secret", "X-Forwarded-For", "203.0.113.9", "X-Real-IP", "198.51.100.7", "Authorization", "Bearer "+token)
			var found []map[string]any
			for _, record := range s.log.take() {
				assert.NotContains(t, fmt.Sprint(record), "secret", "the log has no keywords")
				assert.NotContains(t, fmt.Sprint(record), token)
				if record["msg"] == "request" {
					found = append(found, record)
				}
			}
			require.Len(t, found, 1)
			assert.Equal(t, c.network, found[0]["network"])
			assert.Equal(t, "INFO", found[0]["level"])
			assert.Equal(t, "GET", found[0]["method"])
			assert.Equal(t, "/api/books", found[0]["path"])
			assert.EqualValues(t, 200, found[0]["status"])
			assert.Equal(t, answer.Header().Get("X-Request-Id"), found[0]["request_id"])
			s.get("/livez")
			assert.Equal(t, "DEBUG", s.log.take()[0]["level"], "probes don't fill the log")
		})
	}
	_, err := New(Options{TrustedProxies: []string{"nonsense"}})
	assert.ErrorContains(t, err, "trusted proxies")
}

func TestErrorsInTheFormTheirReaderReads(t *testing.T) {
	s := newShop(t)
	const asBrowser, asProgram = "text/html,application/xhtml+xml,*/*;q=0.8", "*/*"
	for _, c := range []struct {
		method, target, accept string
		status                 int
		page                   bool
	}{
		{"GET", "/nowhere", asBrowser, 404, true},
		{"GET", "/nowhere", asProgram, 404, false},
		{"GET", "/api/nowhere", asBrowser, 404, false},
		{"GET", "/api/books/9", asBrowser, 404, false},
		{"GET", "/books/9", asProgram, 404, true},
		{"GET", "/books/", asBrowser, 404, true},
		{"GET", "/books/1/", asBrowser, 404, true},
		{"GET", "/api/books/", asProgram, 404, false},
		{"GET", "/api/", asProgram, 404, false},
		{"GET", "/?o=x", asProgram, 400, true},
		{"POST", "/nowhere", asBrowser, 404, false},
		{"GET", "/static/nothing.css", asBrowser, 404, true},
	} {
		answer := s.do(c.method, c.target, "", "Accept", c.accept)
		if !c.page {
			problemOf(t, c.status, answer)
			continue
		}
		assert.Equal(t, c.status, answer.Code, c.target)
		assert.Equal(t, "text/html; charset=utf-8", answer.Header().Get("Content-Type"), c.target)
		assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"), c.target)
		checkPage(t, answer.Body.String())
		assert.Contains(t, answer.Body.String(), answer.Header().Get("X-Request-Id"), "so that shoppers can quote it")
	}
}

func TestMethodsNotAllowed(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		method, target string
		allowed        []string
	}{
		{"POST", "/", []string{"GET", "HEAD"}},
		{"DELETE", "/books/1", []string{"GET", "HEAD"}},
		{"PUT", "/api/books", []string{"GET", "HEAD", "POST"}},
		{"POST", "/api/books/1", []string{"DELETE", "GET", "HEAD", "PATCH", "PUT"}},
		{"OPTIONS", "/api/books", []string{"GET", "HEAD", "POST"}},
		{"POST", "/livez", []string{"GET", "HEAD"}},
		{"TRACE", "/", []string{"GET", "HEAD"}},
	} {
		answer := s.do(c.method, c.target, "")
		p := problemOf(t, http.StatusMethodNotAllowed, answer)
		assert.Contains(t, p.Detail, c.method)
		allowed := strings.Split(answer.Header().Get("Allow"), ", ")
		slices.Sort(allowed)
		assert.Equal(t, c.allowed, allowed, c.target)
	}
}

func TestPanicIsAnsweredAndLoggedOnce(t *testing.T) {
	s := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) { panic("boom at 10.1.2.3") }))
	for _, target := range []string{"/?q=x", "/api/books?q=x"} {
		answer := s.get(target)
		assert.Equal(t, http.StatusInternalServerError, answer.Code)
		for _, secret := range []string{"boom", "goroutine", ".go", "10.1.2.3"} {
			assert.NotContains(t, answer.Body.String(), secret)
		}
		if target == "/?q=x" {
			checkPage(t, answer.Body.String())
		} else {
			problemOf(t, http.StatusInternalServerError, answer)
		}
		var errs []map[string]any
		for _, record := range s.log.take() {
			if record["level"] != "INFO" {
				errs = append(errs, record)
			} else {
				assert.EqualValues(t, 500, record["status"])
			}
		}
		require.Len(t, errs, 1)
		assert.Equal(t, "ERROR", errs[0]["level"])
		assert.Equal(t, answer.Header().Get("X-Request-Id"), errs[0]["request_id"])
		assert.Contains(t, errs[0]["error"], "boom")
		assert.Contains(t, errs[0]["error"], "book_operator.go", "with the stack")
	}
	assert.Empty(t, s.events.take())
}

func TestPanicInAnAnswerUnderWay(t *testing.T) {
	s := newShop(t)
	s.engine.GET("/late", func(c *gin.Context) { c.String(200, "begun"); panic("boom") })
	s.engine.GET("/aborted", func(*gin.Context) { panic(http.ErrAbortHandler) })
	answer := s.get("/late")
	assert.Equal(t, "begun", answer.Body.String())
	assert.Equal(t, "ERROR", s.log.take()[0]["level"])
	assert.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { s.get("/aborted") }, "the panic that net/http defines passes")
}

func TestClientThatWentAwayIsNoError(t *testing.T) {
	ctx, goAway := context.WithCancel(t.Context())
	s := newShop(t, onIndex(func(ctx context.Context) (*model.SearchResult, error) {
		goAway()
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	request, err := http.NewRequestWithContext(ctx, "GET", s.serve()+"/api/books?q=x", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err == nil {
		assert.NoError(t, answer.Body.Close())
	}
	assert.ErrorIs(t, err, context.Canceled)
	var records []map[string]any
	require.Eventually(t, func() bool {
		records = append(records, s.log.take()...)
		return len(records) > 0 && records[len(records)-1]["msg"] == "request"
	}, 30*time.Second, time.Millisecond)
	for _, record := range records {
		assert.NotEqual(t, "ERROR", record["level"], record)
	}
	assert.Empty(t, s.events.take())
}

func TestOtherSitesCannotWrite(t *testing.T) {
	s := newShop(t)
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"a program":         {"X-Nothing", "", 201},
		"own site":          {"Sec-Fetch-Site", "same-origin", 201},
		"own origin":        {"Origin", "http://example.com", 201}, // httptest's host
		"other site":        {"Sec-Fetch-Site", "cross-site", 403},
		"neighbouring site": {"Sec-Fetch-Site", "same-site", 403},
		"other origin":      {"Origin", "https://evil.example", 403},
	} {
		answer := s.do("POST", "/api/books", `{"title": "x"}`, "Authorization", "Bearer "+token, c.header, c.value)
		assert.Equal(t, c.status, answer.Code, name)
		if c.status == http.StatusForbidden {
			assert.Contains(t, problemOf(t, http.StatusForbidden, answer).Detail, "other sites")
		}
	}
	assert.Equal(t, http.StatusOK, s.get("/?q=x", "Sec-Fetch-Site", "cross-site").Code, "links to the shop work")
}

func TestHealth(t *testing.T) {
	s := newShop(t)
	check := func(status int, public, staff string) {
		t.Helper()
		for _, c := range []struct{ authorization, want string }{{"", public}, {"Bearer wrong", public}, {"Bearer " + token, staff}} {
			s.forgive()
			answer := s.get("/readyz", "Authorization", c.authorization)
			assert.Equal(t, status, answer.Code)
			if c.authorization == "Bearer wrong" {
				c.want = strings.Replace(c.want, "}", `, "hint": "this is not the shop's admin token, sent as a bearer token: only that shows the counts"}`, 1)
			}
			assert.JSONEq(t, c.want, answer.Body.String())
			assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
			assert.Equal(t, status == 503, answer.Header().Get("Retry-After") != "")
		}
		live := s.get("/livez")
		assert.Equal(t, http.StatusOK, live.Code)
		assert.JSONEq(t, `{"status": "ok"}`, live.Body.String())
	}
	staff := func(status, database string) string {
		events, err := json.Marshal(s.health.stats)
		require.NoError(t, err)
		clicks, err := json.Marshal(s.health.clicks)
		require.NoError(t, err)
		index := "ok"
		if s.health.noIndex {
			index = "unavailable"
		}
		return fmt.Sprintf(`{"status": %q, "database": %q, "index": %q, "events": %s, "clicks": %s}`, status, database, index, events, clicks)
	}
	s.health.stats = model.EventStats{Connected: true, Accepted: 7, Delivered: 5, Waiting: 2, Unconfirmed: 1, Lost: 2}
	check(200, `{"status": "ok"}`, staff("ok", "ok"))
	s.health.noIndex = true
	check(200, `{"status": "degraded"}`, staff("degraded", "ok"))
	s.health.noIndex, s.health.stats.Filling = false, true
	check(200, `{"status": "degraded"}`, staff("degraded", "ok"))
	s.health.stats.Filling, s.health.clicks = false, model.EventStats{Accepted: 3}
	check(200, `{"status": "degraded"}`, staff("degraded", "ok"))
	s.health.clicks = model.EventStats{Connected: true, Filling: true}
	check(200, `{"status": "degraded"}`, staff("degraded", "ok"))
	s.health.clicks.Filling = false
	check(200, `{"status": "ok"}`, staff("ok", "ok"))
	s.health.stats = model.EventStats{}
	check(200, `{"status": "degraded"}`, staff("degraded", "ok"))
	s.health.err = errors.New("dial tcp 10.1.2.3")
	check(503, `{"status": "unavailable"}`, staff("unavailable", "unavailable"))
	s.health.err, s.health.stats = nil, model.EventStats{Connected: true}
	s.Stopping()
	check(503, `{"status": "unavailable"}`, staff("unavailable", "ok"))
}

func TestStaticFiles(t *testing.T) {
	s := newShop(t)
	css := attr(find(t, s.get("/").Body.String(), "link")[0], "href")
	require.Regexp(t, `^/static/shop\.css\?v=[0-9a-f]{12}$`, css)
	for target, c := range map[string]struct {
		status      int
		cache, mime string
	}{
		css:                                   {200, "public, max-age=31536000, immutable", "text/css; charset=utf-8"},
		"/static/shop.css":                    {200, "no-cache", "text/css; charset=utf-8"},
		"/static/shop.css?v=old":              {200, "no-cache", "text/css; charset=utf-8"},
		"/static/icon.svg":                    {200, "no-cache", "image/svg+xml"},
		"/static/":                            {404, "no-store", ""},
		"/static":                             {404, "no-store", ""},
		"/static/nothing":                     {404, "no-store", ""},
		"/static/../server.go":                {404, "no-store", ""},
		"/static/..%2fserver.go":              {404, "no-store", ""},
		"/static/..%2Ftemplates%2Findex.html": {404, "no-store", ""},
		"/static/%2e%2e/%2e%2e/go.mod":        {404, "no-store", ""},
		"/static//etc/passwd":                 {404, "no-store", ""},
		"/static/static/shop.css":             {404, "no-store", ""},
		"/static/shop.css%00":                 {404, "no-store", ""},
	} {
		answer := s.get(target)
		assert.Equal(t, c.status, answer.Code, target)
		assert.Equal(t, c.cache, answer.Header().Get("Cache-Control"), target)
		if c.status == 200 {
			assert.Equal(t, c.mime, answer.Header().Get("Content-Type"), target)
			assert.NotEmpty(t, answer.Body.Bytes(), target)
		}
	}
}

// If the base URL has a path, links contain it, and the shop answers whether a
// proxy strips the path or keeps it.
func TestBaseURL(t *testing.T) {
	const base = "https://shop.example/my%20books"
	s := newShop(t, atBase(base+"/"), func(with *setup) { with.PageSize = 1 })
	for range 2 {
		created := s.staff("POST", "/my%20books/api/books", `{"title": "Volume", "author": "Anna", "language": "en", "subjects": ["S"]}`)
		require.Equal(t, http.StatusCreated, created.Code, created.Body)
		assert.Regexp(t, `^https://shop\.example/my%20books/api/books/\d$`, created.Header().Get("Location"))
		assert.Equal(t, http.StatusOK, s.get(strings.TrimPrefix(created.Header().Get("Location"), "https://shop.example")).Code)
	}
	for _, target := range []string{"/", "/?q=volume&author=Anna", "/?q=nothing+there", "/?q=volume&o=100", "/books/1", "/nowhere", "/?o=x"} {
		stripped := s.get(target, "Accept", "text/html")
		left := s.get("/my%20books"+target, "Accept", "text/html")
		assert.Equal(t, stripped.Code, left.Code, target)
		checkPage(t, left.Body.String())
		withoutID := func(page, id string) string { return strings.ReplaceAll(page, id, "") }
		assert.Equal(t, withoutID(stripped.Body.String(), stripped.Header().Get("X-Request-Id")),
			withoutID(left.Body.String(), left.Header().Get("X-Request-Id")), target)
		for _, c := range []struct{ element, attribute string }{{"a", "href"}, {"link", "href"}, {"form", "action"}} {
			for _, n := range find(t, left.Body.String(), c.element) {
				if address := attr(n, c.attribute); address != "#content" {
					rest, ok := strings.CutPrefix(address, base)
					assert.True(t, ok, address)
					if stripped.Code == http.StatusOK && attr(n, "method") != "post" {
						assert.Equal(t, http.StatusOK, s.get(rest).Code, address)
					}
				}
			}
		}
	}
	assert.Equal(t, `<`+base+`/api/books?o=1&q=volume>; rel="next"`, s.get("/api/books?q=volume").Header().Get("Link"))
	assert.Equal(t, http.StatusOK, s.get("/my%20books").Code)
	assert.Equal(t, http.StatusNotFound, s.get("/my%20booksellers").Code)
	assert.Equal(t, http.StatusNotFound, s.get("/books/1/").Code, "no redirect out of the path")
	problemOf(t, http.StatusNotFound, s.get("/my%20books/api/nowhere", "Accept", "text/html"))

	for _, path := range []string{"/books", "/static", "/static/books"} {
		s := newShop(t, atBase("https://shop.example"+path))
		s.add(&model.Book{Title: "Volume", ISBN: "9780306406157"})
		for _, target := range []string{"/", "/books/1", "/api/books", "/api/books/1", "/api/openapi.yaml", "/livez", "/readyz", "/robots.txt", "/static/shop.css", "/nowhere"} {
			stripped, left := s.get(target), s.get(path+target)
			assert.Equal(t, stripped.Code, left.Code, path+target)
			if stripped.Code == http.StatusOK {
				assert.Equal(t, stripped.Header().Get("Content-Type"), left.Header().Get("Content-Type"), path+target)
			}
			assert.Equal(t, target != "/nowhere", stripped.Code == http.StatusOK, "%s behind a proxy that strips %s", target, path)
		}
	}

	_, err := New(Options{BaseURL: "http://%zz"})
	assert.ErrorContains(t, err, "base URL")
}

func TestTemplatesPattern(t *testing.T) {
	load := func(pattern string) (*Server, error) {
		return New(Options{TemplatesPattern: pattern})
	}
	_, err := load("templates/*.html")
	require.NoError(t, err, "the shipped ones, from disk")

	folder := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	pattern := filepath.Join(folder, "*.html")
	for _, none := range []string{pattern, filepath.Join(folder, "none", "*"), "[", folder + "/index.htm"} {
		_, err = load(none)
		require.ErrorContains(t, err, "app.templates_pattern")
		assert.ErrorContains(t, err, fmt.Sprintf("%q", none))
	}
	write("index.html", "mine: {{.Title}}")
	write("book.html", "mine")
	_, err = load(pattern)
	assert.ErrorContains(t, err, "app.templates_pattern")
	assert.ErrorContains(t, err, "error.html")
	write("error.html", "{{if}}")
	_, err = load(pattern)
	assert.ErrorContains(t, err, "app.templates_pattern")
	write("error.html", `{{template "nothing" .}}`)
	_, err = load(pattern)
	assert.ErrorContains(t, err, "nothing", "the error appears at the start, not to the first shopper")
	write("error.html", `{{.Nonsense}}`)
	_, err = load(pattern)
	assert.ErrorContains(t, err, "Nonsense")
	write("error.html", "mine: {{.Title}}")
	s := newShop(t, func(with *setup) { with.TemplatesPattern = pattern })
	assert.Equal(t, "mine: All books", s.get("/").Body.String())
	assert.Equal(t, "mine: Not found", s.get("/books/1").Body.String())
}

// If a template fails half way, the shopper doesn't see half a page.
func TestTemplateThatFails(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"book.html", "error.html"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.html"), []byte(`half {{if .Books}}{{index .Books 1000}}{{end}}`), 0o600))
	s := newShop(t, func(with *setup) { with.TemplatesPattern = filepath.Join(folder, "*.html") })
	s.add(&model.Book{Title: "One"})
	answer := s.get("/")
	assert.Equal(t, http.StatusInternalServerError, answer.Code)
	assert.Equal(t, "Something went wrong on our side.\n", answer.Body.String())
	assert.Equal(t, "ERROR", s.log.take()[0]["level"])
}

func TestServerHasTimeouts(t *testing.T) {
	server, _ := newShop(t).HTTPServer(nil)
	assert.Positive(t, server.ReadHeaderTimeout)
	assert.Positive(t, server.ReadTimeout)
	assert.Greater(t, server.WriteTimeout, requestTimeout, "a slow answer is still written")
	assert.Positive(t, server.IdleTimeout)
	s := newShop(t, onIndex(func(ctx context.Context) (*model.SearchResult, error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("no deadline")
		}
		return &model.SearchResult{}, nil
	}))
	assert.Equal(t, http.StatusOK, s.get("/api/books").Code)
	assert.Equal(t, "[]", s.get("/api/books").Body.String())
}
