package adapter

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"literank.com/event-books/domain/model"
)

func TestEveryPageIsSound(t *testing.T) {
	s := newShop(t, func(with *setup) { with.PageSize, with.ImageHosts = 3, []string{"img.example"} })
	s.add(numbered(7, nil)...)
	stock := 2
	full := &model.Book{
		Title: "Война и мир", Author: "Лев Толстой, Someone Else", PublishedAt: "1869", Description: "One\n\nTwo", ISBN: "9780306406157",
		Language: "ru", Publisher: "Русский вестник", Subjects: []string{"War", "Peace & more"}, Series: "Classics", Edition: "2nd",
		Price: "12.90", Currency: "EUR", Stock: &stock, BuyURL: "https://example.com/a?b=c&d", CoverURL: "https://img.example/c.jpg",
	}
	s.add(full)
	down := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) {
		return nil, &model.Error{Code: model.UnavailableNow}
	}))
	broken := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) { return nil, errors.New("broken") }))
	for name, c := range map[string]struct {
		shop   *shop
		target string
		status int
		title  string
	}{
		"home":              {s, "/", 200, "Books for every kind of curiosity"},
		"second page":       {s, "/?o=3", 200, "8 books"},
		"results":           {s, "/?q=volume&sort=newest", 200, "7 books for “volume”"},
		"one result":        {s, "/?q=volume+03", 200, "1 book for “volume 03”"},
		"filters":           {s, "/?q=war&author=x&language=en&subject=y&decade=1990&available=true", 200, "No book found for “war”"},
		"filters only":      {s, "/?author=Anna+Author", 200, "7 books"},
		"nothing by filter": {s, "/?author=nobody", 200, "No book found"},
		"nothing found":     {s, "/?q=nothing+at+all", 200, "No book found for “nothing at all”"},
		"behind the end":    {s, "/?q=volume&o=100", 200, "There are only 7 books"},
		"ignored words":     {s, "/?q=" + strings.Repeat("a+", 20), 200, "7 books for “" + strings.TrimSpace(strings.Repeat("a ", 20)) + "”"},
		"book":              {s, "/books/8", 200, "Война и мир"},
		"bare book":         {s, "/books/1", 200, "Volume 01"},
		"empty shop":        {newShop(t), "/", 200, "The shelves are still empty"},
		"400":               {s, "/?o=x", 400, "We can't search for that"},
		"404":               {s, "/books/999", 404, "Not found"},
		"500":               {broken, "/", 500, "Something went wrong"},
		"503":               {down, "/", 503, "Back in a moment"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := c.shop.get(c.target, "Accept", "text/html")
			require.Equal(t, c.status, answer.Code, answer.Body)
			assert.Equal(t, "text/html; charset=utf-8", answer.Header().Get("Content-Type"))
			checkPage(t, answer.Body.String())
			assert.Equal(t, c.title, text(find(t, answer.Body.String(), "h1")[0]))
		})
	}
}

// The page check finds each kind of flaw.
func TestPageCheckSees(t *testing.T) {
	s := newShop(t)
	sound := s.get("/?q=x").Body.String()
	require.Empty(t, flaws(sound))
	for name, change := range map[string][2]string{
		"script":             {"</main>", "<script>1</script></main>"},
		"foreign script":     {"</main>", `<script src="https://x.example/static/x.js"></script></main>`},
		"handler":            {"<main ", `<main onclick="x()" `},
		"inline style":       {"<main ", `<main style="color:red" `},
		"script address":     {"</main>", `<a href="javascript:x()">x</a></main>`},
		"second headline":    {"</main>", "<h1>x</h1></main>"},
		"language":           {`lang="en"`, ""},
		"label":              {`for="q"`, `for="z"`},
		"picture":            {"</main>", `<img src="x"></main>`},
		"element left open":  {"</main>", "<p></main>"},
		"doubled id":         {"</main>", `<p id="q">x</p></main>`},
		"link without words": {"</main>", `<a href="/"></a></main>`},
		"unnamed button":     {`type="submit"`, ""},
	} {
		require.Contains(t, sound, change[0], name)
		assert.NotEmpty(t, flaws(strings.Replace(sound, change[0], change[1], 1)), name)
	}
}

func checkPage(t testing.TB, page string) {
	t.Helper()
	assert.Empty(t, flaws(page))
}

