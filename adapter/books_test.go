package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestBookLife(t *testing.T) {
	s := newShop(t)
	created := s.staff("POST", "/api/books", `{"title": " War and Peace ", "author": "Leo Tolstoy", "isbn": "0-306-40615-2", "language": "eng", "stock": 0}`)
	require.Equal(t, http.StatusCreated, created.Code, created.Body)
	assert.Equal(t, "/api/books/1", created.Header().Get("Location"))
	assert.Equal(t, "application/json; charset=utf-8", created.Header().Get("Content-Type"))
	var b model.Book
	require.NoError(t, json.Unmarshal(created.Body.Bytes(), &b))
	assert.Equal(t, "War and Peace", b.Title)
	assert.Equal(t, "9780306406157", b.ISBN)
	assert.Equal(t, "en", b.Language)

	got := s.get("/api/books/1")
	require.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, created.Body.String(), got.Body.String())
	assert.Equal(t, "["+created.Body.String()+"]", s.get("/api/books?q=0306406152").Body.String(), "found at once")

	replaced := s.staff("PUT", "/api/books/1", `{"id": 1, "title": "Peace", "description": "new"}`)
	require.Equal(t, http.StatusOK, replaced.Code, replaced.Body)
	created2, err := json.Marshal(b.CreatedAt)
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf(`{"id":1,"title":"Peace","author":"","published_at":"","description":"new","created_at":%s}`, created2),
		replaced.Body.String(), "omitted fields become empty, created_at stays")
	assert.Equal(t, replaced.Body.String(), s.get("/api/books/1").Body.String())
	assert.Equal(t, "[]", s.get("/api/books?q=war").Body.String(), "no longer found")

	deleted := s.staff("DELETE", "/api/books/1", "")
	assert.Equal(t, http.StatusNoContent, deleted.Code)
	assert.Empty(t, deleted.Body.String())
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		assert.Equal(t, "id", problemOf(t, http.StatusNotFound, s.staff(method, "/api/books/1", `{"title": "x"}`)).Field, method)
	}
}

func TestBookJSONIsTheContract(t *testing.T) {
	s := newShop(t)
	answer := s.staff("POST", "/api/books", `{"cover_url": "https://x.example/c", "buy_url": "http://x.example/b", "availability": "to_order",
		"stock": 3, "currency": "eur", "price": "12.90", "edition": "2nd", "series": "S", "subjects": ["b", "a"], "publisher": "P",
		"language": "en-us", "isbn": "9780306406157", "description": "D <&> ü", "published_at": "2004-05", "author": "A, B", "title": "T"}`)
	require.Equal(t, http.StatusCreated, answer.Code, answer.Body)
	var b model.Book
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &b))
	at := b.CreatedAt.Format("2006-01-02T15:04:05.999Z")
	assert.Equal(t, `{"id":1,"title":"T","author":"A, B","published_at":"2004-05","description":"D \u003c\u0026\u003e ü","created_at":"`+at+`",`+
		`"isbn":"9780306406157","language":"en-US","publisher":"P","subjects":["b","a"],"series":"S","edition":"2nd","price":"12.90",`+
		`"currency":"EUR","stock":3,"availability":"to_order","buy_url":"http://x.example/b","cover_url":"https://x.example/c"}`, answer.Body.String())

	bare := s.staff("POST", "/api/books", `{"title": "T"}`)
	require.NoError(t, json.Unmarshal(bare.Body.Bytes(), &b))
	assert.Equal(t, `{"id":2,"title":"T","author":"","published_at":"","description":"","created_at":"`+b.CreatedAt.Format("2006-01-02T15:04:05.999Z")+`"}`, bare.Body.String())
}

func TestOnlyStaffWrites(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Kept"})
	for _, c := range []struct{ method, target string }{
		{"POST", "/api/books"}, {"PUT", "/api/books/1"}, {"DELETE", "/api/books/1"}, {"DELETE", "/api/books/99"},
	} {
		for _, authorization := range []string{
			"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + token[:len(token)-1], "Bearer " + token + "x", "Bearer correct",
			"Bearer " + strings.ToUpper(token), "Basic " + token, token,
		} {
			s.forgive()
			answer := s.do(c.method, c.target, `{"title": "Changed"}`, "Authorization", authorization)
			p := problemOf(t, http.StatusUnauthorized, answer)
			assert.Equal(t, "Authorization", p.Field)
			assert.Equal(t, `Bearer realm="staff"`, answer.Header().Get("WWW-Authenticate"))
			assert.NotContains(t, answer.Body.String(), "correct horse")
		}
	}
	s.forgive()
	assert.Equal(t, []string{"Kept"}, titles(t, s.get("/api/books").Body.Bytes()))
	assert.Equal(t, http.StatusNoContent, s.do("DELETE", "/api/books/1", "", "Authorization", "bearer "+token).Code, "the scheme ignores case")

	open := newShop(t, func(with *setup) { with.AdminToken = "" })
	for _, authorization := range []string{"", "Bearer", "Bearer "} {
		assert.Equal(t, http.StatusUnauthorized, open.do("POST", "/api/books", `{"title": "x"}`, "Authorization", authorization).Code, "without a token, nobody is staff")
	}
}

