package adapter

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/application/orders"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
	"literank.com/event-books/infrastructure/index"
)

// missed counts a search of a visitor on a page that found nothing.
func (s *shop) missed(keyword, visitor string) *trend.Search {
	s.t.Helper()
	e := searched(keyword, visitor)
	e.Public, e.Facts = "", trend.Searched|trend.Empty
	s.count(e)
	return e
}

// refresh brings the order list up to date.
func (s *shop) refresh() {
	s.t.Helper()
	require.NoError(s.t, s.orders.Refresh(s.t.Context()))
}

// ordersOf reads the order list.
func (s *shop) ordersOf(parameters string) []orders.Entry {
	s.t.Helper()
	s.refresh()
	return insight[[]orders.Entry](s, "/api/insights/orders?"+parameters)
}

// ask presses the button of an empty result.
func (s *shop) ask(keyword string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.post("/requests", url.Values{"q": {keyword}, "back": {"/?" + url.Values{"q": {keyword}, "tag": {"letter"}}.Encode()}}, append([]string{"User-Agent", chrome}, headers...)...)
}

func TestOrderList(t *testing.T) {
	s := newShop(t, counting)
	const one, two, three = "00000001aaaaaaaa", "00000002aaaaaaaa", "00000003aaaaaaaa"
	for _, visitor := range []string{one, two, three} {
		s.missed("Murderbot", visitor)
	}
	s.missed("Murdrebot", three)
	s.missed("978-0-306-40615-7", one)
	s.missed("Wanted by one", one)
	rescued := searched("dragoms", two, 1)
	rescued.Public, rescued.Facts = "dragons", trend.Searched|trend.Empty|trend.Shown
	bot, demo, earlier := searched("spider", ""), searched("imagined", one), searched("murderbot", one)
	bot.Bot, bot.Facts = true, trend.Searched|trend.Empty
	demo.Surface, demo.Facts = model.DemoSurface, trend.Searched|trend.Empty
	earlier.At, earlier.Facts = time.Now().AddDate(0, 0, -9), trend.Searched|trend.Empty
	s.count(rescued, bot, demo, earlier, searched("found", one, 1))
	require.Equal(t, http.StatusSeeOther, s.ask("Wanted by one").Code)

	list := s.ordersOf("")
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprint(e.Keyword, " ", e.Kind, " ", e.Requests, e.DailyVisitors, e.Searches, e.Rescued, e.Week, e.WeekBefore, " ", e.Spellings))
	}
	assert.Equal(t, []string{
		"978-0-306-40615-7 isbn 0 1 1 0 1 0 []", "Wanted by one requests 1 1 1 0 1 0 []",
		"Murderbot searches 0 4 5 0 4 1 [murdrebot]", "dragoms rescued 0 1 1 1 1 0 []",
	}, got)
	assert.Equal(t, "9780306406157", list[0].ISBN)
	assert.WithinDuration(t, time.Now(), list[2].LastAsked, trend.BucketLength+time.Minute)
	assert.Len(t, insight[[]orders.Entry](s, "/api/insights/orders?ps=2&o=3"), 1)
	assert.Empty(t, insight[[]orders.Entry](s, "/api/insights/orders?o=9"))
	assert.Empty(t, insight[[]orders.Entry](s, "/api/insights/orders?state=done"))

	murderbot := "/api/insights/orders/" + list[2].ID
	require.Equal(t, http.StatusOK, s.staff(http.MethodPost, murderbot, `{"state": "ordered", "note": "by Friday"}`).Code)
	assert.Equal(t, []string{"ordered", "by Friday"}, entryOf(insight[[]orders.Entry](s, "/api/insights/orders?state=ordered")), "at once")
	assert.Equal(t, []string{"ordered", "by Friday"}, entryOf(s.ordersOf("state=ordered")))
	require.Equal(t, http.StatusOK, s.staff(http.MethodPost, murderbot, `{"state": "ignored"}`).Code)
	assert.Equal(t, []string{"ignored", "by Friday"}, entryOf(s.ordersOf("state=ignored")), "the note stays")
	assert.Len(t, s.ordersOf(""), 3)
	for body, field := range map[string]string{`{"state": "lost"}`: "state", `{}`: "state", `{"state": "open", "note": "` + strings.Repeat("й", 201) + `"}`: "note", `{"state": "open", "note": "a\nb"}`: "note"} {
		assert.Equal(t, field, problemOf(t, http.StatusUnprocessableEntity, s.staff(http.MethodPost, murderbot, body)).Field, body)
	}
	problemOf(t, http.StatusNotFound, s.staff(http.MethodPost, "/api/insights/orders/"+demand.ID("nothing"), `{"state": "open"}`))
	problemOf(t, http.StatusBadRequest, s.staff(http.MethodPost, murderbot, `{"state": "open", "book": 7}`))
}