// flaws lists what would break a page for someone: without scripts, with the
// keyboard only, with a screen reader, under a strict policy.
func flaws(page string) (list []string) {
	add := func(flaw string) { list = append(list, flaw) }
	list = append(list, unbalanced(page)...)
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return append(list, err.Error())
	}
	ids, labelled := map[string]bool{}, map[string]bool{}
	headlines := 0
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				add(n.Data + " has " + a.Key)
			}
			if a.Key == "id" && ids[a.Val] {
				add("id twice: " + a.Val)
			}
			if a.Key == "id" {
				ids[a.Val] = true
			}
		}
		switch n.Data {
		case "script":
			if !strings.Contains(attr(n, "src"), "/static/search.js?v=") || text(n) != "" {
				add("script")
			}
		case "style", "iframe", "object", "embed", "base":
			add(n.Data)
		case "html":
			if attr(n, "lang") == "" {
				add("no language")
			}
		case "title":
			if n.Namespace == "" && text(n) == "" {
				add("no title")
			}
		case "h1":
			headlines++
		case "input", "select", "textarea":
			if attr(n, "type") != "hidden" && !labelled[attr(n, "id")] {
				add(n.Data + " without a label")
			}
		case "img":
			if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
				add("picture without alt")
			}
		case "button":
			if attr(n, "type") != "submit" || text(n) == "" {
				add("button that says nothing")
			}
		case "a":
			if attr(n, "href") == "" || text(n)+attr(n, "aria-label") == "" {
				add("link that says nothing")
			}
		}
	}
	if headlines != 1 {
		add("not one h1")
	}
	return list
}

// unbalanced lists elements that aren't closed properly. The parser would repair
// them silently.
func unbalanced(page string) (list []string) {
	void := []string{"meta", "link", "input", "img", "br", "hr"}
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if tokens.Err() != io.EOF || len(open) > 0 {
				list = append(list, "left open: "+strings.Join(open, " "))
			}
			return list
		case html.StartTagToken:
			name, _ := tokens.TagName()
			if !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				return append(list, "closes an element that is not open: "+string(name))
			}
			open = open[:len(open)-1]
		}
	}
}

