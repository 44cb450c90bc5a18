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

	"literank.com/event-books/domain/gateway"
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
	s.post("/insights/sign-out", url.Values{"everywhere": {"1"}})
	assert.Equal(t, http.StatusOK, s.get("/insights", "Cookie", other).Code, "strangers can't sign staff out")
	assert.Equal(t, http.StatusOK, s.get("/insights", "Cookie", "staff=made-up; "+other).Code, "another shop on the host may have a cookie, too")
	s.post("/insights/sign-out", url.Values{"everywhere": {"1"}}, "Cookie", other)
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
	for _, link := range []string{"/insights?tag=letter", "/insights?tag=", "/insights?language=en-GB", "/insights?surface=api"} {
		assert.Contains(t, page.Body.String(), `href="`+link+`"`, "parts lead to their own numbers")
		assert.Equal(t, http.StatusOK, s.get(link, "Cookie", session).Code)
	}
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

// One press hides a keyword from the public, in all its spellings.
func TestStaffHideKeywords(t *testing.T) {
	s := insightful(t)
	session := s.signIn()
	public := func() string { return s.get("/api/trends").Body.String() }
	require.Contains(t, public(), `"query":"emma"`)
	hide := func(choice string) {
		t.Helper()
		answer := s.post("/insights/hide", url.Values{"q": {"EMMA"}, "hide": {choice}}, "Cookie", session)
		require.Equal(t, http.StatusSeeOther, answer.Code, answer.Body)
		assert.Equal(t, "/insights/keyword?q=EMMA", answer.Header().Get("Location"))
		s.refreshed(func() bool { return strings.Contains(public(), `"query":"emma"`) == (choice == "no") })
	}
	page := func() string { return s.get("/insights/keyword?q=emma", "Cookie", session).Body.String() }
	assert.Contains(t, page(), "Hide from public trends")
	hide("yes")
	assert.Contains(t, page(), "Show it again")
	assert.Contains(t, s.get("/insights", "Cookie", session).Body.String(), ">emma<", "staff see all")
	assert.NotContains(t, s.get("/").Body.String(), ">emma<")
	hide("no")
	assert.Equal(t, http.StatusUnauthorized, s.post("/insights/hide", url.Values{"q": {"emma"}, "hide": {"yes"}}).Code)
	assert.Equal(t, http.StatusForbidden, s.post("/insights/hide", url.Values{"q": {"emma"}, "hide": {"yes"}}, "Cookie", session, "Sec-Fetch-Site", "cross-site").Code)
	assert.Equal(t, http.StatusBadRequest, s.post("/insights/hide", url.Values{"hide": {"yes"}}, "Cookie", session).Code)
}

// refreshed refreshes the board until a condition holds: it looks for hidden keywords twice a second.
func (s *shop) refreshed(condition func() bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.board.Refresh(s.t.Context()) == nil && condition() }, time.Minute, 20*time.Millisecond)
}

// deskPages are the pages of a desk that is full of texts that don't fit.
func deskPages(s *shop) []string {
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 20)
	for _, keyword := range []string{long, strings.Repeat("🍕", 300), "שלום עולם", "吾輩は猫である"} {
		e := searched(keyword, "00000009aaaaaaaa", 1)
		e.Tag, e.Language = strings.Repeat("W", 100), "de-Latn-AT-1996"
		s.count(e)
	}
	s.desk.Pipeline = &pipes{letters: []*model.DeadLetter{{ID: "1", Reason: long, Topic: "lr-book-searches", Record: model.DeadRecord{Key: long, Value: []byte(long), Headers: []model.Header{{Key: "ce_id", Value: []byte(long)}}}}}}
	s.missed(strings.Repeat("Donaudampf", 50), "00000009aaaaaaaa")
	s.missed("9780306406157", "00000009aaaaaaaa")
	s.refresh()
	return []string{"/insights/orders", "/insights/orders?state=ignored", "/insights/health", "/insights/dead-letter?id=1", "/insights/event?id=1", "/insights/event?id=2", "/insights", "/insights?window=30d&surface=page", "/insights?tag=none&language=", "/insights/keyword?q=emma", "/insights/keyword?q=" + url.QueryEscape(long), "/insights/live", "/insights?surface=demo"}
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

// pipes is a gateway.Pipeline of a test.
type pipes struct {
	letters []*model.DeadLetter
	retry   error
	broken  error
	retried []string
}

func (p *pipes) Consumers(context.Context) ([]model.ConsumerStats, error) {
	return []model.ConsumerStats{
		{Group: "trends", Topic: "lr-book-searches", Partitions: 3, Lag: 1234, Tally: model.Tally{Handled: 5678, Late: 9}},
		{Group: "trends-clicks", Topic: "lr-book-clicks", Partitions: 3, Lag: -1},
	}, nil
}

func (p *pipes) EachDeadLetter(_ context.Context, visit func(*model.DeadLetter) error) error {
	for _, l := range p.letters {
		if err := visit(l); err != nil {
			return err
		}
	}
	return p.broken
}

func (p *pipes) DeadLetter(_ context.Context, id string) (*model.DeadLetter, error) {
	for _, l := range p.letters {
		if l.ID == id {
			return l, nil
		}
	}
	return nil, gateway.ErrNoDeadLetter
}