func entryOf(list []orders.Entry) []string {
	if len(list) != 1 {
		return nil
	}
	return []string{string(list[0].State), list[0].Note}
}

// An entry is done when the shop has a book for it, whatever the spelling; what came before and after
// stands beside it.
func TestOrdersAreDone(t *testing.T) {
	s := newShop(t, withEngine(t))
	const one, two = "00000001aaaaaaaa", "00000002aaaaaaaa"
	for _, e := range []*trend.Search{searched("Murdrebot", one), searched("Murdrebot", two), searched("Murderbot", one)} {
		e.At, e.Facts, e.Public = time.Now().Add(-time.Hour), trend.Searched|trend.Empty, ""
		s.count(e)
	}
	s.missed("0-306-40615-2", one)
	s.missed("something else", one)
	require.Len(t, s.ordersOf(""), 3)
	s.add(&model.Book{Title: "All Systems Red: The Murderbot Diaries", Author: "Martha Wells"}, &model.Book{Title: "An ISBN", ISBN: "9780306406157"})
	s.refresh() // closes them
	assert.Equal(t, []string{"something else"}, keywordsOfOrders(s.ordersOf("")))
	found := searched("murderbot", two, 1)
	s.count(found)
	s.click(found, 1, 1)
	done := s.ordersOf("state=done")
	require.Equal(t, []string{"0-306-40615-2", "Murdrebot"}, keywordsOfOrders(done))
	assert.Equal(t, "An ISBN", done[0].Book.Title)
	assert.Equal(t, uint(1), done[1].Book.ID)
	assert.WithinDuration(t, time.Now(), *done[1].ClosedAt, time.Minute)
	assert.Equal(t, orders.Effect{Searches: 1}, *done[0].Before, "in the half hour of the closing")
	assert.Equal(t, orders.Effect{Searches: 3}, *done[1].Before)
	assert.Equal(t, orders.Effect{Searches: 1, Found: 1, Clicks: 1}, *done[1].After)

	// Books leave the shop. Who asks for one then opens the entry again.
	require.NoError(t, s.copy.Apply(nil, []uint{1}, index.Position{}))
	require.Equal(t, http.StatusSeeOther, s.ask("Murdrebot").Code)
	assert.ElementsMatch(t, []string{"something else", "Murdrebot"}, keywordsOfOrders(s.ordersOf("")))
}

func keywordsOfOrders(list []orders.Entry) (keywords []string) {
	for _, e := range list {
		keywords = append(keywords, e.Keyword)
	}
	return keywords
}

