package adapter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/domain/model"
)

func withCookie(rule VisitorCookie) func(*setup) {
	return func(with *setup) { with.VisitorCookie = rule }
}

const aVisitor = "0f3b8a52-9d3e-4c5a-8a53-2f0a6a1f5b11"

// signed is the cookie with a visitor's number.
func signed(id string) string { return "visitor=" + id + "." + signature(id) }

func signature(id string) string {
	mac := hmac.New(sha256.New, []byte(visitorKey))
	mac.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// choose sends the answer as a browser's form does.
func (s *shop) choose(choice, back string, headers ...string) *httptest.ResponseRecorder {
	form := url.Values{"choice": {choice}, "back": {back}}.Encode()
	return s.do(http.MethodPost, "/visitor", form, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)...)
}

func cookieOf(t *testing.T, answer *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	cookies := answer.Result().Cookies()
	require.Len(t, cookies, 1)
	require.Equal(t, "visitor", cookies[0].Name)
	return cookies[0]
}

// offered lists the answers that a page offers.
func offered(t *testing.T, answer *httptest.ResponseRecorder) (choices []string) {
	t.Helper()
	for _, button := range find(t, answer.Body.String(), "button") {
		if attr(button, "name") == "choice" {
			choices = append(choices, attr(button, "value"))
		}
	}
	return choices
}

// The rule and the request decide about the cookie, the event and the question.
func TestVisitorIsAskedFirst(t *testing.T) {
	var (
		nothing = []string(nil)
		ask     = []string{"yes", "no"}
		forget  = []string{"no"}
	)
	for name, c := range map[string]struct {
		rule    VisitorCookie
		headers []string
		offer   []string
		set     bool
		told    string // ce_clientid of a search
	}{
		"ask":                  {visitor.Ask, nil, ask, false, ""},
		"by default":           {"", nil, ask, false, ""},
		"ask, said yes":        {visitor.Ask, []string{"Cookie", signed(aVisitor)}, forget, false, aVisitor},
		"ask, said no":         {visitor.Ask, []string{"Cookie", "visitor=no"}, nothing, false, ""},
		"ask, GPC":             {visitor.Ask, []string{"Sec-GPC", "1"}, nothing, false, ""},
		"yes, then GPC":        {visitor.Ask, []string{"Sec-GPC", "1", "Cookie", signed(aVisitor)}, nothing, false, ""},
		"yes, then DNT":        {visitor.Ask, []string{"DNT", "1", "Cookie", signed(aVisitor)}, nothing, false, ""},
		"DNT that allows":      {visitor.Ask, []string{"DNT", "0", "Cookie", signed(aVisitor)}, forget, false, aVisitor},
		"on":                   {visitor.On, nil, forget, true, ""},
		"on, known":            {visitor.On, []string{"Cookie", signed(aVisitor)}, forget, false, aVisitor},
		"on, said no":          {visitor.On, []string{"Cookie", "visitor=no"}, nothing, false, ""},
		"on, DNT":              {visitor.On, []string{"DNT", "1"}, nothing, false, ""},
		"on, fetched ahead":    {visitor.On, []string{"Sec-Purpose", "prefetch"}, ask, false, ""},
		"on, a bot":            {visitor.On, []string{"User-Agent", "Googlebot/2.1"}, ask, false, ""},
		"off":                  {visitor.Off, nil, nothing, false, ""},
		"off, known":           {visitor.Off, []string{"Cookie", signed(aVisitor)}, nothing, false, ""},
		"malformed":            {visitor.Ask, []string{"Cookie", "visitor=x"}, ask, false, ""},
		"malformed, then good": {visitor.Ask, []string{"Cookie", "visitor=<x>; " + signed(aVisitor)}, forget, false, aVisitor},
		"other notation":       {visitor.Ask, []string{"Cookie", signed("{" + aVisitor + "}")}, ask, false, ""},
		"capitals":             {visitor.Ask, []string{"Cookie", signed(strings.ToUpper(aVisitor))}, ask, false, ""},
		"not random":           {visitor.Ask, []string{"Cookie", signed(uuid.Must(uuid.NewV7()).String())}, ask, false, ""},
		// Consent without a number: the browser gets a new one.
		"unsigned":            {visitor.Ask, []string{"Cookie", "visitor=" + aVisitor}, forget, true, ""},
		"made up":             {visitor.Ask, []string{"Cookie", "visitor=" + aVisitor + "." + signature("another")}, forget, true, ""},
		"unsigned, then good": {visitor.Ask, []string{"Cookie", "visitor=" + aVisitor + "; " + signed(aVisitor)}, forget, false, aVisitor},
		"unsigned, GPC":       {visitor.Ask, []string{"Sec-GPC", "1", "Cookie", "visitor=" + aVisitor}, nothing, false, ""},
		"unsigned, a bot":     {visitor.Ask, []string{"User-Agent", "Googlebot/2.1", "Cookie", "visitor=" + aVisitor}, ask, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, withCookie(c.rule))
			s.add(&model.Book{Title: "One"})
			headers := append([]string{"User-Agent", chrome, "Accept", "text/html"}, c.headers...)
			for _, target := range []string{"/", "/books/1", "/?author=x"} {
				page := s.get(target, headers...)
				require.Equal(t, http.StatusOK, page.Code)
				checkPage(t, page.Body.String())
				assert.Equal(t, c.offer, offered(t, page), target)
				if c.set {
					checkVisitor(t, cookieOf(t, page))
				} else {
					assert.Empty(t, page.Result().Cookies(), target)
				}
				assert.Contains(t, page.Header().Get("Cache-Control"), "private")
			}
			for _, target := range []string{"/?q=one", "/api/books?q=one"} {
				answer := s.get(target, headers...)
				require.Equal(t, http.StatusOK, answer.Code)
				if renewed := c.rule == visitor.Ask && c.set; renewed && target[1] == '?' {
					checkVisitor(t, cookieOf(t, answer))
				} else {
					assert.Empty(t, answer.Result().Cookies(), target)
				}
				assert.NotContains(t, answer.Body.String(), "random number", "coming back here would be another search")
				told := s.events.take()[0].headers
				assert.Equal(t, c.told, told["ce_clientid"], target)
				_, there := told["ce_clientid"]
				assert.Equal(t, c.told != "", there)
			}
			assert.Empty(t, s.do("HEAD", "/", "", headers...).Result().Cookies())
			assert.Empty(t, s.get("/nowhere", headers...).Result().Cookies())
		})
	}
}