// find returns the elements of a page by name.
func find(t *testing.T, page, name string) (found []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	require.NotEmpty(t, found, "no %s", name)
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func TestMarkupInTextsStaysText(t *testing.T) {
	s := newShop(t)
	const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>`
	book := &model.Book{
		Title: "<script>t</script>" + evil, Author: "<script>a</script>", Description: "<script>d</script>" + evil, Publisher: evil, Series: evil,
		Edition: evil, Subjects: []string{evil},
	}
	s.add(book)
	query := url.Values{"q": {evil}, "author": {evil}, "subject": {evil}}.Encode()
	for _, target := range []string{"/", "/books/1", "/?q=%3Cscript%3E", "/?" + query, "/?q=" + url.QueryEscape(evil), "/?sort=" + url.QueryEscape(evil)} {
		page := s.get(target).Body.String()
		checkPage(t, page)
		assert.NotContains(t, page, "<script>", target)
		assert.NotContains(t, page, "<img", target)
	}
	home := s.get("/").Body.String()
	var drawn []string
	for _, n := range find(t, home, "text") {
		drawn = append(drawn, text(n))
	}
	assert.Contains(t, strings.Join(drawn, ""), "<script>t</sc", "the drawn cover shows it as text")
	assert.Contains(t, strings.Join(drawn, ""), "<script>a</script>")
	results := s.get("/?q=%3Cscript%3E").Body.String()
	assert.Contains(t, text(find(t, results, "h1")[0]), "“<script>”")
	assert.Equal(t, "<script>", attr(find(t, results, "input")[0], "value"))
}

func TestNothingFoundOffersWaysOn(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "War & Peace"})
	page := s.get("/?q=war+zebra&language=en&o=0&sort=title").Body.String()
	offers := map[string]string{}
	for _, a := range find(t, page, "a") {
		offers[text(a)] = attr(a, "href")
	}
	assert.Equal(t, "/?q=war", offers["Search for “war” alone"])
	assert.NotContains(t, page, "“zebra” alone", "it finds nothing")
	assert.NotContains(t, page, "Remove “Language", "nothing is found without the filter either")
	assert.Equal(t, "/", offers["Browse all books"])
	for words, href := range offers {
		if !strings.HasPrefix(href, "http") && !strings.HasPrefix(href, "#") {
			assert.Equal(t, http.StatusOK, s.get(href).Code, words)
		}
	}
	assert.NotContains(t, s.get("/?q=zebra").Body.String(), "alone", "one word has no parts")
}

func TestSortFormKeepsTheSearch(t *testing.T) {
	s := newShop(t)
	s.add(numbered(3, func(b *model.Book) { b.Language = "en" })...)
	page := s.get("/?q=volume&language=eng&limit=2&o=1&sort=oldest").Body.String()
	kept := map[string]string{}
	for _, n := range find(t, page, "input") {
		if attr(n, "type") == "hidden" {
			kept[attr(n, "name")] = attr(n, "value")
		}
	}
	assert.Equal(t, map[string]string{"q": "volume", "language": "en", "limit": "2"}, kept)
	var selected []string
	for _, n := range find(t, page, "option") {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "selected" }) {
			selected = append(selected, attr(n, "value"))
		}
	}
	assert.Equal(t, []string{"oldest"}, selected)
}

func TestFiltersCanBeRemoved(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "X", Author: "Anna", Language: "de", PublishedAt: "1994"})
	page := s.get("/?q=x&author=Anna&language=ger&decade=1990").Body.String()
	removals := map[string]string{}
	for _, a := range find(t, page, "a") {
		if label, ok := strings.CutPrefix(attr(a, "aria-label"), "Remove the filter "); ok {
			removals[label] = attr(a, "href")
			assert.Equal(t, "nofollow", attr(a, "rel"))
		}
	}
	assert.Equal(t, map[string]string{
		"Author: Anna":         "/?decade=1990&language=de&q=x",
		"Language: German":     "/?author=Anna&decade=1990&q=x",
		"Published: 1990–1999": "/?author=Anna&language=de&q=x",
	}, removals)
}

func TestBookPageLeadsToRelatedBooks(t *testing.T) {
	s := newShop(t)
	book := &model.Book{Title: "T", Author: "Ann A., Bob & Co", Language: "ar-EG", Subjects: []string{"R&D"}}
	s.add(book)
	page := s.get("/books/1").Body.String()
	h1 := find(t, page, "h1")[0]
	assert.Equal(t, "auto", attr(h1, "dir"))
	assert.Equal(t, "ar-EG", attr(h1, "lang"))
	found := map[string]bool{}
	for _, a := range find(t, page, "a") {
		if strings.HasPrefix(attr(a, "href"), "/?") {
			assert.Equal(t, "nofollow", attr(a, "rel"), text(a))
			results := s.get(attr(a, "href")).Body.String()
			assert.Contains(t, results, `href="/books/1?`, attr(a, "href"))
			found[text(a)] = true
		}
	}
	assert.Equal(t, map[string]bool{"Ann A.": true, "Bob & Co": true, "R&D": true, "Arabic (Egypt)": true}, found)
}

func TestPicturesComeOnlyFromNamedHosts(t *testing.T) {
	s := newShop(t, func(with *setup) { with.ImageHosts = []string{"img.example", "*.cdn.example", "port.example:8443"} })
	s.add(&model.Book{Title: "Pictured", CoverURL: "https://img.example/c.jpg"}, &model.Book{Title: "Drawn", CoverURL: "https://evil.example/c.jpg"})
	page := s.get("/").Body.String()
	pictures := find(t, page, "img")
	assert.Len(t, pictures, 1)
	assert.Equal(t, "https://img.example/c.jpg", attr(pictures[0], "src"))
	assert.NotContains(t, page, "evil.example")
	assert.Contains(t, s.get("/").Header().Get("Content-Security-Policy"), "img-src 'self' https://img.example https://*.cdn.example https://port.example:8443;")
}

