package adapter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/click"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

// counting lets a shop count visitors and clicks.
func counting(with *setup) {
	with.clicks, with.DailyVisitor = &queue{}, true
	with.DayKey = func(at time.Time) []byte { return fmt.Append(nil, "key of ", at.UTC().Format(time.DateOnly)) }
}

func behindProxy(with *setup) { with.TrustedProxies = []string{"192.0.2.1"} }

// searchedBy searches, and returns the event's headers.
func (s *shop) searchedBy(headers ...string) map[string]string {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, s.get("/?q=volume", append([]string{"User-Agent", chrome}, headers...)...).Code)
	events := s.events.take()
	require.Len(s.t, events, 1)
	return events[0].headers
}

func TestDailyVisitorOfASearch(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*setup)
		headers []string
		counted bool
	}{
		"a person":            {nil, nil, true},
		"an unknown program":  {nil, []string{"User-Agent", "shop-app/1.0"}, true},
		"a bot":               {nil, []string{"User-Agent", "Googlebot/2.1"}, false},
		"fetched ahead":       {nil, []string{"Sec-Purpose", "prefetch"}, false},
		"GPC":                 {nil, []string{"Sec-GPC", "1"}, false},
		"DNT":                 {nil, []string{"DNT", "1"}, false},
		"said no":             {nil, []string{"Cookie", "visitor=no"}, false},
		"said no, cookie off": {withCookie(visitor.Off), []string{"Cookie", "visitor=no"}, false},
		"known by a cookie":   {nil, []string{"Cookie", signed(aVisitor)}, false},
		"cookie off":          {withCookie(visitor.Off), []string{"Cookie", signed(aVisitor)}, true},
		"cookie made up":      {nil, []string{"Cookie", "visitor=" + aVisitor}, true},
		"no key":              {func(with *setup) { with.DayKey = func(time.Time) []byte { return nil } }, nil, false},
		"switched off":        {func(with *setup) { with.DailyVisitor = false }, nil, false},
	} {
		changes := []func(*setup){counting}
		if c.change != nil {
			changes = append(changes, c.change)
		}
		s := newShop(t, changes...)
		for _, target := range []string{"/?q=x", "/api/books?q=x", "/api/search?q=x"} {
			require.Equal(t, http.StatusOK, s.get(target, append([]string{"User-Agent", chrome, "Accept-Language", "de-AT, en"}, c.headers...)...).Code)
			told := s.events.take()[0].headers
			assert.Equal(t, c.counted, told["ce_visitor"] != "", "%s: %s", name, target)
			assert.Equal(t, "de-AT", told["ce_language"])
			if told["ce_clientid"] != "" {
				assert.Empty(t, told["ce_visitor"], name)
			}
		}
	}
}

// Only trusted proxies name the client's address.
func TestDailyVisitorBehindAProxy(t *testing.T) {
	s := newShop(t, counting, behindProxy)
	of := func(headers ...string) string { return s.searchedBy(headers...)["ce_visitor"] }
	one := of("X-Forwarded-For", "198.51.100.7")
	assert.Equal(t, one, of("X-Forwarded-For", "198.51.100.7"))
	assert.Equal(t, one, of("X-Forwarded-For", "203.0.113.9, 198.51.100.7"), "the client's own header doesn't count")
	assert.Equal(t, one[:8], of("X-Forwarded-For", "198.51.100.8")[:8])
	assert.NotEqual(t, one[:8], of("X-Forwarded-For", "203.0.113.7")[:8])
	open := newShop(t, counting)
	assert.Equal(t, open.searchedBy()["ce_visitor"], open.searchedBy("X-Forwarded-For", "198.51.100.7")["ce_visitor"])
}

// bookLinks returns the links to books on a page.
func bookLinks(t *testing.T, page string) (addresses []string) {
	t.Helper()
	for _, a := range find(t, page, "a") {
		if attr(a, "class") == "book" {
			addresses = append(addresses, attr(a, "href"))
		}
	}
	return addresses
}

