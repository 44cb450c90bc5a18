package adapter

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// post sends a form as a browser does.
func (s *shop) post(target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(http.MethodPost, target, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"}, headers...)...)
}

// signIn returns the cookie of a new session.
func (s *shop) signIn() string {
	s.t.Helper()
	answer := s.post("/insights/sign-in", url.Values{"token": {token}, "next": {"/insights/keyword?q=emma"}})
	require.Equal(s.t, http.StatusSeeOther, answer.Code, answer.Body)
	assert.Equal(s.t, "/insights/keyword?q=emma", answer.Header().Get("Location"))
	cookie, err := http.ParseSetCookie(answer.Header().Get("Set-Cookie"))
	require.NoError(s.t, err)
	assert.True(s.t, cookie.HttpOnly)
	assert.Equal(s.t, http.SameSiteStrictMode, cookie.SameSite)
	assert.WithinDuration(s.t, time.Now().Add(12*time.Hour), cookie.Expires, time.Minute)
	return cookie.Name + "=" + cookie.Value
}

func TestSignIn(t *testing.T) {
	s := insightful(t)
	for _, page := range []string{"/insights", "/insights/live", "/insights/keyword?q=emma&window=7d"} {
		answer := s.get(page)
		assert.Equal(t, http.StatusSeeOther, answer.Code, page)
		assert.Equal(t, "/insights/sign-in?"+url.Values{"next": {page}}.Encode(), answer.Header().Get("Location"))
	}
	assert.Equal(t, http.StatusOK, s.get("/insights/sign-in").Code)
	session := s.signIn()
	for _, page := range []string{"/insights", "/insights/live", "/insights/keyword?q=emma", "/api/insights/summary", "/api/insights/keywords?format=csv"} {
		answer := s.get(page, "Cookie", session)
		assert.Equal(t, http.StatusOK, answer.Code, page)
		assert.Equal(t, "private, no-store", answer.Header().Get("Cache-Control"), page)
	}
	assert.Equal(t, http.StatusUnauthorized, s.get("/api/insights/summary", "Cookie", session, "Authorization", "Bearer wrong").Code, "a wrong token isn't mended by a session")
	s.forgive()

	other := s.signIn()
	assert.Equal(t, http.StatusForbidden, s.post("/insights/sign-out", nil, "Cookie", session, "Sec-Fetch-Site", "cross-site").Code)
	answer := s.post("/insights/sign-out", nil, "Cookie", session)
	assert.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Contains(t, answer.Header().Get("Set-Cookie"), "Max-Age=0")
	assert.Equal(t, http.StatusSeeOther, s.get("/insights", "Cookie", session).Code, "the session is over, whoever has the cookie")
	assert.Equal(t, http.StatusOK, s.get("/insights", "Cookie", other).Code)
	s.post("/insights/sign-out", url.Values{"everywhere": {"1"}}, "Cookie", session)
	assert.Equal(t, http.StatusSeeOther, s.get("/insights", "Cookie", other).Code)
	assert.Equal(t, http.StatusSeeOther, s.get("/insights", "Cookie", "staff=made-up").Code)

	// With another admin token, sessions end.
	session = s.signIn()
	again, err := New(func() Options { o := s.options; o.AdminToken = "another"; return o }())
	require.NoError(t, err)
	answer = httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/insights", nil)
	request.Header.Set("Cookie", session)
	again.ServeHTTP(answer, request)
	assert.Equal(t, http.StatusSeeOther, answer.Code)
}

// Nobody can guess the token in a form, and no form leads to another site.
func TestSignInIsLimited(t *testing.T) {
	s := newShop(t)
	for range loginBurst {
		answer := s.post("/insights/sign-in", url.Values{"token": {"guess"}})
		assert.Equal(t, http.StatusForbidden, answer.Code)
		assert.Contains(t, answer.Body.String(), "not the token")
		assert.Empty(t, answer.Header().Get("Set-Cookie"))
	}
	assert.Equal(t, http.StatusTooManyRequests, s.post("/insights/sign-in", url.Values{"token": {token}}).Code, "not even with the right one")
	assert.NotContains(t, s.log.String(), "guess")
	s.forgive()
	for _, next := range []string{"https://evil.example/insights", "//evil.example/insights", "/books/1", "/insights/../x", "/insights/sign-out", "", "\\\\evil.example", "/insights\r\nX: y"} {
		answer := s.post("/insights/sign-in", url.Values{"token": {token}, "next": {next}})
		assert.Regexp(t, `^/insights$`, answer.Header().Get("Location"), next)
	}
}

// The desk shows what people have typed as text.
func TestDeskShowsTexts(t *testing.T) {
	s := insightful(t)
	hostile := []string{`<script>alert(1)</script>`, `"><img src=x>`, "=1+1", strings.Repeat("ß", 1000), "me@example.com", "+49 170 1234567", "a\u202eb"}
	for _, keyword := range hostile {
		s.count(searched(keyword, "00000009aaaaaaaa"))
	}
	session := s.signIn()
	page := s.get("/insights?tag=%22%3E%3Cb%3E&utm_source=x&window=7d", "Cookie", session)
	require.Equal(t, http.StatusOK, page.Code, s.log.String())
	page = s.get("/insights", "Cookie", session)
	assert.NotContains(t, page.Body.String(), "<script>alert")
	assert.NotContains(t, page.Body.String(), "<img")
	assert.Contains(t, page.Body.String(), "me@example.com", "staff see all")
	for _, link := range regexp.MustCompile(`href="(/insights/keyword\?[^"]*)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		assert.Equal(t, http.StatusOK, s.get(strings.ReplaceAll(link[1], "&amp;", "&"), "Cookie", session).Code, link[1])
	}
	for target, status := range map[string]int{"/insights?window=2d": 400, "/insights/keyword": 400, "/insights/keyword?q=%ff": 400, "/insights/nothing": 404} {
		answer := s.get(target, "Cookie", session, "Accept", "text/html")
		assert.Equal(t, status, answer.Code, target)
		assert.Contains(t, answer.Header().Get("Content-Type"), "text/html", target)
	}
}

// Simulated shoppers fill the desk while there is nothing else, and never otherwise.
func TestDeskShowsDemoData(t *testing.T) {
	s := newShop(t)
	session := s.signIn()
	desk := func(target string) string { return s.get(target, "Cookie", session).Body.String() }
	assert.Contains(t, desk("/insights"), "event-books demo")
	demo := searched("emma", "00000001aaaaaaaa", 1)
	demo.Surface = model.DemoSurface
	s.count(demo)
	assert.Contains(t, desk("/insights"), "These numbers are demo data.")
	assert.Contains(t, desk("/insights"), ">emma<")
	assert.NotContains(t, desk("/insights?surface="), ">emma<")
	s.count(searched("persuasion", "00000001aaaaaaaa", 1))
	assert.NotContains(t, desk("/insights"), ">emma<")
	assert.Contains(t, desk("/insights"), "Show demo data")
	assert.Contains(t, desk("/insights?surface=demo"), ">emma<")
}

// deskPages are the pages of a desk that is full of texts that don't fit.
func deskPages(s *shop) []string {
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 20)
	for _, keyword := range []string{long, strings.Repeat("🍕", 300), "שלום עולם", "吾輩は猫である"} {
		e := searched(keyword, "00000009aaaaaaaa", 1)
		e.Tag, e.Language = strings.Repeat("W", 100), "de-Latn-AT-1996"
		s.count(e)
	}
	return []string{"/insights", "/insights?window=30d&surface=page", "/insights?tag=none&language=", "/insights/keyword?q=emma", "/insights/keyword?q=" + url.QueryEscape(long), "/insights/live", "/insights?surface=demo"}
}

// signInByForm signs a browser in as staff do.
func (b *browser) signInByForm(base string) {
	b.t.Helper()
	b.open(base + "/insights/keyword?q=emma")
	require.NoError(b.t, chromedp.Do(b.tab, chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.WaitVisible("figure.history")))
}

// allowScripts lets pages run scripts, or not.
func (b *browser) allowScripts(allow bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allow})
	require.NoError(b.t, err)
}

// The desk works without JavaScript, and no page of it is wider than the screen.
func TestDeskInABrowser(t *testing.T) {
	b := newBrowser(t)
	s := insightful(t)
	pages := deskPages(s)
	base := s.serve()
	for _, scripts := range []bool{false, true} {
		b.allowScripts(scripts)
		b.signInByForm(base)
		for _, page := range pages {
			b.open(base + page)
			for _, width := range []int64{320, 768, 1280} {
				b.resize(width)
				where := fmt.Sprintf("%s, %d px, scripts %v", page, width, scripts)
				assert.LessOrEqual(t, evaluate[int64](b, `document.documentElement.scrollWidth`), width, where)
				assert.NotEmpty(t, evaluate[string](b, `document.querySelector('h1').innerText`), where)
			}
		}
		b.open(base + "/insights")
		require.NoError(t, chromedp.Do(b.tab, chromedp.Click(`form.out button`), chromedp.WaitVisible("#token")))
	}
}

// Numbers of an open page follow what happens.
func TestDeskRefreshes(t *testing.T) {
	b := newBrowser(t)
	s := insightful(t)
	base := s.serve()
	b.signInByForm(base)
	b.open(base + "/insights")
	s.count(searched("persuasion", "00000005aaaaaaaa", 2))
	require.Eventually(t, func() bool {
		return evaluate[bool](b, `[...document.querySelectorAll('tbody th')].some(e => e.innerText === 'persuasion')`)
	}, time.Minute, 50*time.Millisecond)
}

// The live feed's page shows what people type as text.
func TestDeskShowsLiveSearches(t *testing.T) {
	b := newBrowser(t)
	f := &feed{searches: make(chan *model.LiveSearch), ctx: make(chan context.Context, 9)}
	s := insightful(t)
	s.live.Searches = f
	base := s.serve()
	b.signInByForm(base)
	b.open(base + "/insights/live")
	<-f.ctx
	const hostile = `<img src=x onerror="document.title='broken'">`
	f.searches <- &model.LiveSearch{SearchID: "1", Time: time.Now().UTC(), Keyword: hostile, Surface: model.PageSurface, Agent: model.PersonAgent, Match: model.NoMatch}
	require.NoError(t, chromedp.Do(b.tab, chromedp.WaitVisible("#live tbody th a")))
	assert.Equal(t, hostile, evaluate[string](b, `document.querySelector('#live tbody th a').textContent`))
	assert.Zero(t, evaluate[int](b, `document.querySelectorAll('#live img').length`))
	close(f.searches)
}

// axe has no complaint about any page of the desk.
func TestDeskIsAccessible(t *testing.T) {
	b := newAccessibleBrowser(t)
	s := insightful(t)
	pages := append(deskPages(s), "/insights/sign-in?next=/insights/live")
	base := s.serve()
	b.signInByForm(base)
	for _, page := range pages {
		b.checkAccessible(page, base+page)
	}
}