func checkVisitor(t *testing.T, cookie *http.Cookie) {
	t.Helper()
	number, sent, _ := strings.Cut(cookie.Value, ".")
	assert.Equal(t, signature(number), sent)
	id, err := uuid.Parse(number)
	require.NoError(t, err)
	assert.EqualValues(t, 4, id.Version())
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, 180*24*60*60, cookie.MaxAge)
	assert.Empty(t, cookie.Domain)
}

func TestVisitorAnswers(t *testing.T) {
	s := newShop(t)
	yes := s.choose("yes", "/?author=x&o=0")
	assert.Equal(t, http.StatusSeeOther, yes.Code)
	assert.Equal(t, "/?author=x&o=0", yes.Header().Get("Location"))
	cookie := cookieOf(t, yes)
	checkVisitor(t, cookie)
	assert.Equal(t, "/", cookie.Path)
	assert.False(t, cookie.Secure)
	assert.NotEqual(t, cookie.Value, cookieOf(t, s.choose("yes", "/")).Value, "random")
	assert.Empty(t, s.choose("yes", "/", "Cookie", signed(aVisitor)).Result().Cookies(), "keeps the number")
	assert.Empty(t, s.choose("yes", "/", "Sec-GPC", "1").Result().Cookies())

	no := cookieOf(t, s.choose("no", "/books/1", "Cookie", signed(aVisitor)))
	assert.Equal(t, "no", no.Value)
	assert.Equal(t, 180*24*60*60, no.MaxAge)
	assert.NotEmpty(t, cookieOf(t, s.choose("yes", "/", "Cookie", "visitor=no")).Value, "visitors may change their mind")

	assert.Equal(t, "choice", problemOf(t, http.StatusBadRequest, s.choose("maybe", "/")).Field)
	problemOf(t, http.StatusBadRequest, s.do("POST", "/visitor", "%zz", "Content-Type", "application/x-www-form-urlencoded"))
	problemOf(t, http.StatusRequestEntityTooLarge, s.choose("yes", strings.Repeat("a", maxBody)))
	problemOf(t, http.StatusForbidden, s.choose("yes", "/", "Sec-Fetch-Site", "cross-site"))
	problemOf(t, http.StatusNotFound, newShop(t, withCookie(visitor.Off)).choose("yes", "/"))
	assert.Equal(t, http.StatusMethodNotAllowed, s.get("/visitor").Code)
	assert.Empty(t, s.events.take())
}