// opened opens a link, and returns the answer and the clicks.
func (s *shop) opened(address string, headers ...string) (*httptest.ResponseRecorder, []event) {
	answer := s.get(address, append([]string{"User-Agent", chrome}, headers...)...)
	return answer, s.clicks.take()
}

func TestClickOnABookOfAResult(t *testing.T) {
	s := newShop(t, counting, func(with *setup) { with.PageSize = 2 })
	s.add(numbered(5, nil)...)
	page := s.get("/?q=volume&o=2&sort=title&tag=letter+7", "User-Agent", chrome)
	search := s.events.take()[0]
	links := bookLinks(t, page.Body.String())
	require.Len(t, links, 2)
	assert.Empty(t, s.clicks.take())

	answer, clicks := s.opened(links[1])
	assert.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Equal(t, "/books/4?o=2&q=volume&sort=title", answer.Header().Get("Location"))
	assert.Equal(t, "private, no-store", answer.Header().Get("Cache-Control"))
	require.Len(t, clicks, 1)
	told := clicks[0].headers
	assert.Equal(t, search.headers["ce_id"], clicks[0].key)
	for name, want := range map[string]string{
		"ce_id": model.ClickID(clicks[0].key, 4), "ce_searchid": clicks[0].key, "ce_searchtime": search.headers["ce_time"], "ce_keyword": "volume",
		"ce_surface": "page", "ce_agent": "person", "ce_tag": "letter 7", "ce_visitor": search.headers["ce_visitor"], "ce_offset": "2", "ce_bookid": "4", "ce_ordinal": "4",
	} {
		assert.NotEmpty(t, want)
		assert.Equal(t, want, told[name], name)
	}
	assert.NotContains(t, told, "ce_clientid")

	// The book's page is the same as ever: reloading it and going back are no clicks.
	clean := s.get(answer.Header().Get("Location"), "User-Agent", chrome)
	require.Equal(t, http.StatusOK, clean.Code)
	assert.Equal(t, "/?o=2&q=volume&sort=title", attr(linkCalled(t, clean.Body.String(), "← Back to results"), "href"))
	assert.NotContains(t, clean.Body.String(), "click=")
	assert.Empty(t, s.clicks.take())
	assert.Empty(t, s.events.take())
	// Another click on the book has the same id, so it counts once.
	_, again := s.opened(links[1])
	require.Len(t, again, 1)
	assert.Equal(t, told["ce_id"], again[0].headers["ce_id"])
}

// A book that the shop recommends without a search, and a program's answer, have no such link.
func TestLinksThatAreNoClicks(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(3, nil)...)
	bots := []string{"User-Agent", "Googlebot/2.1"}
	for _, target := range []string{"/", "/?author=Anna+Author", "/?q=nothing", "/books/1", "/books/99", "/?sort=title"} {
		assert.NotContains(t, s.get(target, "User-Agent", chrome).Body.String(), "click=", target)
	}
	for _, target := range []string{"/api/books?q=volume", "/api/search?q=volume"} {
		assert.NotContains(t, s.get(target, "User-Agent", chrome).Body.String(), "click=", target)
	}
	assert.NotContains(t, s.get("/?q=volume", bots...).Body.String(), "click=")
	assert.NotContains(t, s.get("/?q=volume", "User-Agent", chrome, "Sec-Purpose", "prefetch").Body.String(), "click=")
	noKey := newShop(t, counting, func(with *setup) { with.DayKey = func(time.Time) []byte { return nil } })
	noKey.add(numbered(1, nil)...)
	assert.Equal(t, []string{"/books/1?q=volume"}, bookLinks(t, noKey.page("/?q=volume")))
}