func TestBookBodies(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Taken", ISBN: "9780306406157"}, &model.Book{Title: "Old"})
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
	}{
		"empty":                 {"", 400, ""},
		"white space":           {" \n", 400, ""},
		"not JSON":              {"title=x", 400, ""},
		"cut off":               {`{"title": "x"`, 400, ""},
		"single quotes":         {`{'title': 'x'}`, 400, ""},
		"null":                  {"null", 400, ""},
		"array":                 {`[{"title": "x"}]`, 400, ""},
		"text":                  {`"x"`, 400, ""},
		"number":                {"1", 400, ""},
		"two values":            {`{"title": "x"} {}`, 400, ""},
		"trailing garbage":      {`{"title": "x"}x`, 400, ""},
		"title of wrong type":   {`{"title": 1}`, 400, "title"},
		"stock of wrong type":   {`{"title": "x", "stock": "3"}`, 400, "stock"},
		"part of a copy":        {`{"title": "x", "stock": 1.5}`, 400, "stock"},
		"huge stock":            {`{"title": "x", "stock": 1e400}`, 400, "stock"},
		"very huge stock":       {`{"title": "x", "stock": 1e999999999999}`, 400, "stock"},
		"large stock":           {`{"title": "x", "stock": 2147483648}`, 422, "stock"},
		"largest id":            {`{"title": "x", "id": 9223372036854775807}`, 422, "id"},
		"id out of range":       {`{"title": "x", "id": 9223372036854775808}`, 422, "id"},
		"price as a number":     {`{"title": "x", "price": 12.9}`, 400, "price"},
		"subject of wrong type": {`{"title": "x", "subjects": ["a", 1]}`, 400, "subjects/1"},
		"subjects as text":      {`{"title": "x", "subjects": "a"}`, 400, "subjects"},
		"negative id":           {`{"title": "x", "id": -1}`, 400, "id"},
		"huge id":               {`{"title": "x", "id": 99999999999999999999}`, 400, "id"},
		"wrong time":            {`{"title": "x", "created_at": "yesterday"}`, 400, "created_at"},
		"unknown field":         {`{"title": "x", "titel": "y"}`, 400, "titel"},
		"field in other case":   {`{"Title": "x"}`, 400, "Title"},
		"same field twice":      {`{"title": "x", "title": "y"}`, 400, "title"},
		"unpaired surrogate":    {`{"title": "\ud800"}`, 400, ""},
		"surrogates reversed":   {`{"title": "\udc00\ud800"}`, 400, ""},
		"invalid UTF-8":         {"{\"title\": \"\xff\"}", 400, ""},
		"raw NUL":               {"{\"title\": \"\x00\"}", 400, ""},
		"byte order mark":       {"\ufeff{\"title\": \"x\"}", 400, ""},
		"nothing in it":         {`{}`, 422, "title"},
		"missing title":         {`{"author": "x"}`, 422, "title"},
		"title null":            {`{"title": null}`, 422, "title"},
		"blank title":           {`{"title": " \u00a0"}`, 422, "title"},
		"NUL in the title":      {`{"title": "a\u0000b"}`, 422, "title"},
		"long title":            {`{"title": "` + strings.Repeat("ü", 1001) + `"}`, 422, "title"},
		"long description":      {`{"title": "x", "description": "` + strings.Repeat("a", model.MaxDescription+1) + `"}`, 422, "description"},
		"wrong check digit":     {`{"title": "x", "isbn": "9780306406158"}`, 422, "isbn"},
		"ISBN that is none":     {`{"title": "x", "isbn": "unknown"}`, 422, "isbn"},
		"wrong date":            {`{"title": "x", "published_at": "2004-13"}`, 422, "published_at"},
		"negative stock":        {`{"title": "x", "stock": -1}`, 422, "stock"},
		"wrong price":           {`{"title": "x", "price": "12,90"}`, 422, "price"},
		"wrong currency":        {`{"title": "x", "currency": "euro"}`, 422, "currency"},
		"wrong language":        {`{"title": "x", "language": "klingonese!"}`, 422, "language"},
		"wrong availability":    {`{"title": "x", "availability": "soon"}`, 422, "availability"},
		"script as an address":  {`{"title": "x", "buy_url": "javascript:alert(1)"}`, 422, "buy_url"},
		"relative address":      {`{"title": "x", "cover_url": "/c.jpg"}`, 422, "cover_url"},
		"id of another book":    {`{"title": "x", "id": 7}`, 422, "id"},
		"ISBN taken":            {`{"title": "x", "isbn": "0-306-40615-2"}`, 409, "isbn"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, answer := range []struct{ method, target string }{{"POST", "/api/books"}, {"PUT", "/api/books/2"}} {
				p := problemOf(t, c.status, s.staff(answer.method, answer.target, c.body))
				assert.Equal(t, c.field, p.Field, p.Detail)
				assert.NotEmpty(t, p.Detail)
				assert.NotContains(t, p.Detail, "Go ", "the message doesn't come from the JSON library")
			}
		})
	}
	for body, detail := range map[string]string{
		`{"titel": "x"}`:              "titel is not a field of a book",
		`{"": "x"}`:                   "the body has a field without a name",
		`{"": "x", "": "y"}`:          "the body has a field without a name",
		`{"title": 1984}`:             "title must be a string: put the number into quotes",
		`{"published_at": 1880}`:      "published_at must be a string: put the number into quotes",
		`{"price": 6.5}`:              `price must be a string: write a price such as 6.50 as "6.50"`,
		`{"price": true}`:             "price must be a string",
		`{"subjects": ["a", 1]}`:      "subjects/1 must be a string: put the number into quotes",
		`{"title": "x", "stock": ""}`: "stock must be a whole number that isn't too large",
	} {
		for _, target := range []string{"POST /api/books", "PUT /api/books/2", "PATCH /api/books/2"} {
			method, path, _ := strings.Cut(target, " ")
			assert.Equal(t, detail, problemOf(t, 400, s.staff(method, path, body)).Detail, body)
		}
	}
	assert.Equal(t, "isbn 9780306406157 belongs to another book", problemOf(t, 409, s.staff("PATCH", "/api/books/2", `{"isbn": "0306406152"}`)).Detail)
	assert.Equal(t, "stock must be a whole number from 0 to 2147483647", problemOf(t, 422, s.staff("PATCH", "/api/books/2", `{"stock": 2147483648}`)).Detail)
	assert.Equal(t, "Content-Type must be application/merge-patch+json or application/json", problemOf(t, 415, s.do("PATCH", "/api/books/2", `{}`, "Authorization", "Bearer "+token, "Content-Type", "text/plain")).Detail)
	assert.Equal(t, "id 9 belongs to no book", problemOf(t, 404, s.get("/api/books/9")).Detail)
	assert.Equal(t, []string{"Taken", "Old"}, titles(t, s.get("/api/books").Body.Bytes()), "nothing was stored")
	assert.Equal(t, http.StatusOK, s.staff("PUT", "/api/books/1", `{"title": "Taken", "isbn": "9780306406157"}`).Code, "a book may keep its ISBN")
	for _, whole := range []string{"3", "3.0", "30e-1", "0.3e1"} {
		assert.Contains(t, s.staff("PUT", "/api/books/2", `{"title": "Old", "id": 2.0, "stock": `+whole+`}`).Body.String(), `"stock":3}`)
	}
	answer := s.staff("POST", "/api/books", `{"title": "😀 \ud83d\ude00", "subjects": null, "stock": null}`)
	require.Equal(t, http.StatusCreated, answer.Code, answer.Body)
	assert.Contains(t, answer.Body.String(), `"title":"😀 😀"`)
}

