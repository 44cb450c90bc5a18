package adapter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func (s *shop) patch(target, body string, headers ...string) *httptest.ResponseRecorder {
	return s.do("PATCH", target, body, append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/merge-patch+json"}, headers...)...)
}

func bookOf(t *testing.T, answer *httptest.ResponseRecorder) (b model.Book) {
	t.Helper()
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &b))
	return b
}

func TestPatch(t *testing.T) {
	s := newShop(t)
	stock := 3
	before := model.Book{
		Title: "Niels Lyhne", Author: "Jens Peter Jacobsen", PublishedAt: "1880", Description: "D", ISBN: "9780306406157", Language: "da",
		Publisher: "P", Subjects: []string{"Fiction", "Denmark"}, Series: "S", Edition: "E", Price: "12.90", Currency: "EUR", Stock: &stock,
		Availability: model.InStock, BuyURL: "https://example.com/b", CoverURL: "https://example.com/c",
	}
	s.add(&before)
	before = bookOf(t, s.get("/api/books/1"))
	empty := model.Book{ID: 1, Title: "Niels Lyhne", CreatedAt: before.CreatedAt}
	none := 0
	for name, c := range map[string]struct {
		body string
		want func(*model.Book)
	}{
		"nothing":              {`{}`, func(*model.Book) {}},
		"one field":            {`{"price": "14.00"}`, func(b *model.Book) { b.Price = "14.00" }},
		"an array is replaced": {`{"subjects": ["Atheism"]}`, func(b *model.Book) { b.Subjects = []string{"Atheism"} }},
		"a longer array":       {`{"subjects": ["1", "2", "3"]}`, func(b *model.Book) { b.Subjects = []string{"1", "2", "3"} }},
		"an empty array":       {`{"subjects": []}`, func(b *model.Book) { b.Subjects = nil }},
		"null":                 {`{"isbn": null, "stock": null, "subjects": null}`, func(b *model.Book) { b.ISBN, b.Stock, b.Subjects = "", nil, nil }},
		"zero":                 {`{"stock": 0}`, func(b *model.Book) { b.Stock = &none }},
		"canonical form":       {`{"isbn": "0-306-40615-2", "language": "dan", "currency": "dkk", "title": " Niels "}`, func(b *model.Book) { b.Title, b.Currency = "Niels", "DKK" }},
		"id and created_at":    {fmt.Sprintf(`{"id": 1, "created_at": %q, "series": "T"}`, before.CreatedAt.Format("2006-01-02T15:04:05.999Z")), func(b *model.Book) { b.Series = "T" }},
		"every field removed": {`{"author": null, "published_at": null, "description": null, "isbn": null, "language": null, "publisher": null, "subjects": null,
			"series": null, "edition": null, "price": null, "currency": null, "stock": null, "availability": null, "buy_url": null, "cover_url": null}`,
			func(b *model.Book) { *b = empty }},
	} {
		t.Run(name, func(t *testing.T) {
			original, err := json.Marshal(before)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, s.staff("PUT", "/api/books/1", string(original)).Code)
			want := before
			c.want(&want)
			answer := s.patch("/api/books/1", c.body)
			assert.Equal(t, want, bookOf(t, answer))
			got := s.get("/api/books/1")
			assert.Equal(t, got.Body.String(), answer.Body.String())
			assert.Equal(t, got.Header().Get("ETag"), answer.Header().Get("ETag"))
		})
	}
}

// Imports set popularity and aliases, which the API neither shows nor erases.
func TestWritesKeepWhatOnlyImportsSet(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Emma", Popularity: 7, AuthorAliases: []string{"A Lady"}})
	for _, answer := range []*httptest.ResponseRecorder{
		s.get("/api/books/1"), s.patch("/api/books/1", `{"price": "14.00", "author": "Jane Austen"}`), s.staff("PUT", "/api/books/1", `{"title": "Emma, again"}`),
	} {
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		assert.NotContains(t, answer.Body.String(), "opularity")
		assert.NotContains(t, answer.Body.String(), "A Lady")
		stored, err := s.db.GetBook(t.Context(), 1)
		require.NoError(t, err)
		assert.EqualValues(t, 7, stored.Popularity)
		assert.Equal(t, []string{"A Lady"}, stored.AuthorAliases)
	}
	for _, field := range []string{"popularity", "Popularity", "author_aliases", "AuthorAliases"} {
		body := fmt.Sprintf(`{"title": "Emma", %q: null}`, field)
		assert.Equal(t, field, problemOf(t, http.StatusBadRequest, s.patch("/api/books/1", body)).Field)
		assert.Equal(t, field, problemOf(t, http.StatusBadRequest, s.staff("PUT", "/api/books/1", body)).Field)
		assert.Equal(t, field, problemOf(t, http.StatusBadRequest, s.staff("POST", "/api/books", body)).Field)
	}
}