func TestWhoseClicksCount(t *testing.T) {
	const other = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	forwarded := func(address string, more ...string) []string {
		return append([]string{"X-Forwarded-For", address}, more...)
	}
	s := newShop(t, counting, behindProxy)
	s.add(numbered(2, nil)...)
	for name, c := range map[string]struct {
		shown, opens []string
		counts       bool
	}{
		"the same visitor":                   {forwarded("198.51.100.7"), forwarded("198.51.100.7"), true},
		"a shared link":                      {forwarded("198.51.100.7"), forwarded("198.51.100.8"), false},
		"a shared link, from another site":   {forwarded("198.51.100.7"), forwarded("198.51.100.8", "Sec-Fetch-Site", "cross-site"), false},
		"another browser":                    {forwarded("198.51.100.7"), forwarded("198.51.100.7", "User-Agent", chrome+" OPR/1"), false},
		"a cookie":                           {[]string{"Cookie", signed(aVisitor)}, []string{"Cookie", signed(aVisitor)}, true},
		"a cookie, on another network":       {forwarded("198.51.100.7", "Cookie", signed(aVisitor)), forwarded("203.0.113.7", "Cookie", signed(aVisitor)), true},
		"another cookie":                     {[]string{"Cookie", signed(aVisitor)}, []string{"Cookie", signed(other)}, false},
		"a cookie and none":                  {[]string{"Cookie", signed(aVisitor)}, nil, false},
		"consent in between":                 {nil, []string{"Cookie", signed(aVisitor)}, false},
		"no in between":                      {nil, []string{"Cookie", "visitor=no"}, false},
		"a private browser":                  {[]string{"Sec-GPC", "1"}, []string{"Sec-GPC", "1", "Sec-Fetch-Site", "same-origin"}, true},
		"a private browser that tells less":  {[]string{"DNT", "1"}, []string{"DNT", "1"}, true},
		"a link that private browsers share": {[]string{"Sec-GPC", "1"}, []string{"Sec-GPC", "1", "Sec-Fetch-Site", "none"}, false},
		"a private browser's link":           {[]string{"Sec-GPC", "1"}, nil, false},
		"a bot":                              {nil, []string{"User-Agent", "Googlebot/2.1"}, false},
		"curl":                               {nil, []string{"User-Agent", "curl/8.5.0"}, false},
		"Sec-Purpose":                        {nil, []string{"Sec-Purpose", "prefetch;prerender"}, false},
		"Purpose":                            {nil, []string{"Purpose", "prefetch"}, false},
		"X-Moz":                              {nil, []string{"X-Moz", "prefetch"}, false},
	} {
		link := bookLinks(t, s.get("/?q=volume", append([]string{"User-Agent", chrome}, c.shown...)...).Body.String())[0]
		require.Contains(t, link, "click=", name)
		answer, clicks := s.opened(link, c.opens...)
		assert.Equal(t, http.StatusSeeOther, answer.Code, name)
		assert.Equal(t, "/books/1?q=volume", answer.Header().Get("Location"), name)
		assert.Equal(t, c.counts, len(clicks) == 1, name)
		head := s.do(http.MethodHead, link, "", append([]string{"User-Agent", chrome}, c.shown...)...)
		assert.Equal(t, http.StatusSeeOther, head.Code)
		assert.Empty(t, s.clicks.take(), "HEAD is no click")
	}
}

