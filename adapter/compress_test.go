package adapter

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// overHTTP answers a request over a connection, without unpacking the answer.
func overHTTP(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func unpacked(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(body))
	require.NoError(t, err)
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(content)
}

func TestLargerAnswersAreCompressed(t *testing.T) {
	s := newShop(t)
	long := strings.Repeat("An even longer tale. ", 100)
	s.add(&model.Book{Title: "Long", Description: long}, &model.Book{Title: "Short"}, &model.Book{Title: "Incompressible", Description: long})
	address := s.serve()
	for target, c := range map[string]struct {
		status     int
		compressed bool
	}{
		"/":                                  {200, true},
		"/?q=long":                           {200, true},
		"/books/1":                           {200, true},
		"/books/99":                          {404, true},
		"/?q=a%00b":                          {400, true},
		"/static/shop.css":                   {200, true},
		"/api/books?q=long":                  {200, true},
		"/api/books?q=short":                 {200, false},
		"/api/openapi.yaml":                  {200, true},
		"/api/asyncapi.yaml":                 {200, true},
		"/api/schemas/books.searched/1.json": {200, true},
		"/api/books?o=x":                     {400, false},
		"/api/books?x" + strings.Repeat("y", 1100) + "=1": {400, true},
		"/api/books/1":  {200, false},
		"/api/books/99": {404, false},
		"/livez":        {200, false},
		"/robots.txt":   {200, false},
	} {
		name := target[:min(len(target), 40)]
		plain, content := overHTTP(t, "GET", address+target)
		require.Equal(t, c.status, plain.StatusCode, name)
		assert.Empty(t, plain.Header.Get("Content-Encoding"), name)
		assert.Equal(t, c.compressed, len(content) > 1024 && !strings.HasPrefix(target, "/api/books/"), name)
		if !strings.HasPrefix(target, "/api/books/") {
			assert.Equal(t, []string{"Accept-Encoding"}, plain.Header["Vary"], name)
		}

		packed, body := overHTTP(t, "GET", address+target, "Accept-Encoding", "br, gzip;q=0.8, zstd")
		head, nothing := overHTTP(t, "HEAD", address+target, "Accept-Encoding", "br, gzip;q=0.8, zstd")
		assert.Empty(t, nothing, name)
		require.Equal(t, c.status, packed.StatusCode, name)
		require.Equal(t, c.status, head.StatusCode, name)
		if c.compressed {
			require.Equal(t, []string{"gzip"}, packed.Header["Content-Encoding"], name)
			assert.Equal(t, []string{"Accept-Encoding"}, packed.Header["Vary"], name)
			assert.Less(t, len(body), len(content), name)
			body = unpacked(t, body)
		} else {
			assert.Empty(t, packed.Header.Get("Content-Encoding"), name)
		}
		id := func(answer *http.Response) *strings.Replacer {
			return strings.NewReplacer(answer.Header.Get("X-Request-Id"), "ID")
		}
		assert.Equal(t, id(plain).Replace(content), id(packed).Replace(body), name)

		for header := range packed.Header {
			if header != "X-Request-Id" && header != "X-Search-Id" && header != "Date" && header != "Content-Length" {
				assert.Equal(t, packed.Header[header], head.Header[header], "HEAD %s: %s", name, header)
			}
		}
		// An error contains the id of its request, and its length depends on that.
		if length := head.Header.Get("Content-Length"); length != "" && c.status == 200 {
			assert.Equal(t, packed.Header.Get("Content-Length"), length, name)
		}
		refusing, _ := overHTTP(t, "GET", address+target, "Accept-Encoding", "gzip;q=0, identity")
		assert.Empty(t, refusing.Header.Get("Content-Encoding"), name)
	}
}

// The event has the bytes of the answer before compression.
func TestEventsAreNotCompressed(t *testing.T) {
	s := newShop(t)
	s.add(numbered(20, nil)...)
	answer := s.get("/api/books?q=volume", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", answer.Header().Get("Content-Encoding"))
	assert.Equal(t, unpacked(t, answer.Body.String()), s.events.take()[0].value)
}