func TestSearchEnginesAreKeptOut(t *testing.T) {
	s := newShop(t, atBase("https://shop.example/books"), func(with *setup) { with.PageSize = 1 })
	s.add(numbered(2, nil)...)
	for target, kept := range map[string]bool{
		"/": false, "/?utm_source=mail": false, "/?q=": false, "/books/1": false,
		"/?q=volume": true, "/?o=1": true, "/?author=x": true, "/?sort=title": true, "/?q=nothing": true,
	} {
		answer := s.get(target)
		assert.Equal(t, kept, answer.Header().Get("X-Robots-Tag") == "noindex", target)
		assert.Equal(t, kept, strings.Contains(answer.Body.String(), `<meta name="robots" content="noindex">`), target)
	}
	for _, a := range find(t, s.get("/?o=1&author=Anna+Author").Body.String(), "a") {
		if strings.Contains(attr(a, "href"), "?") {
			assert.Contains(t, attr(a, "rel"), "nofollow", attr(a, "href"))
		}
	}
	assert.Equal(t, "User-agent: *\nDisallow: /books/*?*q=\nDisallow: /books/api/\nDisallow: /books/insights\nDisallow: /books/ping\n", s.get("/robots.txt").Body.String())
}

// A book's page keeps the search that found it, and leads back to that page of results.
// Only going back is a search.
func TestWayBackToTheResults(t *testing.T) {
	s := newShop(t, atBase("https://shop.example/b"), func(with *setup) { with.PageSize = 3 })
	s.add(numbered(9, func(b *model.Book) { b.Language, b.Subjects = "en", []string{"R&D"} })...)
	for _, search := range []string{
		"q=volume", "q=volume&o=3", "q=%E2%80%9Cvolume%22+%26+%3Cb%3E&author=x&subject=R%26D", "q=volume&o=4&limit=2&sort=newest&language=en&available=false",
		"o=3", "subject=R%26D", "sort=oldest", "decade=1990&q=volume+%D0%92%D0%BE%D0%B9%D0%BD%D0%B0",
	} {
		results := s.get("/?" + search)
		require.Equal(t, http.StatusOK, results.Code, search)
		s.events.take()
		address := "/books/1?" + search
		for _, a := range find(t, results.Body.String(), "a") {
			if attr(a, "class") == "book" && !strings.Contains(results.Body.String(), "No book found") {
				address = strings.TrimPrefix(attr(a, "href"), "https://shop.example/b")
				assert.Equal(t, "nofollow", attr(a, "rel"))
			}
		}
		answer := s.get(address)
		require.Equal(t, http.StatusOK, answer.Code, address)
		page := answer.Body.String()
		checkPage(t, page)
		assert.Empty(t, s.events.take(), "opening a book is no search")
		assert.Equal(t, attr(find(t, results.Body.String(), "input")[0], "value"), attr(find(t, page, "input")[0], "value"), address)
		back := linkCalled(t, page, "← Back to results")
		assert.Equal(t, "nofollow", attr(back, "rel"))
		u, err := url.Parse(attr(back, "href"))
		require.NoError(t, err)
		want, err := url.ParseQuery(search)
		require.NoError(t, err)
		assert.Equal(t, want, u.Query(), search)
		assert.Equal(t, "https://shop.example/b/", u.Scheme+"://"+u.Host+u.Path)
		again := s.get("/?" + u.RawQuery)
		assert.Equal(t, titlesOf(t, results.Body.String()), titlesOf(t, again.Body.String()), search)
		assert.Len(t, s.events.take(), min(1, len(want["q"])), "going back is one")
		canonical, _, _ := strings.Cut(address, "?")
		assert.Equal(t, "https://shop.example/b"+canonical, canonicalOf(t, page))
		assert.NotContains(t, page, "noindex")
	}
}

func TestWayBackOnlyToSearches(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	for _, parameters := range []string{
		"", "utm_source=mail", "q=", "o=0", "tag=x", "o=x", "q=%zz", "q=a%00", "sort=best", "q=a&o=99999", "from=https://evil.example/", "back=//evil.example",
	} {
		answer := s.get("/books/1?" + parameters)
		require.Equal(t, http.StatusOK, answer.Code, parameters)
		assert.NotContains(t, answer.Body.String(), "Back to results", parameters)
		for _, a := range find(t, answer.Body.String(), "a") {
			assert.NotContains(t, attr(a, "href"), "evil", parameters)
		}
	}
	page := s.get("/books/1?q=https://evil.example/&next=https://evil.example&o=20").Body.String()
	assert.Equal(t, "/?o=20&q=https%3A%2F%2Fevil.example%2F", attr(linkCalled(t, page, "← Back to results"), "href"))
	home := s.get("/").Body.String()
	assert.Equal(t, "/books/1", attr(linkWithClass(t, home, "book"), "href"), "no search, clean address")
	assert.Empty(t, attr(linkWithClass(t, home, "book"), "rel"))
	assert.Equal(t, "/", canonicalOf(t, s.get("/?utm_source=mail").Body.String()))
}