func TestRefusedPatches(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Taken", ISBN: "9780306406157"}, &model.Book{Title: "Kept", Price: "1.00"})
	before := s.get("/api/books/2").Body.String()
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"empty":               {"", 400, ""},
		"not JSON":            {"title=x", 400, ""},
		"null":                {"null", 400, ""},
		"text":                {`"x"`, 400, ""},
		"JSON Patch":          {`[{"op": "remove", "path": "/price"}]`, 400, ""},
		"trailing garbage":    {`{"title": "x"}x`, 400, ""},
		"unknown field":       {`{"titel": "x"}`, 400, "titel"},
		"unknown field, null": {`{"colour": null}`, 400, "colour"},
		"field in other case": {`{"Price": "2.00"}`, 400, "Price"},
		"same field twice":    {`{"price": "2.00", "price": null}`, 400, "price"},
		"wrong type":          {`{"price": 2}`, 400, "price"},
		"object as a text":    {`{"title": {"en": "x"}}`, 400, "title"},
		"item of wrong type":  {`{"subjects": [null]}`, 422, "subjects"},
		"other id":            {`{"id": 1}`, 422, "id"},
		"id null":             {`{"id": null}`, 422, "id"},
		"other created_at":    {`{"created_at": "2020-01-01T00:00:00Z"}`, 422, "created_at"},
		"created_at null":     {`{"created_at": null}`, 422, "created_at"},
		"title null":          {`{"title": null}`, 422, "title"},
		"wrong ISBN":          {`{"isbn": "9780306406158"}`, 422, "isbn"},
		"the second is wrong": {`{"author": "A", "price": "cheap"}`, 422, "price"},
		"ISBN taken":          {`{"isbn": "9780306406157"}`, 409, "isbn"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(t, c.status, s.patch("/api/books/2", c.body))
			assert.Equal(t, c.field, p.Field, p.Detail)
			assert.NotEmpty(t, p.Detail)
			assert.Equal(t, before, s.get("/api/books/2").Body.String())
		})
	}
	problemOf(t, http.StatusNotFound, s.patch("/api/books/99", `{"title": "x"}`))
	problemOf(t, http.StatusBadRequest, s.patch("/api/books/99", `{"titel": "x"}`))
	problemOf(t, http.StatusUnauthorized, s.patch("/api/books/2", `{"title": "x"}`, "Authorization", ""))
	for _, kind := range []string{"application/json-patch+json", "text/plain", "application/x-www-form-urlencoded", "merge-patch", "/"} {
		answer := s.patch("/api/books/2", `{"title": "x"}`, "Content-Type", kind)
		assert.Equal(t, "Content-Type", problemOf(t, http.StatusUnsupportedMediaType, answer).Field, kind)
		assert.Equal(t, "application/merge-patch+json", answer.Header().Get("Accept-Patch"))
	}
	assert.Equal(t, before, s.get("/api/books/2").Body.String())
	for _, kind := range []string{"application/json", "Application/Merge-Patch+JSON; charset=utf-8", ""} {
		bookOf(t, s.patch("/api/books/2", `{"price": "1.00"}`, "Content-Type", kind))
	}
}

// The description says that null counts as omitted in a new book.
func TestNullIsNothing(t *testing.T) {
	s := newShop(t)
	var all []string
	for _, field := range fields(model.Book{}) {
		all = append(all, fmt.Sprintf("%q: null", field))
	}
	null := "{" + all[0]
	for _, field := range all[1:] {
		null += "," + field
	}
	assert.Equal(t, "title", problemOf(t, http.StatusUnprocessableEntity, s.staff("POST", "/api/books", null+"}")).Field)
	for _, c := range []struct{ method, target string }{{"POST", "/api/books"}, {"PUT", "/api/books/1"}} {
		answer := s.staff(c.method, c.target, `{"title": "T", "id": null, "created_at": null, "author": null, "subjects": null, "stock": null, "availability": null}`)
		require.Less(t, answer.Code, 300, answer.Body)
		var b model.Book
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &b))
		assert.Equal(t, model.Book{ID: 1, Title: "T", CreatedAt: b.CreatedAt}, b)
	}
}

