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

// openTitles opens books that their titles find, and returns the number of the first one. Titles find
// the same books while the index is being built.
func openTitles(t *testing.T, address, cookie string, titles ...string) (first string) {
	t.Helper()
	for i, title := range titles {
		page := visited(t, http.MethodGet, address+"/?q="+title, nil, "Cookie", cookie)
		link := bookLink.FindStringSubmatch(page.body)
		require.NotNil(t, link, title)
		require.Equal(t, http.StatusSeeOther, visited(t, http.MethodGet, address+html.UnescapeString(link[1]), nil, "Cookie", cookie).code)
		if i == 0 {
			first = bookID.FindStringSubmatch(page.body)[1]
		}
	}
	return first
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
		openTitles(t, address, cookie, "emma", "frankenstein")
		crowd = append(crowd, cookie)
	}
	cookie := agree(t, address)
	book := openTitles(t, address, cookie, "emma")
	web.eventually("there is something for the visitor", func() bool {
		list := reasons(t, address+"/api/recommendations", cookie)
		return len(list) > 0 && strings.HasPrefix(list[0], "because you opened “")
	})
	alsoOpened := func() bool {
		list := reasons(t, address+"/api/books/"+book+"/related", cookie)
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