func linkCalled(t *testing.T, page, words string) *html.Node {
	t.Helper()
	for _, a := range find(t, page, "a") {
		if text(a) == words {
			return a
		}
	}
	require.Fail(t, "no link", words)
	return nil
}

func linkWithClass(t *testing.T, page, class string) *html.Node {
	t.Helper()
	for _, a := range find(t, page, "a") {
		if attr(a, "class") == class {
			return a
		}
	}
	require.Fail(t, "no link", class)
	return nil
}

func canonicalOf(t *testing.T, page string) string {
	t.Helper()
	for _, l := range find(t, page, "link") {
		if attr(l, "rel") == "canonical" {
			return attr(l, "href")
		}
	}
	return ""
}

// titlesOf lists the titles of the books on a page.
func titlesOf(t *testing.T, page string) (list []string) {
	t.Helper()
	for _, n := range find(t, page, "span") {
		if attr(n, "class") == "name" {
			list = append(list, text(n))
		}
	}
	return list
}

func TestPageNumbers(t *testing.T) {
	s := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) {
		return &model.SearchResult{IDs: []uint{1}, Total: 33_629}, nil
	}))
	s.add(&model.Book{Title: "One of many"})
	page := s.get("/?q=e&o=4980&language=en&tag=letter").Body.String()
	checkPage(t, page)
	assert.Equal(t, "33,629 books for “e”", text(find(t, page, "h1")[0]))
	assert.Contains(t, page, "The pages show the first 10,000 of these books.")
	assert.Contains(t, page, "4,981–4,981 of 33,629")
	links := map[string]string{}
	for _, a := range find(t, page, "a") {
		if label, ok := strings.CutPrefix(attr(a, "aria-label"), "Page "); ok {
			links[label] = attr(a, "href")
			assert.Equal(t, "nofollow", attr(a, "rel"))
			assert.Equal(t, label, text(a))
			assert.Equal(t, label == "250", attr(a, "aria-current") == "page", label)
		}
	}
	assert.Equal(t, map[string]string{
		"1":   "/?language=en&q=e&tag=letter",
		"248": "/?language=en&o=4940&q=e&tag=letter", "249": "/?language=en&o=4960&q=e&tag=letter", "250": "/?language=en&o=4980&q=e&tag=letter",
		"251": "/?language=en&o=5000&q=e&tag=letter", "252": "/?language=en&o=5020&q=e&tag=letter", "500": "/?language=en&o=9980&q=e&tag=letter",
	}, links)
	last := s.get("/?q=e&o=9980")
	assert.Equal(t, http.StatusOK, last.Code)
	assert.NotContains(t, last.Body.String(), "Next →")
	assert.Contains(t, s.get("/?o=33620").Body.String(), ">1,682</a>", "the plain list has no bound")
	assert.NotContains(t, s.get("/?o=33620").Body.String(), "The pages show")
}

// Nobody sees a button that does nothing.
func TestNoDisabledSteps(t *testing.T) {
	s := newShop(t, func(with *setup) { with.PageSize = 2 })
	s.add(numbered(5, nil)...)
	for target, c := range map[string]struct{ prev, next bool }{"/": {false, true}, "/?o=2": {true, true}, "/?o=4": {true, false}} {
		page := s.get(target).Body.String()
		assert.Equal(t, c.prev, strings.Contains(page, "← Previous"), target)
		assert.Equal(t, c.next, strings.Contains(page, "Next →"), target)
		assert.NotContains(t, page, "role=\"status\"", target)
	}
}

