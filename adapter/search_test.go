package adapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

func TestKeywords(t *testing.T) {
	s := newShop(t)
	s.add(
		&model.Book{Title: "Plain"},
		&model.Book{Title: `Odd %`}, &model.Book{Title: `Odd _`}, &model.Book{Title: `Odd !`},
		&model.Book{Title: `Odd '`}, &model.Book{Title: `Odd "`}, &model.Book{Title: `Odd \`},
		&model.Book{Title: "Odd ???"}, &model.Book{Title: "Odd 🍕"}, &model.Book{Title: "Odd Café"},
		&model.Book{Title: "Odd שלום"}, &model.Book{Title: "Odd <script>"},
	)
	const refused, none = "400", "no event"
	for name, c := range map[string]struct {
		raw string // as in the address
		// key is the key of the event, none or refused.
		key   string
		found string
	}{
		"1,000 characters":             {strings.Repeat("a", 1000), strings.Repeat("a", 1000), ""},
		"1,000 emoji":                  {strings.Repeat("%F0%9F%8D%95", 1000), strings.Repeat("🍕", 1000), ""},
		"1,000 and white space around": {"+" + strings.Repeat("a", 1000) + "%E3%80%80", strings.Repeat("a", 1000), ""},
		"1,000 once composed":          {strings.Repeat("e%CC%81", 1000), strings.Repeat("é", 1000), ""},
		"1,001 characters":             {strings.Repeat("a", 1001), refused, ""},
		"1,001 emoji":                  {strings.Repeat("%F0%9F%8D%95", 1001), refused, ""},
		"10,000 characters":            {strings.Repeat("a", 10000), refused, ""},
		"nothing":                      {"", none, ""},
		"only spaces":                  {"++%20%09%0A%C2%A0%E2%80%83%E3%80%80", none, ""},
		"only punctuation":             {"???", "???", "Odd ???"},
		"punctuation not found":        {"%3F%21.%2C", "?!.,", ""},
		"per cent":                     {"%25", "%", "Odd %"},
		"underscore":                   {"_", "_", "Odd _"},
		"exclamation mark":             {"!", "!", "Odd !"},
		"apostrophe":                   {"'", "'", "Odd '"},
		"quotation mark":               {"%22", `"`, `Odd "`},
		"backslash":                    {"%5C", `\`, `Odd \`},
		"injection":                    {"%27+OR+1%3D1--", "' OR 1=1--", ""},
		"NUL":                          {"a%00b", refused, ""},
		"invalid UTF-8":                {"%ff", refused, ""},
		"encoded surrogate":            {"%ED%A0%80", refused, ""},
		"malformed encoding":           {"%zz", refused, ""},
		"cut encoding":                 {"a%2", refused, ""},
		"semicolon":                    {"a;b", refused, ""},
		"right-to-left marks":          {"%E2%80%8F%D7%A9%D7%9C%D7%95%D7%9D%E2%80%8E", "\u200fשלום\u200e", "Odd שלום"},
		"only a direction mark":        {"%E2%80%8F", "\u200f", ""},
		"emoji":                        {"%F0%9F%8D%95", "🍕", "Odd 🍕"},
		"decomposed":                   {"+CAFE%CC%81+", "CAFÉ", "Odd Café"},
		"script":                       {"%3Cscript%3E", "<script>", "Odd <script>"},
	} {
		t.Run(name, func(t *testing.T) {
			for surface, path := range map[model.Surface]string{model.PageSurface: "/", model.APISurface: "/api/books"} {
				answer := s.get(path + "?q=" + c.raw)
				events := s.events.take()
				if c.key == refused {
					assert.Equal(t, http.StatusBadRequest, answer.Code)
					assert.Empty(t, events)
					if surface == model.APISurface && c.raw != "%zz" && c.raw != "a%2" && c.raw != "a;b" {
						assert.Equal(t, "q", problemOf(t, http.StatusBadRequest, answer).Field)
					}
					continue
				}
				require.Equal(t, http.StatusOK, answer.Code, answer.Body)
				if surface == model.PageSurface {
					checkPage(t, answer.Body.String())
				}
				if c.key == none {
					assert.Empty(t, events)
					assert.Empty(t, answer.Header().Get("X-Search-Id"))
					continue
				}
				require.Len(t, events, 1)
				assert.Equal(t, c.key, events[0].key)
				var want []string
				if c.found != "" {
					want = append(want, c.found)
				}
				assert.ElementsMatch(t, want, titles(t, []byte(events[0].value)))
			}
		})
	}
}

// The error says that a keyword is too long, even if its address is very long.
func TestLongKeywordOverTheWire(t *testing.T) {
	s := newShop(t)
	address := s.serve()
	for path, detail := range map[string]string{"/": "longer than 1,000 characters", "/api/books": "longer than 1000 characters"} {
		answer, err := http.Get(address + path + "?q=" + url.QueryEscape(strings.Repeat("🍕", 10000)))
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusBadRequest, answer.StatusCode)
		assert.Contains(t, string(body), detail)
	}
	assert.Empty(t, s.events.take())
}

func TestWordsBeyondTheSixteenth(t *testing.T) {
	s := newShop(t)
	sixteen := "a b c d e f g h i j k l m n o p"
	s.add(&model.Book{Title: sixteen})
	for ignored, note := range []string{"", "1 more was left out", "2 more were left out"} {
		keyword := sixteen + strings.Repeat(" zebra", ignored)
		answer := s.get("/?q=" + url.QueryEscape(keyword))
		require.Equal(t, http.StatusOK, answer.Code)
		assert.Contains(t, text(find(t, answer.Body.String(), "h1")[0]), "1 book for")
		if note == "" {
			assert.NotContains(t, answer.Body.String(), "left out")
		} else {
			assert.Contains(t, answer.Body.String(), "Only the first 16 words were searched; "+note)
		}
		events := s.events.take()
		require.Len(t, events, 1)
		assert.Equal(t, keyword, events[0].key)
		assert.Equal(t, sixteen, events[0].headers["ce_servedquery"])
	}
}

func TestParameters(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	const both, onlyAPI, neither = "both", "only the API", "neither"
	for query, c := range map[string]struct{ refusedBy, field string }{
		"o=-1":                                 {both, "o"},
		"o=x":                                  {both, "o"},
		"o=1.5":                                {both, "o"},
		"o=1e3":                                {both, "o"},
		"o=2147483648":                         {both, "o"},
		"o=99999999999999999999999999":         {both, "o"},
		"o=2147483647":                         {neither, ""},
		"o=":                                   {neither, ""},
		"limit=0":                              {both, "limit"},
		"limit=-1":                             {both, "limit"},
		"limit=101":                            {both, "limit"},
		"limit=x":                              {both, "limit"},
		"limit=100":                            {neither, ""},
		"sort=best":                            {both, "sort"},
		"sort=Title":                           {both, "sort"},
		"sort=title":                           {neither, ""},
		"decade=1995":                          {both, "decade"},
		"decade=x":                             {both, "decade"},
		"decade=10000":                         {both, "decade"},
		"decade=-380":                          {neither, ""},
		"available=maybe":                      {both, "available"},
		"available=1":                          {both, "available"},
		"available=false":                      {neither, ""},
		"language=xx-nonsense!":                {both, "language"},
		"language=und":                         {both, "language"},
		"language=%ff":                         {both, "language"},
		"language=eng":                         {neither, ""},
		"author=%ff":                           {both, "author"},
		"author=%00":                           {both, "author"},
		"author=" + strings.Repeat("a", 1001):  {both, "author"},
		"subject=" + strings.Repeat("a", 1001): {both, "subject"},
		"subject=%27":                          {neither, ""},
		"tag=letter-7":                         {neither, ""},
		"tag=" + strings.Repeat("a", 101):      {onlyAPI, "tag"},
		"tag=%0A.":                             {neither, ""},
		"tag=a%0Ab":                            {onlyAPI, "tag"},
		"tag=%ff":                              {onlyAPI, "tag"},
		"tag=a&tag=b":                          {onlyAPI, "tag"},
		"utm_source=mail":                      {onlyAPI, "utm_source"},
		"page=2":                               {onlyAPI, "page"},
		"Q=one":                                {onlyAPI, "Q"},
		"=1":                                   {onlyAPI, ""},
		"%ff=1":                                {onlyAPI, "\ufffd"},
		"q=one&q=two":                          {onlyAPI, "q"},
		"o=0&o=0":                              {onlyAPI, "o"},
	} {
		t.Run(query[:min(len(query), 40)], func(t *testing.T) {
			page, api := s.get("/?"+query), s.get("/api/books?"+query)
			checkPage(t, page.Body.String())
			if c.refusedBy == both {
				assert.Equal(t, http.StatusBadRequest, page.Code)
				assert.Contains(t, text(find(t, page.Body.String(), "main")[0]), "“"+c.field+"”")
			} else {
				assert.Equal(t, http.StatusOK, page.Code)
			}
			if c.refusedBy == neither {
				assert.Equal(t, http.StatusOK, api.Code, api.Body)
			} else {
				p := problemOf(t, http.StatusBadRequest, api)
				assert.Equal(t, c.field, p.Field)
				assert.NotEmpty(t, p.Detail)
			}
		})
	}
}

func TestParametersWithoutAName(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	assert.Equal(t, "the query has a parameter without a name", problemOf(t, http.StatusBadRequest, s.get("/api/books?q=one&=x")).Detail)
	assert.Equal(t, "this address takes no parameters", problemOf(t, http.StatusBadRequest, s.get("/api/books/1?=x")).Detail)
	assert.Equal(t, http.StatusOK, s.get("/?q=one&=x").Code)
}

// A page uses the first of repeated parameters.
func TestRepeatedParameterOnThePage(t *testing.T) {
	s := newShop(t)
	require.Equal(t, http.StatusOK, s.get("/?q=one&q=two&utm_source=mail").Code)
	events := s.events.take()
	require.Len(t, events, 1)
	assert.Equal(t, "one", events[0].key)
}

func TestWhichAnswersAreEvents(t *testing.T) {
	s := newShop(t)
	s.add(numbered(3, nil)...)
	id := s.get("/api/books").Body.String()[len(`[{"id":`):][:1]
	for _, c := range []struct {
		method, target string
		status, events int
	}{
		{"GET", "/?q=volume", 200, 1},
		{"GET", "/api/books?q=volume", 200, 1},
		{"GET", "/api/books?q=volume&o=2&limit=1", 200, 1},
		{"GET", "/?q=volume&o=2&limit=1", 200, 1},
		{"GET", "/api/books?q=volume&o=1000", 200, 1},
		{"GET", "/?q=nothing", 200, 1},
		{"GET", "/api/books?q=nothing", 200, 1},
		{"GET", "/", 200, 0},
		{"GET", "/?q=", 200, 0},
		{"GET", "/?author=Anna+Author", 200, 0},
		{"GET", "/api/books", 200, 0},
		{"GET", "/api/books?o=2", 200, 0},
		{"HEAD", "/?q=volume", 200, 0},
		{"HEAD", "/api/books?q=volume", 200, 0},
		{"POST", "/?q=volume", 405, 0},
		{"POST", "/api/books?q=volume", 401, 0},
		{"GET", "/?q=volume&o=-1", 400, 0},
		{"GET", "/api/books?q=volume&o=-1", 400, 0},
		{"GET", "/api/books?q=volume&unknown=1", 400, 0},
		{"GET", "/books/" + id + "?q=volume", 200, 0},
		{"GET", "/api/books/" + id + "?q=volume", 400, 0},
		{"GET", "/api/books/" + id, 200, 0},
		{"GET", "/readyz?q=volume", 200, 0},
		{"GET", "/robots.txt?q=volume", 200, 0},
		{"GET", "/nowhere?q=volume", 404, 0},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			answer := s.do(c.method, c.target, "")
			assert.Equal(t, c.status, answer.Code)
			events := s.events.take()
			require.Len(t, events, c.events)
			if c.events == 0 {
				assert.Empty(t, answer.Header().Get("X-Search-Id"))
			} else {
				assert.Equal(t, events[0].headers["ce_id"], answer.Header().Get("X-Search-Id"))
			}
			if c.method == http.MethodHead {
				assert.NotEmpty(t, answer.Header().Get("Content-Type"))
			}
		})
	}
}

func TestEventTellsTheSearch(t *testing.T) {
	s := newShop(t)
	s.add(numbered(7, func(b *model.Book) { b.Language, b.PublishedAt, b.Subjects = "en", "1994", []string{"R&D", "ünï"} })...)
	const query = "q=+VOLUME+&o=3&limit=2&sort=title&language=eng&decade=1990&available=false&subject=R%26D&author=anna+AUTHOR"
	api := s.get("/api/books?" + query)
	require.Equal(t, http.StatusOK, api.Code)
	page := s.get("/?" + query)
	require.Equal(t, http.StatusOK, page.Code)
	none := s.get("/api/books?q=nothing")
	require.Equal(t, http.StatusOK, none.Code)
	events := s.events.take()
	require.Len(t, events, 3)

	assert.Equal(t, []string{"Volume 04", "Volume 05"}, titles(t, api.Body.Bytes()))
	ids := map[string]bool{}
	for i, surface := range []string{"api", "page"} {
		e := events[i]
		assert.Equal(t, "VOLUME", e.key)
		assert.Equal(t, api.Body.String(), e.value, "the value is the API's answer, byte for byte")
		at, err := time.Parse(time.RFC3339Nano, e.headers["ce_time"])
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), at, time.Minute)
		id, err := uuid.Parse(e.headers["ce_id"])
		require.NoError(t, err)
		assert.EqualValues(t, 7, id.Version())
		ids[id.String()] = true
		delete(e.headers, "ce_time")
		delete(e.headers, "ce_id")
		assert.Equal(t, map[string]string{
			"ce_specversion": "1.0", "ce_type": "com.literank.books.searched",
			"ce_dataschema": "https://literank.com/event-books/schemas/books.searched/1.json", "content-type": "application/json",
			"ce_surface": surface, "ce_agent": "unknown", "ce_offset": "3", "ce_limit": "2", "ce_sort": "title", "ce_match": "exact",
			"ce_filters":     "author=anna+AUTHOR&available=false&decade=1990&language=en&subject=R%26D",
			"ce_servedquery": "VOLUME", "ce_totalhits": "7", "ce_servedhits": "2",
		}, e.headers)
	}
	assert.Len(t, ids, 2, "each answer has an id of its own")
	assert.Equal(t, "[]", events[2].value)
	assert.Equal(t, "[]", none.Body.String())
	for name, want := range map[string]string{
		"ce_match": "none", "ce_totalhits": "0", "ce_servedhits": "0", "ce_offset": "0", "ce_limit": "20", "ce_sort": "relevance", "ce_filters": "",
	} {
		assert.Equal(t, want, events[2].headers[name], name)
	}
}

func TestEventThatIsNotConfirmedDoesNotFailTheSearch(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	for _, err := range []error{mq.ErrUnconfirmed, mq.ErrLost} {
		s.events.err = fmt.Errorf("send event: %w", err)
		for _, path := range []string{"/", "/api/books"} {
			answer := s.get(path + "?q=one")
			assert.Equal(t, http.StatusOK, answer.Code)
			assert.Contains(t, answer.Body.String(), "One")
			assert.NotEmpty(t, answer.Header().Get("X-Search-Id"))
			assert.Len(t, s.events.take(), 1)
		}
	}
	for _, record := range s.log.take() {
		assert.NotContains(t, []string{"WARN", "ERROR"}, record["level"], "the queue logs changes of its state, not each search")
	}
}

func TestSearchWithoutDatabase(t *testing.T) {
	const secret = "SELECT * FROM books: dial tcp 10.1.2.3:3306"
	away := &model.Error{Code: model.UnavailableNow, Message: "the catalogue does not answer at the moment", Cause: errors.New(secret)}
	for name, c := range map[string]struct {
		err    error
		status int
		retry  string
		logged int // an unavailable part logs that itself, once
	}{
		"away":      {away, http.StatusServiceUnavailable, "5", 0},
		"our fault": {errors.New(secret), http.StatusInternalServerError, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) { return nil, c.err }))
			api, page := s.get("/api/books?q=one"), s.get("/?q=one")
			problemOf(t, c.status, api)
			assert.Equal(t, c.status, page.Code)
			checkPage(t, page.Body.String())
			assert.Empty(t, s.events.take())
			logged := 0
			for _, record := range s.log.take() {
				if record["level"] == "ERROR" {
					logged++
					assert.Contains(t, record["error"], secret)
					assert.NotEmpty(t, record["request_id"])
				}
			}
			assert.Equal(t, c.logged, logged, "once for each request")
			for _, answer := range []interface{ String() string }{api.Body, page.Body} {
				assert.NotContains(t, answer.String(), "SELECT")
				assert.NotContains(t, answer.String(), "10.1.2.3")
			}
			assert.Equal(t, c.retry, api.Header().Get("Retry-After"))
			assert.Equal(t, c.retry, page.Header().Get("Retry-After"))
			assert.Empty(t, api.Header().Get("X-Search-Id"))
		})
	}
}

var linkHeader = regexp.MustCompile(`<([^>]*)>; rel="(prev|next)"`)

// links reads a Link header.
func links(header string) map[string]string {
	found := map[string]string{}
	for _, match := range linkHeader.FindAllStringSubmatch(header, -1) {
		found[match[2]] = match[1]
	}
	return found
}

func TestPaging(t *testing.T) {
	const base = "https://shop.example/books"
	s := newShop(t, atBase(base+"/"), func(with *setup) { with.PageSize = 4 })
	s.add(numbered(23, func(b *model.Book) { b.Language = "en" })...)
	s.add(numbered(5, func(b *model.Book) { b.Language = "fr" })...)
	var all []string
	for i := range 23 {
		all = append(all, fmt.Sprintf("Volume %02d", i+1))
	}
	// walk follows the links from the first page to the last and back.
	walk := func(t *testing.T, first string, read func(target string) (shown []string, prev, next string)) {
		var seen []string
		var pages [][]string
		target, last := first, ""
		for target != "" {
			require.Less(t, len(pages), 30, "no end")
			require.True(t, strings.HasPrefix(target, base+"/"), target)
			shown, prev, next := read(strings.TrimPrefix(target, base))
			assert.Equal(t, len(pages) == 0, prev == "")
			seen, pages = append(seen, shown...), append(pages, shown)
			last, target = target, next
		}
		assert.Equal(t, all, seen, "every book once, in order")
		target = last
		for i := len(pages) - 1; i >= 0; i-- {
			shown, prev, _ := read(strings.TrimPrefix(target, base))
			assert.Equal(t, pages[i], shown)
			target = prev
		}
		assert.Empty(t, target)
	}
	for _, query := range []string{"language=en", "language=en&limit=5", "q=volume&language=en&sort=title&limit=23", "q=anna+author&language=en&limit=1"} {
		t.Run("API "+query, func(t *testing.T) {
			walk(t, base+"/api/books?"+query, func(target string) ([]string, string, string) {
				answer := s.get(target)
				require.Equal(t, http.StatusOK, answer.Code, answer.Body)
				assert.Equal(t, "23", answer.Header().Get("X-Total-Count"))
				l := links(answer.Header().Get("Link"))
				return titles(t, answer.Body.Bytes()), l["prev"], l["next"]
			})
		})
		t.Run("page "+query, func(t *testing.T) {
			walk(t, base+"/?"+query, func(target string) (shown []string, prev, next string) {
				answer := s.get(target)
				require.Equal(t, http.StatusOK, answer.Code)
				for _, n := range find(t, answer.Body.String(), "span") {
					if attr(n, "class") == "name" {
						shown = append(shown, text(n))
					}
				}
				for _, n := range find(t, answer.Body.String(), "a") {
					switch attr(n, "rel") {
					case "prev nofollow":
						prev = attr(n, "href")
					case "next nofollow":
						next = attr(n, "href")
					}
				}
				return shown, prev, next
			})
		})
	}
}

func TestPageBehindTheLast(t *testing.T) {
	s := newShop(t)
	s.add(numbered(11, nil)...)
	for query, want := range map[string]struct{ prev, next string }{
		"o=0&limit=11":               {"", ""},
		"o=11&limit=5":               {"/api/books?limit=5&o=6", ""},
		"o=12&limit=5":               {"/api/books?limit=5&o=7", ""},
		"o=1000&limit=11":            {"/api/books?limit=11", ""},
		"o=2147483647&limit=5":       {"/api/books?limit=5&o=10", ""},
		"q=volume&o=1000&sort=title": {"/api/books?q=volume&sort=title", ""},
		"q=nothing&o=1000":           {"/api/books?q=nothing", ""},
		"o=3&limit=5":                {"/api/books?limit=5", "/api/books?limit=5&o=8"},
	} {
		answer := s.get("/api/books?" + query)
		require.Equal(t, http.StatusOK, answer.Code, query)
		l := links(answer.Header().Get("Link"))
		assert.Equal(t, want.prev, l["prev"], query)
		assert.Equal(t, want.next, l["next"], query)
	}
	assert.Equal(t, "[]", s.get("/api/books?o=11").Body.String())
	assert.Equal(t, "11", s.get("/api/books?o=1000").Header().Get("X-Total-Count"))
	page := s.get("/?q=volume&o=1000&limit=5").Body.String()
	checkPage(t, page)
	assert.Equal(t, "There are only 11 books", text(find(t, page, "h1")[0]))
	last := find(t, page, "a")
	var hrefs []string
	for _, a := range last {
		hrefs = append(hrefs, attr(a, "href"))
	}
	assert.Contains(t, hrefs, "/?limit=5&o=10&q=volume")
	assert.Contains(t, s.get("/?q=volume+03&o=5").Body.String(), "There is only 1 book<")
}