// Whatever is wrong with a link, it leads to the book.
func TestLinksThatAreForged(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(2, nil)...)
	link := bookLinks(t, s.get("/?q=volume&tag=a", "User-Agent", chrome).Body.String())[0]
	token := link[strings.Index(link, "click=")+len("click="):]
	const clean = "/books/1?q=volume"
	for address, want := range map[string]string{
		link + "A": clean,
		strings.Replace(link, "volume", "Vol", 1):       "/books/1?q=Vol",
		strings.Replace(link, "/1?", "/2?", 1):          "/books/2?q=volume",
		clean + "&click=":                               clean,
		clean + "&click":                                clean,
		clean + "&click=%zz":                            clean,
		clean + "&click=" + strings.Repeat("A", 10_000): clean,
		"/books/1?click=" + token:                       "/books/1",
		"/books/1?q=%zz&click=" + token:                 "/books/1",
		"/books/1?o=-1&q=volume&click=" + token:         "/books/1",
		"/books/1?click=" + token[:20] + "&q=volume":    clean,
		"/books/99?q=volume&click=" + token:             "/books/99?q=volume",
	} {
		answer, clicks := s.opened(address)
		assert.Equal(t, http.StatusSeeOther, answer.Code, address)
		assert.Equal(t, want, answer.Header().Get("Location"), address)
		assert.Empty(t, clicks, address)
	}
	answer, clicks := s.opened(strings.Replace(link, "/1?", "/x?", 1))
	assert.Equal(t, http.StatusNotFound, answer.Code)
	assert.Empty(t, clicks)
	_, clicks = s.opened(link + "&utm_source=letter")
	assert.Len(t, clicks, 1, "foreign parameters don't matter")
	// Links of another day's key are worth nothing.
	other := newShop(t, counting, func(with *setup) { with.DayKey = func(time.Time) []byte { return []byte("another") } })
	_, clicks = other.opened(link)
	assert.Empty(t, clicks)
	// Nor are they without anyone who counts.
	plain := newShop(t)
	answer = plain.get(link, "User-Agent", chrome)
	assert.Equal(t, clean, answer.Header().Get("Location"))
}

// A link counts for a day, also when that has passed midnight.
func TestLinksCountForADay(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(1, nil)...)
	signer := click.Signer{DayKey: s.options.DayKey}
	for age, counts := range map[time.Duration]bool{time.Minute: true, 23 * time.Hour: true, 25 * time.Hour: false, 100 * 24 * time.Hour: false, -time.Hour: false} {
		token := signer.Token(&model.ClickEvent{
			SearchID: "0197a2b4-0000-7000-8000-000000000000", SearchTime: time.Now().Add(-age), Keyword: "volume", Surface: model.PageSurface, ClientID: aVisitor, Book: 1, Ordinal: 1,
		})
		answer, clicks := s.opened("/books/1?q=volume&click="+token, "Cookie", signed(aVisitor))
		assert.Equal(t, "/books/1?q=volume", answer.Header().Get("Location"))
		assert.Equal(t, counts, len(clicks) == 1, age)
	}
}

func TestClickUnderABaseURL(t *testing.T) {
	s := newShop(t, counting, atBase("https://shop.example/b"))
	s.add(numbered(1, nil)...)
	link := bookLinks(t, s.get("/b/?q=volume", "User-Agent", chrome).Body.String())[0]
	require.Contains(t, link, "https://shop.example/b/books/1?q=volume&click=")
	answer, clicks := s.opened(strings.TrimPrefix(link, "https://shop.example"))
	assert.Equal(t, "https://shop.example/b/books/1?q=volume", answer.Header().Get("Location"))
	assert.Len(t, clicks, 1)
}

// If the spool of clicks takes nothing, readers see their book all the same.
func TestClickThatIsLost(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(1, nil)...)
	link := bookLinks(t, s.get("/?q=volume", "User-Agent", chrome).Body.String())[0]
	for _, err := range []error{mq.ErrLost, mq.ErrUnconfirmed, mq.ErrRefused} {
		s.clicks.err = err
		answer, _ := s.opened(link)
		assert.Equal(t, http.StatusSeeOther, answer.Code)
		assert.Equal(t, "/books/1?q=volume", answer.Header().Get("Location"))
	}
}