func TestPagesWithoutBooksOfferSome(t *testing.T) {
	s := newShop(t)
	s.add(numbered(10, func(b *model.Book) { b.Language = "fr" })...)
	s.add(&model.Book{Title: "There it is", Availability: model.InStock}, &model.Book{Title: "Da ist es", Language: "de"})
	volumes := []string{"Volume 01", "Volume 02", "Volume 03", "Volume 04", "Volume 05", "Volume 06"}
	availableFirst := append([]string{"There it is"}, volumes[:5]...)
	for name, c := range map[string]struct {
		target string
		status int
		want   []string
	}{
		"404":                       {"/books/999", 404, availableFirst},
		"404 elsewhere":             {"/nowhere?q=volume", 404, availableFirst},
		"nothing found":             {"/?q=zeppelin", 200, availableFirst},
		"others pass the filter":    {"/?q=zeppelin&language=de", 200, append([]string{"Da ist es"}, availableFirst[:5]...)},
		"none passes the filter":    {"/?q=zeppelin&language=it", 200, availableFirst},
		"nothing found by a filter": {"/?language=it", 200, availableFirst},
		"enough pass the filter":    {"/?q=zeppelin&language=fr", 200, volumes},
		"results are their own":     {"/?q=ist", 200, []string{"Da ist es"}},
		"none behind the last page": {"/?q=ist&o=20", 200, nil},
		"an error is no reason":     {"/?o=x", 400, nil},
		"nor is another one":        {"/?q=a&o=10000", 400, nil},
	} {
		answer := s.get(c.target, "Accept", "text/html")
		require.Equal(t, c.status, answer.Code, name)
		checkPage(t, answer.Body.String())
		var found []string
		if strings.Contains(answer.Body.String(), "<span") {
			found = titlesOf(t, answer.Body.String())
		}
		assert.Equal(t, c.want, found, name)
		answered := 0
		if c.status == http.StatusOK && strings.HasPrefix(c.target, "/?q=") {
			answered = 1
		}
		assert.Len(t, s.events.take(), answered, "%s: only the search is an event", name)
	}
	down := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) {
		return nil, &model.Error{Code: model.UnavailableNow}
	}))
	away := down.get("/nowhere", "Accept", "text/html")
	assert.Equal(t, http.StatusNotFound, away.Code, "the page needs no database")
	checkPage(t, away.Body.String())
	assert.NotContains(t, away.Body.String(), "Some of our books")
}

// Programs ask for many pages that don't exist.
func TestOffersAreCheap(t *testing.T) {
	var searches []model.Search
	s := newShop(t, func(with *setup) {
		engine := with.index
		with.index = searchWith{search: func(ctx context.Context, s model.Search) (*model.SearchResult, error) {
			searches = append(searches, s)
			return engine.SearchBooks(ctx, s)
		}}
	})
	s.add(numbered(30, nil)...)
	for target, want := range map[string]int{"/books/999": 1, "/nowhere": 1, "/?q=zeppelin": 2, "/?q=zeppelin&author=anna+author": 3, "/?q=zeppelin&language=it": 4,
		"/?q=" + strings.Repeat("zeppelin+zebra+z+", 9): 5} {
		searches = nil
		s.get(target, "Accept", "text/html")
		require.Len(t, searches, want, target)
		for _, offers := range searches[strings.Count(target, "?"):] {
			assert.True(t, offers.WithoutTotal, target)
			assert.True(t, offers.Plain() || offers.Limit == 6 || offers.Limit == 1, target)
		}
	}
}

func TestErrorPagesHelp(t *testing.T) {
	failing := func(code model.Code) *shop {
		return newShop(t, atBase("https://shop.example/b"), onIndex(func(context.Context) (*model.SearchResult, error) {
			return nil, &model.Error{Code: code, Field: "", Message: "the queue of the gate is full"}
		}))
	}
	for name, c := range map[string]struct {
		code        model.Code
		target      string
		status      int
		title, says string
		link, href  string
	}{
		"overloaded": {model.Overloaded, "/?q=war&o=20&utm=50%off", 503, "Many people are searching just now", "try again in a few seconds", "Try again", "/?q=war&o=20&utm=50%25off"},
		"too many":   {model.TooManyRequests, "/?q=war", 429, "One moment, please", "wait a few seconds", "Try again", "/?q=war"},
		"away":       {model.UnavailableNow, "/?q=war", 503, "Back in a moment", "try again in a few seconds", "Try again", "/?q=war"},
		"our fault":  {"", "/?q=war", 500, "Something went wrong", "our fault", "Try again", "/?q=war"},
		"too deep":   {"", "/?q=war&o=123456&sort=title", 400, "That is too far down the list", "the first 10,000 books", "Go to the first page of this result", "/?q=war&sort=title"},
		"a word":     {"", "/?q=war&o=x", 400, "We can't search for that", "says something that we don't understand", "Browse all books", "/"},
		"too long":   {"", "/?q=" + strings.Repeat("a", 1001), 400, "We can't search for that", "longer than 1,000 characters", "Browse all books", "/"},
	} {
		answer := failing(c.code).get(c.target)
		require.Equal(t, c.status, answer.Code, name)
		page := answer.Body.String()
		checkPage(t, page)
		assert.Equal(t, c.title, text(find(t, page, "h1")[0]), name)
		main := text(find(t, page, "main")[0])
		assert.Contains(t, main, c.says, name)
		for _, technical := range []string{"whole number", "2147483647", "must be", "queue", "gate", "parameter", "NUL"} {
			assert.NotContains(t, main, technical, name)
		}
		assert.Equal(t, "https://shop.example/b"+c.href, attr(linkCalled(t, page, c.link), "href"), name)
		if strings.Contains(c.target, "q=war") {
			assert.Equal(t, "war", attr(find(t, page, "input")[0], "value"), name)
		}
	}
}