// While the key isn't known, browsers keep what they have.
func TestVisitorWithoutAKey(t *testing.T) {
	for _, rule := range []VisitorCookie{visitor.Ask, visitor.On} {
		s := newShop(t, withCookie(rule), func(with *setup) { with.VisitorKey = func() []byte { return nil } })
		for _, headers := range [][]string{nil, {"Cookie", signed(aVisitor)}} {
			assert.Empty(t, s.get("/", append(headers, "User-Agent", chrome)...).Result().Cookies())
			assert.Empty(t, s.choose("yes", "/", headers...).Result().Cookies())
		}
		want := map[VisitorCookie][]string{visitor.Ask: {"yes", "no"}, visitor.On: nil}[rule]
		assert.Equal(t, want, offered(t, s.get("/", "User-Agent", chrome)), "no page claims to remember anybody")
		s.get("/?q=x", "Cookie", signed(aVisitor))
		assert.Empty(t, s.events.take()[0].headers["ce_clientid"])
	}
}

func TestVisitorUnderABaseURL(t *testing.T) {
	s := newShop(t, atBase("https://shop.example/my%20books"))
	answer := s.choose("yes", "/books/1?x=%20")
	assert.Equal(t, "https://shop.example/my%20books/books/1?x=%20", answer.Header().Get("Location"))
	cookie := cookieOf(t, answer)
	assert.Equal(t, "/my%20books", cookie.Path)
	assert.True(t, cookie.Secure)
}

// The form can't redirect to another site.
func TestVisitorReturnsIntoTheShop(t *testing.T) {
	s := newShop(t, atBase("https://shop.example"))
	for back, want := range map[string]string{
		"/": "/", "/?q=a+b&o=2": "/?q=a+b&o=2", "/books/7": "/books/7", "/books/7?x": "/books/7?x",
		"": "/", "//evil.example": "/", "//evil.example/books/": "/", "/\\evil.example": "/", "https://evil.example/": "/", "https:evil": "/",
		"javascript:alert(1)": "/", "evil.example": "/", "/api/books": "/", "/visitor": "/", "/\nbooks/": "/", "/?q=\r\nSet-Cookie:x": "/",
		"/books/..//evil.example": "/books/..//evil.example", "/?" + strings.Repeat("a", 4000): "/", "?q=x": "/", "/.//evil.example": "/",
	} {
		location := s.choose("no", back).Header().Get("Location")
		assert.Equal(t, "https://shop.example"+want, location, back)
		u, err := url.Parse(location)
		require.NoError(t, err)
		assert.Equal(t, "shop.example", u.Host, back)
	}
}

func TestTagStaysWithItsSearch(t *testing.T) {
	s := newShop(t, func(with *setup) { with.PageSize = 1 })
	s.add(numbered(3, func(b *model.Book) { b.Language = "en" })...)
	const tag = "a letter & more"
	for _, target := range []string{"/?q=volume&language=en&o=1&tag=", "/api/books?q=volume&language=en&o=1&tag="} {
		answer := s.get(target + url.QueryEscape(tag))
		require.Equal(t, http.StatusOK, answer.Code)
		assert.Equal(t, tag, s.events.take()[0].headers["ce_tag"])
		if l := links(answer.Header().Get("Link")); strings.HasPrefix(target, "/api") {
			assert.Contains(t, l["next"], "tag=a+letter")
			assert.Contains(t, l["prev"], "tag=a+letter")
			continue
		}
		kept, lost := []string{"Next →", "← Previous", "✕"}, []string{"Event Books"}
		for _, a := range find(t, answer.Body.String(), "a") {
			has := strings.Contains(attr(a, "href"), "tag=")
			if slices.Contains(kept, text(a)) {
				assert.True(t, has, text(a))
			}
			if slices.Contains(lost, text(a)) || strings.HasPrefix(attr(a, "href"), "/books/") {
				assert.False(t, has, text(a))
			}
		}
		// The sort form continues the search; the search form starts another one.
		for _, n := range find(t, answer.Body.String(), "input") {
			if attr(n, "name") == "tag" {
				assert.Equal(t, tag, attr(n, "value"))
				assert.Equal(t, "sort", attr(n.Parent, "class"))
				kept = nil
			}
		}
		assert.Nil(t, kept, "the sort form has the tag")
	}
	for _, a := range find(t, s.get("/?q=two+words&author=x&tag=t").Body.String(), "a") {
		words := text(a)
		if strings.HasPrefix(words, "Search ") || strings.HasPrefix(words, "Browse") {
			assert.Equal(t, strings.HasPrefix(words, "Search the whole shop"), strings.Contains(attr(a, "href"), "tag=t"), words)
		}
	}
	s.events.take()
	require.Equal(t, http.StatusOK, s.get("/?q=volume&tag=%00").Code)
	told := s.events.take()[0].headers
	assert.NotContains(t, told, "ce_tag", "a page ignores a malformed tag")
	assert.NotContains(t, s.get("/?tag=x").Body.String(), "noindex", "a tagged link leads to the same page")
}