func (p *pipes) FindSearch(_ context.Context, id string) (*model.Record, error) {
	for _, l := range p.letters {
		if l.ID == id {
			return &model.Record{Shard: model.Shard{Stream: l.Topic, Number: 2}, Position: 345, Key: l.Record.Key, Value: l.Record.Value, Headers: l.Record.Headers}, nil
		}
	}
	return nil, p.broken
}

func (p *pipes) RetryDeadLetter(_ context.Context, id string) error {
	p.retried = append(p.retried, id)
	return p.retry
}

// Staff look at the pipeline and into dead letters, and put them back.
func TestDeskShowsThePipeline(t *testing.T) {
	p := &pipes{}
	s := newShop(t, func(with *setup) { with.Pipeline = p })
	s.health.stats.Waiting, s.health.stats.Filling = 77, true
	session := s.signIn()
	desk := func(target string) string {
		t.Helper()
		answer := s.get(target, "Cookie", session, "Accept", "text/html")
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		return answer.Body.String()
	}
	page := desk("/insights/health")
	for _, text := range []string{"1,234", "5,678", "unknown", ">77 <strong>filling", "There are none."} {
		assert.Contains(t, page, text)
	}
	for i := range 60 {
		p.letters = append(p.letters, &model.DeadLetter{ID: fmt.Sprint(i), Reason: "ce_offset: isn't a number", Group: "trends", Topic: "lr-book-searches", Offset: 9})
	}
	p.letters = append(p.letters, &model.DeadLetter{ID: "lr-book-searches/0/7", Reason: "too large <b>", Topic: "lr-book-searches", Record: model.DeadRecord{
		Key: "<i>key", Value: []byte("<script>\xff" + strings.Repeat("x", 100_000)), Headers: []model.Header{{Key: "ce_id", Value: []byte("\xff<u>")}},
	}})
	page = desk("/insights/health")
	assert.Contains(t, page, "The last 50 of 61.")
	assert.Contains(t, page, `href="/insights/dead-letter?id=lr-book-searches%2F0%2F7"`)
	p.broken = assert.AnError
	assert.Contains(t, desk("/insights/health"), "Not all dead letters can be read")
	p.broken = nil
	page = desk("/insights/dead-letter?id=lr-book-searches%2F0%2F7")
	for _, text := range []string{"Kafka", "&lt;script&gt;", "&lt;i&gt;key", "isn’t text", "begin of the value"} {
		assert.Contains(t, page, text)
	}
	assert.NotContains(t, page, "<script>\ufffd")
	for _, id := range []string{"", "999"} {
		assert.Equal(t, http.StatusNotFound, s.get("/insights/dead-letter?id="+id, "Cookie", session, "Accept", "text/html").Code)
	}

	send := func() *httptest.ResponseRecorder {
		return s.post("/insights/dead-letter", url.Values{"id": {"lr-book-searches/0/7"}}, "Cookie", session)
	}
	assert.Equal(t, "/insights/health", send().Header().Get("Location"))
	assert.Equal(t, []string{"lr-book-searches/0/7"}, p.retried)
	p.retry = assert.AnError
	again := send().Header().Get("Location")
	assert.Contains(t, desk(again), "rejected again")
	p.retry = gateway.ErrNoDeadLetter
	assert.Equal(t, http.StatusNotFound, send().Code)
	p.retry = &model.Error{Code: model.UnavailableNow}
	assert.Equal(t, http.StatusServiceUnavailable, send().Code)
	assert.Equal(t, http.StatusUnauthorized, s.post("/insights/dead-letter", url.Values{"id": {"1"}}).Code)
}

// Staff see their own searches as events.
func TestStaffSeeASearchAsAnEvent(t *testing.T) {
	p := &pipes{}
	s := newShop(t, func(with *setup) { with.Pipeline = p })
	s.add(&model.Book{Title: "Emma"})
	session := s.signIn()
	assert.NotContains(t, s.get("/?q=emma").Body.String(), "as an event")
	page := s.get("/?q=emma", "Cookie", session)
	link := "/insights/event?id=" + page.Header().Get("X-Search-Id")
	require.Contains(t, page.Body.String(), `href="`+link+`"`)
	assert.NotContains(t, s.get("/", "Cookie", session).Body.String(), "as an event", "that is no search")
	assert.Contains(t, s.get(link, "Cookie", session).Body.String(), "still in the spool")
	p.letters = []*model.DeadLetter{{ID: page.Header().Get("X-Search-Id"), Topic: "lr-book-searches", Record: model.DeadRecord{Key: "<b>", Value: []byte("[]"), Headers: []model.Header{{Key: "ce_tag", Value: []byte("<i>")}}}}}
	body := s.get(link, "Cookie", session).Body.String()
	for _, text := range []string{"lr-book-searches, partition 2, offset 345", "&lt;b&gt;", "&lt;i&gt;", "ce_tag"} {
		assert.Contains(t, body, text)
	}
	p.letters, p.broken = nil, assert.AnError
	assert.Equal(t, http.StatusServiceUnavailable, s.get(link, "Cookie", session).Code)
	assert.Equal(t, http.StatusSeeOther, s.get(link).Code)
}
