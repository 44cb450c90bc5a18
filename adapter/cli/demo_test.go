package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const adminToken = "correct horse battery staple"

// fakeShop answers like a shop with two books. It keeps what it was asked.
type fakeShop struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int // by method and path
	// answer is called before; it returns true if it has answered.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newFakeShop(t *testing.T) *fakeShop {
	t.Helper()
	f := &fakeShop{asked: map[string]int{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeShop) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked[r.Method+" "+r.URL.Path]++
	f.mu.Unlock()
	switch {
	case f.answer != nil && f.answer(w, r):
	case r.Header.Get("X-Event-Books-Demo") != adminToken:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/api/books":
		fmt.Fprint(w, `[{"id": 1, "title": "Moon"}, {"id": 2, "title": "Tide"}]`)
	case r.URL.Path == "/api/insights/demo" && r.Method == http.MethodDelete && r.Header.Get("Authorization") == "Bearer "+adminToken:
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/visitor":
		http.SetCookie(w, &http.Cookie{Name: "visitor", Value: "x"})
		w.WriteHeader(http.StatusSeeOther)
	case r.URL.Path == "/":
		// The public address isn't reachable from here.
		for _, link := range []string{"https://shop.invalid/books/2?q=x&amp;click=a", "/books/2?q=x&amp;click=a", "/books/1?q=x&amp;click=b", "/books/9?q=x", "/?o=20"} {
			fmt.Fprintf(w, `<p><a class="x" href="%s">book</a>`, link)
		}
		fmt.Fprint(w, `<a rel="next nofollow" href="/?q=x&amp;o=20">Next</a>`)
	case r.URL.Query().Has("click"):
		w.Header().Set("Location", "https://shop.invalid"+r.URL.Path+"?q=x")
		w.WriteHeader(http.StatusSeeOther)
	}
}

func TestDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("EVENT_BOOKS_APP_ADMIN_TOKEN", adminToken)
	f := newFakeShop(t)
	status, out, errs := run(t, "demo", "--url", f.URL, "--for", "500ms", "--rate", "200", "--seed", "7")
	require.Equal(t, 0, status, errs)
	assert.Equal(t, "simulating shoppers at "+f.URL+" for 500ms: 200 searches per second, seed 7\n", errs)
	assert.Regexp(t, `^[1-9]\d* searches, of which 0 found nothing; [1-9]\d* clicks; 0 failures; [01] s\n$`, out)
	var searches, found, clicks int
	_, err := fmt.Sscanf(out, "%d searches, of which %d found nothing; %d clicks", &searches, &found, &clicks)
	require.NoError(t, err)
	assert.Equal(t, f.asked["GET /"], searches)
	assert.Equal(t, 2*clicks, f.asked["GET /books/1"]+f.asked["GET /books/2"], "each click is followed")
	assert.Zero(t, f.asked["GET /books/9"], "that link makes no click")
	assert.InDelta(t, 100, searches, 30)
	assert.Positive(t, f.asked["POST /visitor"])

	status, out, errs = run(t, "demo", "--url", f.URL, "--clear")
	assert.Equal(t, 0, status, errs)
	assert.Equal(t, "What simulated shoppers have done so far no longer counts.\n", out)
	assert.Equal(t, 1, f.asked["DELETE /api/insights/demo"])

	status, out, errs = run(t, "demo", "--url", f.URL, "--sessions", "40", "--seed", "7")
	assert.Equal(t, 0, status, errs)
	assert.Regexp(t, `^session,item,time\n(\d+,[12],17672\d+\n)+$`, out)
	_, again, _ := run(t, "demo", "--url", f.URL, "--sessions", "40", "--seed", "7")
	assert.Equal(t, out, again)
}