func TestBodySize(t *testing.T) {
	s := newShop(t)
	assert.Equal(t, 1<<20, maxBody)
	sized := func(n int) string {
		const head, tail = `{"title": "`, `"}`
		return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
	}
	assert.Equal(t, "title", problemOf(t, http.StatusUnprocessableEntity, s.staff("POST", "/api/books", sized(maxBody))).Field, "1 MiB is read")
	problemOf(t, http.StatusRequestEntityTooLarge, s.staff("POST", "/api/books", sized(maxBody+1)))
	problemOf(t, http.StatusRequestEntityTooLarge, s.staff("POST", "/api/books", `{"title": "x"}`+strings.Repeat(" ", maxBody)))

	address := s.serve()
	for name, body := range map[string]io.Reader{
		"length told":     strings.NewReader(sized(10 << 20)),
		"length not told": io.MultiReader(strings.NewReader(sized(10 << 20))),
	} {
		request, err := http.NewRequest("POST", address+"/api/books", body)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err, name)
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode, name)
		assert.True(t, bytes.Contains(content, []byte(`"status":413`)), string(content))
	}
	assert.Equal(t, "[]", s.get("/api/books").Body.String())
}

func TestIDsOfNoBook(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	for _, id := range []string{"0", "-1", "+1", "2", "9223372036854775807", "9223372036854775808", "18446744073709551617", "99999999999999999999999", "x", "1x", "1.0", "%31%00", "%20", "١", "1%2F2"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			problemOf(t, http.StatusNotFound, s.staff(method, "/api/books/"+id, `{"title": "x"}`))
		}
		page := s.get("/books/" + id)
		assert.Equal(t, http.StatusNotFound, page.Code, id)
		assert.Contains(t, page.Header().Get("Content-Type"), "text/html", id)
	}
	assert.Equal(t, []string{"One"}, titles(t, s.get("/api/books").Body.Bytes()))
}