func TestPrivacyPage(t *testing.T) {
	all := []string{"yes", "no", "forget"}
	for name, c := range map[string]struct {
		changes []func(*setup)
		headers []string
		offer   []string
		says    []string
		not     []string
	}{
		"by default": {[]func(*setup){counting}, nil, all, []string{"at most 48 hours", "Backups and logs of our database may keep", "If you say yes"}, []string{"You have said"}},
		"said yes":   {[]func(*setup){counting}, []string{"Cookie", signed(aVisitor)}, all, []string{"You have said yes"}, nil},
		"said no":    {[]func(*setup){counting}, []string{"Cookie", "visitor=no"}, all, []string{"You have said no"}, nil},
		"GPC":        {[]func(*setup){counting}, []string{"Sec-GPC", "1"}, all, []string{"asks not to be tracked"}, nil},
		"on":         {[]func(*setup){counting, withCookie(visitor.On)}, nil, all, []string{"Unless you say no"}, nil},
		"off":        {[]func(*setup){counting, withCookie(visitor.Off)}, []string{"Cookie", signed(aVisitor)}, []string{"no", "forget"}, nil, []string{"180 days", "You have said"}},
		"not daily":  {[]func(*setup){counting, func(with *setup) { with.DailyVisitor = false }}, nil, all, nil, []string{"48 hours"}},
		"retention":  {[]func(*setup){counting, func(with *setup) { with.Retention = 7 * 24 * time.Hour }}, nil, all, []string{"for 7 days"}, nil},
	} {
		s := newShop(t, c.changes...)
		s.add(&model.Book{Title: "One"})
		answer := s.get("/privacy", append([]string{"User-Agent", chrome}, c.headers...)...)
		require.Equal(t, http.StatusOK, answer.Code, name)
		page := answer.Body.String()
		checkPage(t, page)
		assert.Equal(t, "What we record", text(find(t, page, "h1")[0]))
		assert.Equal(t, c.offer, offered(t, answer), name)
		assert.Contains(t, answer.Header().Get("Cache-Control"), "private")
		assert.Empty(t, answer.Result().Cookies(), "%s: who reads this isn't given a cookie", name)
		assert.NotContains(t, strings.ToLower(page), "anonym", name)
		for _, words := range c.says {
			assert.Contains(t, page, words, name)
		}
		for _, words := range c.not {
			assert.NotContains(t, page, words, name)
		}
		for _, target := range []string{"/", "/books/1", "/?q=one", "/?q=nothing", "/books/99", "/privacy"} {
			assert.Equal(t, "/privacy", attr(linkCalled(t, s.get(target, "User-Agent", chrome).Body.String(), "What we record"), "href"), target)
		}
		assert.Equal(t, http.StatusOK, s.do(http.MethodHead, "/privacy", "").Code)
		assert.Len(t, s.events.take(), 2)
	}
	problemless := newShop(t, atBase("https://shop.example/b")).get("/b/privacy").Body.String()
	assert.Contains(t, problemless, `action="https://shop.example/b/visitor"`)
}

// Own templates that don't know the page get the built-in one.
func TestPrivacyPageBesideOwnTemplates(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"index.html", "book.html", "error.html"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("{{range .Foot}}{{.Link}} {{end}}own"), 0o600))
	}
	s := newShop(t, counting, func(with *setup) { with.TemplatesPattern = filepath.Join(dir, "*.html") })
	assert.Equal(t, "/privacy own", s.get("/").Body.String())
	assert.Contains(t, s.get("/privacy").Body.String(), "<h1>What we record</h1>")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "privacy.html"), []byte("own {{.Daily}}"), 0o600))
	s = newShop(t, counting, func(with *setup) { with.TemplatesPattern = filepath.Join(dir, "*.html") })
	assert.Equal(t, "own true", s.get("/privacy").Body.String())
}