func TestDemoFails(t *testing.T) {
	t.Chdir(t.TempDir())
	f := newFakeShop(t)
	demo := func(args ...string) (status int, out, errs string) {
		return run(t, append([]string{"demo", "--url", f.URL, "--for", "200ms", "--rate", "100"}, args...)...)
	}
	status, _, errs := demo()
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "app.admin_token: open data/admin-token: no such file or directory: the first start of the shop writes it; for a shop elsewhere, name a copy with --token-file")
	status, _, errs = demo("--token-file", "missing")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, "--token-file: open missing: no such file or directory")

	require.NoError(t, os.WriteFile("wrong", []byte("guess\n"), 0o600))
	status, _, errs = demo("--token-file", "wrong")
	assert.Equal(t, 1, status)
	assert.Contains(t, errs, "demo: the shop refuses the admin token: name the right one with --token-file\n")
	assert.Equal(t, 1, f.asked["GET /api/books"], "it doesn't try again")

	require.NoError(t, os.WriteFile("right", []byte(adminToken+"\n"), 0o600))
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"detail": "there are too many\u001b[31m searches"}`)
		return true
	}
	status, out, errs := demo("--token-file", "right")
	assert.Equal(t, 1, status)
	assert.Regexp(t, `^0 searches, of which 0 found nothing; 0 clicks; [1-9]\d* failures; 0 s\n$`, out)
	assert.Regexp(t, `demo: \d+ requests failed, the first one so: GET /: 503 Service Unavailable \(there are too many\S+ searches\)\n$`, errs)
	assert.NotContains(t, errs, "\x1b")

	f.Close()
	status, _, errs = demo("--token-file", "right")
	assert.Equal(t, 1, status)
	assert.Regexp(t, `demo: no shop answers at http://\S+: .*connection refused; start one with event-books, or name it with --url\n$`, errs)
}

// A shop that changes its token ends the demo.
func TestDemoEndsWithItsToken(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("EVENT_BOOKS_APP_ADMIN_TOKEN", adminToken)
	f := newFakeShop(t)
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return r.URL.Path == "/"
	}
	status, _, errs := run(t, "demo", "--url", f.URL, "--for", "0")
	assert.Equal(t, 1, status)
	assert.Contains(t, errs, "the shop refuses the admin token")
}

func TestDemoFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("EVENT_BOOKS_APP_ADMIN_TOKEN", adminToken)
	for command, want := range map[string]string{
		"demo --rate 0":               "--rate: must be more than 0 and at most 1000 searches per second, not 0",
		"demo --rate NaN":             "--rate: must be more than 0",
		"demo --rate 1001":            "--rate: must be more than 0",
		"demo --for soon":             `--for: "soon" must be a duration such as 30s, 10m or 2h, or 0 for no end`,
		"demo --for=-1s":              `--for: "-1s" must be a duration`,
		"demo --sessions=-1":          "--sessions: must be a positive number, not -1",
		"demo --clear --sessions 5":   "--clear and --sessions: use one of them",
		"demo --url localhost:8080":   `--url: "localhost:8080" must be an address such as http://localhost:8080`,
		"demo --url ftp://localhost/": `--url: "ftp://localhost/" must be an address`,
	} {
		status, out, errs := run(t, strings.Fields(command)...)
		assert.Equal(t, 2, status, command)
		assert.Contains(t, errs, "event-books: "+want, command)
		assert.Empty(t, out, command)
	}
}

// A shop at a path has links with that path.
func TestDemoAtAPath(t *testing.T) {
	s, err := newDemoShop("https://shop.example/books/", "")
	require.NoError(t, err)
	assert.Equal(t, "/books/7?click=x", s.local("/books/books/7?click=x"))
	s, err = newDemoShop("http://localhost:8080", "")
	require.NoError(t, err)
	assert.Equal(t, "/books/books/7?click=x", s.local("/books/books/7?click=x"))
	result := readResult(`<a href="%zz?click=1"><a href="/books/0x?click=1"><a href='/books/3?click=1' rel="nofollow"><A HREF="/books/4?click=2&amp;q=a"><a rel=prev>`)
	assert.Equal(t, demoResult{books: []uint{3, 4}, links: []string{"/books/3?click=1", "/books/4?click=2&q=a"}}, result)
}
