package agent

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

func TestAgents(t *testing.T) {
	for want, list := range map[model.Agent][]string{
		model.PersonAgent: {
			chrome,
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
			"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
			"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
			"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
			"Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
			"Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.4 like Chrome/120.0 Safari/537.36",
			"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 300.0",
			"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
		},
		model.BotAgent: {
			"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
			"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
			"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
			"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
			"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
			"facebookexternalhit/1.1",
			"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
			"Mozilla/5.0 (compatible; BrandNew/0.1; +https://brandnew.example/about)",
			"curl/8.14.1", "Wget/1.25.0", "python-requests/2.32", "Go-http-client/1.1", "okhttp/5.0", "axios/1.7",
		},
		model.UnknownAgent: {
			"", "Mozilla/5.0", "Mozilla/4.0 (compatible; MSIE 6.0)", "something", "Lynx/2.9.0 libwww-FM/2.14",
			chrome + strings.Repeat(" x", 1000),
		},
	} {
		for _, userAgent := range list {
			request := httptest.NewRequest("GET", "/", nil)
			request.Header.Set("User-Agent", userAgent)
			assert.Equal(t, want, Of(request), userAgent)
		}
	}
	for value, want := range map[string]model.Agent{
		"Sec-Purpose: prefetch": model.BotAgent, "Sec-Purpose: prefetch;prerender": model.BotAgent, "Sec-Purpose: prefetch;anonymous-client-ip": model.BotAgent,
		"Purpose: prefetch": model.BotAgent, "X-Moz: prefetch": model.BotAgent, "X-Purpose: preview": model.BotAgent,
		"Sec-Purpose: ": model.PersonAgent, "Sec-Purpose: other": model.PersonAgent,
	} {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("User-Agent", chrome)
		name, content, _ := strings.Cut(value, ": ")
		request.Header.Set(name, content)
		assert.Equal(t, want, Of(request), value)
	}
}

func TestCrawlerList(t *testing.T) {
	_, err := parseCrawlers("Good\\/\n(bad\n")
	assert.ErrorContains(t, err, "list of crawlers")
	listed, err := parseCrawlers("# MIT\nPlain\\/\n^start\n")
	require.NoError(t, err)
	for userAgent, want := range map[string]bool{"a Plain/1": true, "Plain": false, "start": true, "no start": false, "MIT": false} {
		assert.Equal(t, want, listed.match(userAgent), userAgent)
	}
	whole, err := parseCrawlers(crawlerList)
	require.NoError(t, err)
	assert.Less(t, len(whole.others), 10, "others are slow")
	patterns := 0
	for line := range strings.Lines(crawlerList) {
		if !strings.HasPrefix(line, "#") {
			patterns++
		}
	}
	assert.Greater(t, patterns, 1000)
}

func BenchmarkAgent(b *testing.B) {
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("User-Agent", chrome)
	for b.Loop() {
		Of(request)
	}
}