func TestRequests(t *testing.T) {
	s := newShop(t, counting)
	s.add(&model.Book{Title: "Emma"})
	page := s.get("/?q=No%20such%20%26%20book&tag=letter", "User-Agent", chrome).Body.String()
	assert.Contains(t, page, "Ask the shop for this book")
	assert.Contains(t, page, `name="q" value="No such &amp; book"`)
	for _, without := range []string{"/?q=emma", "/", "/?q=none&author=Nobody", "/?q=emma&o=20", "/?author=Nobody"} {
		assert.NotContains(t, s.get(without, "User-Agent", chrome).Body.String(), "Ask the shop", without)
	}
	answer := s.ask("No such & book")
	require.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Equal(t, "/?q=No+such+%26+book&requested=1&tag=letter", answer.Header().Get("Location"))
	assert.Empty(t, answer.Header().Get("Set-Cookie"))
	page = s.get(answer.Header().Get("Location"), "User-Agent", chrome).Body.String()
	assert.Contains(t, page, "The shop now knows that you would like this book")
	assert.NotContains(t, page, "Ask the shop")

	s.ask("NO SUCH & BOOK")
	requests := func(keyword string) int64 {
		for _, e := range s.ordersOf("state=all") {
			if model.Fold(e.Keyword) == keyword {
				return e.Requests
			}
		}
		return 0
	}
	assert.Equal(t, int64(1), requests("no such & book"), "once for each visitor")
	s.ask("no such & book", "User-Agent", chrome+" another browser")
	assert.Equal(t, int64(2), requests("no such & book"))
	for range 3 { // nobody can tell them apart
		s.ask("no such & book", "Sec-GPC", "1")
		s.ask("no such & book", "DNT", "1", "User-Agent", chrome+" another browser")
	}
	assert.Equal(t, int64(3), requests("no such & book"))
	s.ask("emma")
	assert.Zero(t, requests("emma"), "the shop has it")

	assert.Equal(t, http.StatusForbidden, s.ask("bots", "User-Agent", "Googlebot/2.1").Code)
	assert.Equal(t, http.StatusForbidden, s.ask("others", "Sec-Fetch-Site", "cross-site").Code)
	assert.Equal(t, http.StatusUnauthorized, s.ask("pretended", demoHeader, "guess").Code)
	assert.Equal(t, http.StatusSeeOther, s.ask("imagined", demoHeader, token).Code)
	for _, keyword := range []string{"", " ", "\xff", strings.Repeat("a", 1001), "a\x00"} {
		assert.Equal(t, http.StatusBadRequest, s.ask(keyword).Code, keyword)
	}
	assert.Equal(t, http.StatusRequestEntityTooLarge, s.ask(strings.Repeat("a", maxBody)).Code)
	assert.Equal(t, []string{"NO SUCH & BOOK"}, upper(keywordsOfOrders(s.ordersOf("state=all"))))
	for _, back := range []string{"", "//evil.example/?q=x", "https://evil.example", "/books/1", "/?sort=title"} {
		answer := s.post("/requests", url.Values{"q": {"x y"}, "back": {back}}, "User-Agent", chrome)
		assert.Equal(t, "/?q=x+y&requested=1", answer.Header().Get("Location"), back)
	}
	assert.NotContains(t, s.log.String(), "such")
	noKey := newShop(t, func(with *setup) { with.VisitorKey = func() []byte { return nil } })
	assert.Equal(t, http.StatusServiceUnavailable, noKey.ask("x").Code)
	assert.Contains(t, s.get("/privacy").Body.String(), "Ask the shop for this book")
}

func upper(list []string) []string {
	for i := range list {
		list[i] = strings.ToUpper(list[i])
	}
	return list
}

// hostileKeywords are what people type, too.
var hostileKeywords = []string{`<script>alert(1)</script>`, `"><img src=x>`, "=1+1", strings.Repeat("ß", 1000), "me@example.com", "+49 170 1234567", "a\u202eb", "@SUM(1)"}

