//go:build unix

package e2e

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var bookID = regexp.MustCompile(`class="book" href="/books/(\d+)`)

// agree says yes and returns the visitor's cookie.
func agree(t *testing.T, address string) string {
	t.Helper()
	answer := visited(t, http.MethodPost, address+"/visitor", url.Values{"choice": {"yes"}, "back": {"/"}})
	cookie, _, _ := strings.Cut(answer.header.Get("Set-Cookie"), ";")
	require.Contains(t, cookie, "visitor=")
	return cookie
}

// openFirst opens the first n books of a result.
func openFirst(t *testing.T, address, cookie, query string, n int) {
	t.Helper()
	page := visited(t, http.MethodGet, address+"/?q="+query, nil, "Cookie", cookie)
	links := bookLink.FindAllStringSubmatch(page.body, -1)
	require.GreaterOrEqual(t, len(links), n)
	for _, link := range links[:n] {
		require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, address+html.UnescapeString(link[1]), nil, "Cookie", cookie).code)
	}
}

// reasons returns the reasons of recommendations.
func reasons(t *testing.T, address, cookie string) (all []string) {
	t.Helper()
	var list []struct{ Reason string }
	require.NoError(t, json.Unmarshal([]byte(visited(t, http.MethodGet, address, nil, "Cookie", cookie).body), &list))
	for _, r := range list {
		all = append(all, r.Reason)
	}
	return all
}

// From a click over the topic to the home page of another visitor, and the same for an erasure. The
// consumer is a process of its own.
func TestRecommendationsFollowFromClicks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := start(t, dir, nil, "broker")
	broker.eventually("the broker listens", func() bool { return broker.log.Attr("broker: listening", "addr") != "" })
	environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + broker.log.Attr("broker: listening", "addr")}
	web := start(t, dir, environ, "web")
	address := web.ready()
	web.stocked()
	consumer := start(t, dir, environ, "interests")
	var crowd []string
	for range 3 {
		cookie := agree(t, address)
		openFirst(t, address, cookie, "love", 2)
		crowd = append(crowd, cookie)
	}
	cookie := agree(t, address)
	openFirst(t, address, cookie, "love", 1)
	web.eventually("there is something for the visitor", func() bool {
		list := reasons(t, address+"/api/recommendations", cookie)
		return len(list) > 0 && strings.HasPrefix(list[0], "because you opened “")
	})
	related := bookID.FindStringSubmatch(visited(t, http.MethodGet, address+"/?q=love", nil).body)
	require.NotNil(t, related)
	alsoOpened := func() bool {
		list := reasons(t, address+"/api/books/"+related[1]+"/related", cookie)
		return len(list) > 0 && strings.HasPrefix(list[0], "readers of “")
	}
	web.eventually("readers also opened another book", alsoOpened)
	assert.Contains(t, visited(t, http.MethodGet, address+"/", nil, "Cookie", cookie).body, "For you")

	require.Equal(t, http.StatusSeeOther, visited(t, http.MethodPost, address+"/visitor", url.Values{"choice": {"forget"}, "back": {"/"}}, "Cookie", crowd[0]).code)
	web.eventually("two visitors are no crowd", func() bool { return !alsoOpened() })
	assert.Equal(t, 0, consumer.stop(syscall.SIGTERM))
	assert.Equal(t, 0, web.stop(syscall.SIGTERM))
	assert.Equal(t, 0, broker.stop(syscall.SIGTERM))
}