func TestEntityTags(t *testing.T) {
	s := newShop(t)
	created := s.staff("POST", "/api/books", `{"title": "T"}`)
	require.Equal(t, http.StatusCreated, created.Code)
	tag := created.Header().Get("ETag")
	assert.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
	assert.Equal(t, tag, s.get("/api/books/1").Header().Get("ETag"))
	for _, list := range []string{tag, "W/" + tag, "*", ` "x" , ` + tag, `"a,b", W/"c",` + tag + `,"d"`} {
		for _, method := range []string{"GET", "HEAD"} {
			answer := s.do(method, "/api/books/1", "", "If-None-Match", list)
			assert.Equal(t, http.StatusNotModified, answer.Code, list)
			assert.Empty(t, answer.Body.String())
			assert.Equal(t, tag, answer.Header().Get("ETag"))
			assert.Equal(t, "private, no-cache", answer.Header().Get("Cache-Control"))
			assert.Empty(t, answer.Header().Get("Content-Type"))
		}
	}
	for _, list := range []string{`"x"`, "", `W/"x"`, tag[1:33], tag[:33], "w/" + tag, `"x" ` + tag, `"*"`, tag[:33] + `-gzip"`} {
		assert.Equal(t, http.StatusOK, s.get("/api/books/1", "If-None-Match", list).Code, list)
	}
	assert.Equal(t, http.StatusNotFound, s.get("/api/books/99", "If-None-Match", "*").Code)

	replaced := s.staff("PUT", "/api/books/1", `{"title": "U"}`)
	changed := replaced.Header().Get("ETag")
	assert.NotEqual(t, tag, changed)
	assert.Equal(t, http.StatusOK, s.get("/api/books/1", "If-None-Match", tag).Code)
	assert.Equal(t, tag, s.staff("PUT", "/api/books/1", `{"title": "T"}`).Header().Get("ETag"), "the same book has the same tag")

	assert.Empty(t, s.get("/api/books?q=t").Header().Get("ETag"))
	assert.Empty(t, s.get("/?q=t").Header().Get("ETag"))
	assert.Equal(t, http.StatusOK, s.get("/api/books", "If-None-Match", "*").Code)
}

func TestConditionalWrites(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "T"})
	tag := func() string { return s.get("/api/books/1").Header().Get("ETag") }
	write := func(method, header, value string) *httptest.ResponseRecorder {
		target, body := "/api/books/1", `{"title": "T", "series": "`+method+`"}`
		return s.do(method, target, body, "Authorization", "Bearer "+token, header, value)
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		for _, list := range []string{`"x"`, "W/" + tag(), "", `"*"`, `"x", W/` + tag(), tag()[1:33]} {
			before := s.get("/api/books/1").Body.String()
			assert.Equal(t, "If-Match", problemOf(t, http.StatusPreconditionFailed, write(method, "If-Match", list)).Field, "%s %s", method, list)
			assert.Equal(t, before, s.get("/api/books/1").Body.String(), "nothing has changed")
		}
		for _, list := range []string{"*", tag(), "W/" + tag()} {
			assert.Equal(t, "If-None-Match", problemOf(t, http.StatusPreconditionFailed, write(method, "If-None-Match", list)).Field)
		}
		problemOf(t, http.StatusNotFound, s.do(method, "/api/books/99", `{"title": "x"}`, "Authorization", "Bearer "+token, "If-Match", "*"))
		problemOf(t, http.StatusUnauthorized, s.do(method, "/api/books/1", `{"title": "x"}`, "If-Match", `"x"`))
		if method == "DELETE" {
			continue
		}
		stale := tag()
		for _, list := range []func() string{tag, func() string { return "*" }, func() string { return `"x" , ` + tag() }} {
			assert.Equal(t, http.StatusOK, write(method, "If-Match", list()).Code, method)
		}
		problemOf(t, http.StatusPreconditionFailed, write(method, "If-Match", stale))
		assert.Equal(t, http.StatusOK, write(method, "If-None-Match", `"x"`).Code)
	}
	assert.Equal(t, http.StatusNoContent, write("DELETE", "If-Match", tag()).Code)
}

// Of concurrent conditional writes one succeeds, and patches of different fields all do.
func TestWritesAtOnce(t *testing.T) {
	const writers = 8
	s := newShop(t)
	s.add(&model.Book{Title: "T"})
	atOnce := func(write func(i int) *httptest.ResponseRecorder) (statuses map[int]int) {
		var wg sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, writers)
		for i := range writers {
			wg.Go(func() { answers[i] = write(i) })
		}
		wg.Wait()
		statuses = map[int]int{}
		for _, answer := range answers {
			statuses[answer.Code]++
		}
		return statuses
	}
	tag := s.get("/api/books/1").Header().Get("ETag")
	assert.Equal(t, map[int]int{200: 1, 412: writers - 1}, atOnce(func(i int) *httptest.ResponseRecorder {
		return s.patch("/api/books/1", fmt.Sprintf(`{"edition": "%d"}`, i), "If-Match", tag)
	}))
	texts := []string{"author", "description", "publisher", "series", "edition", "title", "buy_url", "cover_url"}
	assert.Equal(t, map[int]int{200: writers}, atOnce(func(i int) *httptest.ResponseRecorder {
		return s.patch("/api/books/1", fmt.Sprintf(`{"%s": "https://example.com"}`, texts[i]))
	}))
	var book map[string]any
	require.NoError(t, json.Unmarshal(s.get("/api/books/1").Body.Bytes(), &book))
	for _, field := range texts {
		assert.Equal(t, "https://example.com", book[field], field)
	}
}
