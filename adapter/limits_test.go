package adapter

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRateLimit(t *testing.T) {
	s := newShop(t, func(with *setup) { with.RateLimit = 2 })
	answered := func(n int, target string, headers ...string) (answered int) {
		for range n {
			switch answer := s.get(target, headers...); answer.Code {
			case http.StatusOK:
				answered++
			default:
				require.Equal(t, http.StatusTooManyRequests, answer.Code)
				assert.NotEmpty(t, answer.Header().Get("Retry-After"))
			}
		}
		return answered
	}
	// In a slow test, the bucket gets some tokens back.
	assert.InDelta(t, 10, answered(30, "/api/books", "User-Agent", chrome), 3)
	for _, target := range []string{"/livez", "/readyz", "/robots.txt", "/static/shop.css"} {
		assert.Equal(t, 5, answered(5, target), target)
	}
	assert.Equal(t, 20, answered(20, "/api/books", "Authorization", "Bearer "+token), "staff")
	assert.Equal(t, "your address has sent too many requests", problemOf(t, http.StatusTooManyRequests, s.get("/api/books", "User-Agent", chrome)).Detail)
	page := s.get("/", "User-Agent", chrome, "Accept", "text/html")
	assert.Equal(t, http.StatusTooManyRequests, page.Code)
	assert.Contains(t, page.Body.String(), "<h1")

	s = newShop(t, func(with *setup) { with.RateLimit = 2; with.TrustedProxies = []string{"192.0.2.1"} })
	assert.InDelta(t, 2, answered(10, "/api/books", "User-Agent", "Googlebot/2.1", "X-Forwarded-For", "203.0.113.1"), 1, "crawlers get a fifth")
	assert.Equal(t, 5, answered(5, "/api/books", "User-Agent", chrome, "X-Forwarded-For", "203.0.113.2"), "another client")
	ipv6 := func(host int) []string {
		return []string{"User-Agent", chrome, "X-Forwarded-For", fmt.Sprintf("2001:db8::%x", host)}
	}
	for i := range 15 {
		s.get("/api/books", ipv6(i)...)
	}
	assert.Equal(t, http.StatusTooManyRequests, s.get("/api/books", ipv6(99)...).Code, "one IPv6 client has many addresses")

	assert.Equal(t, 50, func() int { s = newShop(t); return answered(50, "/api/books", "User-Agent", chrome) }(), "no limit by default")
}

func TestLimitersForgetClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiters{limit: 1, burst: 5}
		empty := func(client string) {
			t.Helper()
			require.Zero(t, l.take(client, 5, time.Now()))
			require.Positive(t, l.take(client, 1, time.Now()))
		}
		empty("old")
		time.Sleep(4 * time.Second)
		empty("recent")
		time.Sleep(2 * time.Second)
		empty("new")
		require.Positive(t, l.take("recent", 3, time.Now()), "its bucket isn't full yet")
		time.Sleep(6 * time.Second)
		empty("another")
		assert.Len(t, l.recent, 1)
		assert.NotContains(t, l.before, "old", "its bucket is full again")

		for i := range 2 * maxClients {
			require.Zero(t, l.take(fmt.Sprint(i), 5, time.Now()))
			require.LessOrEqual(t, len(l.recent)+len(l.before), maxClients)
		}
		assert.Positive(t, l.take(fmt.Sprint(2*maxClients-1), 1, time.Now()), "of too many clients, the recent ones are remembered")
	})
}

func TestWrongTokensSlowTheirClientDown(t *testing.T) {
	s := newShop(t, func(with *setup) { with.TrustedProxies = []string{"192.0.2.1"} })
	try := func(client, token string) int {
		return s.do("DELETE", "/api/books/1", "", "Authorization", "Bearer "+token, "X-Forwarded-For", client).Code
	}
	assert.Equal(t, http.StatusNotFound, try("203.0.113.1", token))
	for range loginBurst {
		assert.Equal(t, http.StatusUnauthorized, try("203.0.113.1", "wrong token"))
	}
	logged := 0
	for _, record := range s.log.take() {
		assert.NotContains(t, fmt.Sprint(record), "wrong token", "no log line has the token itself")
		if record["msg"] == "wrong admin token" {
			assert.Equal(t, "203.0.113.1", record["client"])
			logged++
		}
	}
	assert.Equal(t, loginBurst, logged)
	assert.Equal(t, http.StatusTooManyRequests, try("203.0.113.1", "another"))
	assert.Equal(t, http.StatusTooManyRequests, try("203.0.113.1", token), "otherwise guessing would go on unhindered")
	assert.Equal(t, http.StatusNotFound, try("203.0.113.2", token))
	ready := s.get("/readyz", "Authorization", "Bearer "+token, "X-Forwarded-For", "203.0.113.1")
	assert.Equal(t, http.StatusOK, ready.Code, "the shop is ready all the same")
	assert.NotContains(t, ready.Body.String(), "events")
	assert.Regexp(t, `"hint":"your address has sent too many wrong tokens: wait [12] s`, ready.Body.String())
}

func TestLongPathsAreCutInTheLog(t *testing.T) {
	s := newShop(t)
	s.do("PROPFIND"+strings.Repeat("X", 1000), "/"+strings.Repeat("é", 100_000), "")
	for _, record := range s.log.take() {
		assert.Less(t, len(fmt.Sprint(record)), 1000)
	}
}

func TestHTTPSBehindAProxy(t *testing.T) {
	const header = "Strict-Transport-Security"
	behind := func(with *setup) { with.TrustedProxies = []string{"192.0.2.1"} }
	assert.Empty(t, newShop(t).get("/", "X-Forwarded-Proto", "https").Header().Get(header), "an unknown proxy")
	assert.Empty(t, newShop(t, behind).get("/", "X-Forwarded-Proto", "http").Header().Get(header))
	assert.NotEmpty(t, newShop(t, behind).get("/", "X-Forwarded-Proto", "https").Header().Get(header))
	assert.NotEmpty(t, newShop(t, atBase("https://shop.example")).get("/").Header().Get(header))

	s := newShop(t, behind)
	assert.True(t, cookieOf(t, s.choose("yes", "/", "X-Forwarded-Proto", "https")).Secure)
	assert.False(t, cookieOf(t, s.choose("yes", "/")).Secure)
}

// A proxy may pass requests on under another host.
func TestBaseURLIsTrusted(t *testing.T) {
	s := newShop(t, atBase("https://shop.example/books"))
	same := []string{"Sec-Fetch-Site", "", "Origin", "https://shop.example"}
	assert.Equal(t, http.StatusSeeOther, s.choose("yes", "/", same...).Code)
	assert.Equal(t, http.StatusForbidden, s.choose("yes", "/", "Sec-Fetch-Site", "", "Origin", "https://evil.example").Code)
}

func TestRequestMetrics(t *testing.T) {
	s := newShop(t)
	s.get("/")
	s.get("/books/9")
	for i := range 100 {
		s.get(fmt.Sprintf("/nowhere/%d", i))
		s.do(fmt.Sprintf("METHOD%d", i), "/", "")
	}
	assert.Equal(t, 4, testutil.CollectAndCount(s.Metrics(), "event_books_http_request_duration_seconds"), "requests choose no time series")
	var text strings.Builder
	assert.NoError(t, testutil.CollectAndCompare(s.Metrics(), strings.NewReader("# HELP event_books_http_requests_in_flight Requests that are being answered.\n# TYPE event_books_http_requests_in_flight gauge\nevent_books_http_requests_in_flight 0\n"), "event_books_http_requests_in_flight"), text.String())
}