func TestDeskShowsTheOrderList(t *testing.T) {
	s := newShop(t, counting)
	s.add(&model.Book{Title: "Emma"}, &model.Book{Title: "Sold out", Availability: model.Unavailable})
	for _, keyword := range hostileKeywords {
		s.missed(keyword, "00000009aaaaaaaa")
		require.Equal(t, http.StatusSeeOther, s.ask(keyword).Code)
	}
	for i := range 6 {
		s.count(searched("unopened", fmt.Sprintf("0000000%daaaaaaaa", i), 1))
	}
	opened := searched("sold", "00000001aaaaaaaa", 2)
	s.count(opened)
	s.click(opened, 2, 1)
	s.refresh()
	assert.Equal(t, http.StatusSeeOther, s.get("/insights/orders").Code, "only for staff")
	assert.Equal(t, http.StatusSeeOther, s.post("/insights/orders", nil).Code)
	session := s.signIn()
	page := s.get("/insights/orders?utm_source=x", "Cookie", session)
	require.Equal(t, http.StatusOK, page.Code, s.log.String())
	body := page.Body.String()
	assert.NotContains(t, body, "<script>alert")
	assert.NotContains(t, body, "<img")
	for _, keyword := range append(hostileKeywords[4:6:6], "unopened", "Sold out", "8 entries") {
		assert.Contains(t, html.UnescapeString(body), keyword)
	}
	rows := s.table("/api/insights/orders?format=csv&ps=1000")
	assert.Len(t, rows, 1+len(hostileKeywords))
	for _, row := range rows[1:] {
		assert.NotRegexp(t, "^[=+@-]", row[1])
		assert.Len(t, row, len(rows[0]))
	}

	id := demand.ID("=1+1")
	answer := s.post("/insights/orders", url.Values{"id": {id}, "state": {"ignored"}, "note": {"=cmd()"}, "shown": {"open"}}, "Cookie", session)
	require.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Equal(t, "/insights/orders?state=open", answer.Header().Get("Location"))
	assert.NotContains(t, s.get("/insights/orders", "Cookie", session).Body.String(), id)
	assert.Contains(t, s.get("/insights/orders?state=ignored", "Cookie", session).Body.String(), `value="=cmd()"`)
	assert.Equal(t, "'=cmd()", s.table("/api/insights/orders?format=csv&state=ignored")[1][14])
	assert.Equal(t, http.StatusForbidden, s.post("/insights/orders", url.Values{"id": {id}, "state": {"open"}}, "Cookie", session, "Sec-Fetch-Site", "cross-site").Code)
	for form, status := range map[string]int{"id=x&state=open": 404, "id=" + id + "&state=x": 422, "id=" + id + "&state=open&note=" + strings.Repeat("a", 201): 422} {
		values, err := url.ParseQuery(form)
		require.NoError(t, err)
		assert.Equal(t, status, s.post("/insights/orders", values, "Cookie", session).Code, form)
	}
	assert.Equal(t, http.StatusBadRequest, s.get("/insights/orders?state=x", "Cookie", session).Code)
}

// Button and list work in a browser, on small screens and large ones.
func TestOrdersInABrowser(t *testing.T) {
	b := newBrowser(t)
	s := newShop(t, counting)
	for _, keyword := range append(hostileKeywords, strings.Repeat("Donaudampfschifffahrtsgesellschaft", 20), strings.Repeat("🍕", 300)) {
		s.missed(keyword, "00000009aaaaaaaa")
	}
	base := s.serve()
	fits := func(where string) {
		t.Helper()
		for _, width := range []int64{320, 1280} {
			b.resize(width)
			assert.LessOrEqual(t, evaluate[int64](b, `document.documentElement.scrollWidth`), width, where)
		}
	}
	b.open(base + "/?q=a+book+of+" + strings.Repeat("Donaudampf", 10))
	_, err := chromedp.Call(b.tab, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: chrome}) // a headless one is a bot
	require.NoError(t, err)
	fits("an empty result")
	require.NoError(t, chromedp.Do(b.tab, chromedp.Click("form.ask button"), chromedp.WaitVisible(`[role="status"]`)))
	fits("the confirmation")
	s.refresh()
	b.open(base + "/insights/orders")
	require.NoError(t, chromedp.Do(b.tab, chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.WaitVisible("table.orders")))
	fits("the list")
	assert.Equal(t, "1", evaluate[string](b, `document.querySelector("table.orders tbody td").textContent`), "the request comes first")
	require.NoError(t, chromedp.Do(b.tab, chromedp.SetValue("table.orders select", "ignored"), chromedp.Click("table.orders button")))
	require.Eventually(t, func() bool {
		return evaluate[string](b, `document.querySelector("table.orders tbody td")?.textContent ?? ""`) == "0"
	}, 20*time.Second, 20*time.Millisecond, "the ignored entry has left the list")
}
