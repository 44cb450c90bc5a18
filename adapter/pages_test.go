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

func checkPage(t *testing.T, page string) {
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
		case "script", "style", "iframe", "object", "embed", "base":
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
		assert.NotContains(t, page, "<script", target)
		assert.NotContains(t, page, "<img", target)
	}
	home := s.get("/").Body.String()
	var drawn []string
	for _, n := range find(t, home, "text") {
		drawn = append(drawn, text(n))
	}
	assert.Contains(t, strings.Join(drawn, ""), "<script>t</sc", "the drawn cover shows it as text")
	assert.Contains(t, drawn, "<script>a</script>")
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
	assert.Equal(t, "/?q=war+zebra&sort=title", offers["Search the whole shop for “war zebra”"])
	assert.Equal(t, "/?q=war", offers["Search for “war” alone"])
	assert.Equal(t, "/?q=zebra", offers["Search for “zebra” alone"])
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
	page := s.get("/?q=x&author=Anna&language=ger&decade=1990&o=20").Body.String()
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
	assert.Equal(t, "User-agent: *\nDisallow: /books/*?*q=\nDisallow: /books/api/\n", s.get("/robots.txt").Body.String())
}