// The form at the foot of a page answers people with a page, even if it fails.
func TestVisitorFormFailsWithAPage(t *testing.T) {
	s := newShop(t)
	answer := s.do("POST", "/visitor", "choice=perhaps", "Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, http.StatusBadRequest, answer.Code)
	checkPage(t, answer.Body.String())
	assert.Equal(t, "That didn't work", text(find(t, answer.Body.String(), "h1")[0]))
	assert.NotContains(t, answer.Body.String(), "choice")
	problemOf(t, http.StatusBadRequest, s.do("POST", "/visitor", "choice=perhaps", "Accept", "*/*"))
}

func TestFootShowsContactAndImprint(t *testing.T) {
	s := newShop(t, func(with *setup) {
		with.Contact, with.Imprint = "books+web@shop.example", "https://shop.example/imprint?a=b&c=d"
	})
	s.add(&model.Book{Title: "One"})
	for _, target := range []string{"/", "/books/1", "/?q=nothing", "/books/9"} {
		page := s.get(target).Body.String()
		assert.Equal(t, "mailto:books+web@shop.example", attr(linkCalled(t, page, "Contact: books+web@shop.example"), "href"), target)
		assert.Equal(t, "https://shop.example/imprint?a=b&c=d", attr(linkCalled(t, page, "Imprint"), "href"), target)
	}
	swapped := newShop(t, func(with *setup) {
		with.Contact, with.Imprint = "https://shop.example/contact", "mailto:who@shop.example"
	}).get("/").Body.String()
	assert.Equal(t, "https://shop.example/contact", attr(linkCalled(t, swapped, "Contact"), "href"))
	assert.Equal(t, "mailto:who@shop.example", attr(linkCalled(t, swapped, "Imprint: who@shop.example"), "href"))
	bare := newShop(t).get("/").Body.String()
	assert.NotContains(t, bare, "Contact")
	assert.NotContains(t, bare, "Imprint")
}

func TestNumbersPricesAndDatesForPeople(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "Mrs Dalloway", PublishedAt: "1925-05-14", Price: "5.8", Currency: "EUR"})
	for _, target := range []string{"/", "/books/1", "/?q=dalloway"} {
		page := s.get(target, "Accept-Language", "de").Body.String()
		assert.Contains(t, page, "€5.80", target)
		assert.Contains(t, page, "14 May 1925", target)
		assert.Equal(t, "en", attr(find(t, page, "html")[0], "lang"), target)
	}
	var filters []string
	for _, li := range find(t, s.get("/?available=false&decade=-50").Body.String(), "bdi") {
		filters = append(filters, text(li))
	}
	assert.Equal(t, []string{"Published: 50–41 BCE", "Availability: not in stock"}, filters[:2])
}

// A foreign parameter never costs the page, and never gets into its links.
func TestForeignParametersOnPages(t *testing.T) {
	s := newShop(t)
	s.add(&model.Book{Title: "One"})
	for _, foreign := range []string{"utm_campaign=50%off", "a;b", "%zz", "x=%ff%", "utm=1;2;3"} {
		for _, target := range []string{"/?", "/?q=one&", "/books/1?", "/books/1?q=one&"} {
			answer := s.get(target + foreign)
			assert.Equal(t, http.StatusOK, answer.Code, target+foreign)
			assert.Contains(t, answer.Body.String(), "One")
		}
		s.events.take()
		problemOf(t, http.StatusBadRequest, s.get("/api/books?q=one&"+foreign))
	}
}