func TestForgetMe(t *testing.T) {
	s := newShop(t, counting)
	daily := s.searchedBy()["ce_visitor"]
	require.NotEmpty(t, daily)
	erased := func() (visitors []string) {
		for _, e := range s.clicks.take() {
			assert.Equal(t, model.VisitorErasedEventType, e.headers["ce_type"])
			assert.Equal(t, fmt.Sprintf(`{"visitor":%q}`, e.key), e.value)
			visitors = append(visitors, e.key)
		}
		return visitors
	}
	forget := func(headers ...string) *httptest.ResponseRecorder {
		return s.choose("forget", "/privacy", append([]string{"User-Agent", chrome}, headers...)...)
	}
	answer := forget("Cookie", signed(aVisitor))
	assert.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Equal(t, "/privacy?forgotten", answer.Header().Get("Location"))
	assert.Contains(t, s.page("/privacy?forgotten"), "you want to be forgotten")
	cookie := cookieOf(t, answer)
	assert.Empty(t, cookie.Value)
	assert.Negative(t, cookie.MaxAge)
	assert.Equal(t, []string{aVisitor, daily}, erased())

	assert.Equal(t, http.StatusSeeOther, forget().Code)
	assert.Equal(t, []string{daily}, erased(), "without a cookie")
	forget("Sec-GPC", "1", "Cookie", signed(aVisitor))
	assert.Equal(t, []string{aVisitor, daily}, erased(), "what was recorded before the browser became private")
	assert.Empty(t, forget("Cookie", "visitor=no").Result().Cookies(), "the answer no stays")
	assert.Equal(t, []string{daily}, erased())
	forget("Cookie", "visitor="+aVisitor)
	assert.Equal(t, []string{daily}, erased(), "nobody can have others forgotten")
	assert.Equal(t, "/books/1", s.choose("forget", "/books/1").Header().Get("Location"))

	// no keeps its meaning.
	s.clicks.take()
	assert.Equal(t, "no", cookieOf(t, s.choose("no", "/", "Cookie", signed(aVisitor))).Value)
	assert.Empty(t, erased())

	problemOf(t, http.StatusForbidden, forget("Sec-Fetch-Site", "cross-site"))
	assert.Empty(t, erased())
	off := newShop(t, counting, withCookie(visitor.Off))
	assert.Equal(t, http.StatusSeeOther, off.choose("forget", "/privacy").Code)
	assert.Equal(t, "no", cookieOf(t, off.choose("no", "/privacy")).Value, "visitors may object to daily visitors, too")
	problemOf(t, http.StatusNotFound, off.choose("yes", "/privacy"))
	bench := newShop(t)
	assert.Equal(t, http.StatusSeeOther, bench.choose("forget", "/privacy").Code)
}

// If an erasure fails, the visitor gets an error and keeps the cookie, to try again.
func TestForgetMeLater(t *testing.T) {
	s := newShop(t, counting)
	for _, err := range []error{mq.ErrLost, mq.ErrUnconfirmed} {
		s.clicks.err = err
		answer := s.choose("forget", "/privacy", "Cookie", signed(aVisitor))
		problemOf(t, http.StatusServiceUnavailable, answer)
		assert.Empty(t, answer.Result().Cookies())
	}
	for _, missing := range []func(*setup){
		func(with *setup) { with.VisitorKey = func() []byte { return nil } },
		func(with *setup) { with.DayKey = func(time.Time) []byte { return nil } },
	} {
		s := newShop(t, counting, missing)
		answer := s.choose("forget", "/privacy", "Cookie", signed(aVisitor))
		problemOf(t, http.StatusServiceUnavailable, answer)
		assert.Empty(t, answer.Result().Cookies())
		assert.Empty(t, s.clicks.take())
		page := s.choose("forget", "/privacy", "Cookie", signed(aVisitor), "Accept", "text/html")
		checkPage(t, page.Body.String())
	}
}

// The log says nothing about clicks and visitors.
func TestClicksAreNotLogged(t *testing.T) {
	s := newShop(t, counting)
	s.add(numbered(1, nil)...)
	page := s.get("/?q=volume", "User-Agent", chrome)
	told := s.events.take()[0].headers
	link := bookLinks(t, page.Body.String())[0]
	s.opened(link)
	u, err := url.Parse(link)
	require.NoError(t, err)
	for _, record := range s.log.take() {
		line := fmt.Sprint(record)
		for _, secret := range []string{told["ce_visitor"], u.Query().Get("click"), "volume", "192.0.2.1 "} {
			assert.NotContains(t, line, secret)
		}
	}
}
