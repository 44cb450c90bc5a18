// Package agent distinguishes people from programs, as far as a request shows. It
// must not know gin or the application.
package agent

import (
	"net/http"
	"strings"

	"literank.com/event-books/domain/model"
)

// maxUserAgent is far longer than any browser's User-Agent, in bytes.
const maxUserAgent = 1000

// Of classifies the sender of a request:
//
//   - bot: a browser that fetches ahead of its reader, an agent on the list of
//     crawlers (which also names curl and the HTTP libraries of programs), or an
//     agent that gives a web address, as crawlers do for complaints;
//   - person: an agent that calls itself a browser;
//   - unknown: any other agent, or none.
func Of(r *http.Request) model.Agent {
	if isPrefetch(r.Header) {
		return model.BotAgent
	}
	userAgent := r.UserAgent()
	switch {
	case len(userAgent) > maxUserAgent:
		return model.UnknownAgent
	case strings.Contains(userAgent, "http://"), strings.Contains(userAgent, "https://"), listedCrawlers().match(userAgent):
		return model.BotAgent
	case namesBrowser(userAgent):
		return model.PersonAgent
	}
	return model.UnknownAgent
}

func isPrefetch(header http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range header[http.CanonicalHeaderKey(name)] {
			value = strings.ToLower(value)
			if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || value == "preview" {
				return true
			}
		}
	}
	return false
}

// namesBrowser holds for every current browser.
func namesBrowser(userAgent string) bool {
	return strings.HasPrefix(userAgent, "Mozilla/5.0 (") &&
		(strings.Contains(userAgent, "AppleWebKit/") || strings.Contains(userAgent, "Gecko/") || strings.Contains(userAgent, "Trident/"))
}
