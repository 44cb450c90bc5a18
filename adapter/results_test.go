package adapter

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"literank.com/event-books/domain/model"
)

// page returns a page that must be sound.
func (s *shop) page(target string) string {
	s.t.Helper()
	answer := s.get(target)
	require.Equal(s.t, http.StatusOK, answer.Code, target)
	checkPage(s.t, answer.Body.String())
	return answer.Body.String()
}

// notes lists the notes above the books.
func notes(t *testing.T, page string) (list []string) {
	for _, p := range find(t, page, "p") {
		if attr(p, "class") == "note" {
			list = append(list, text(p))
		}
	}
	return list
}

func TestPageSaysWhatWasSearched(t *testing.T) {
	s := library(t)
	for target, c := range map[string]struct {
		headline string
		notes    []string
		link     [2]string // words and address
	}{
		"/?q=tolstoy": {"3 books for “tolstoy”", nil, [2]string{}},
		"/?q=tolstoi&language=en&sort=title&tag=letter": {
			"2 books for “tolstoy”", []string{"Showing results for tolstoy. Search instead for tolstoi."},
			[2]string{"tolstoi", "/?exact=true&language=en&q=tolstoi&sort=title&tag=letter"},
		},
		"/?q=emma+zzzz":     {"1 book for “emma”", []string{"No book has all of your words. These match emma, without zzzz."}, [2]string{}},
		"/?q=9780306406158": {"No book found for “9780306406158”", []string{"9780306406158 looks like an ISBN, but its last digit doesn’t fit the others. Please compare it with the book."}, [2]string{}},
		"/?q=9780306406157": {"No book found for “9780306406157”", nil, [2]string{}},
	} {
		page := s.page(target)
		assert.Equal(t, c.headline, text(find(t, page, "h1")[0]), target)
		assert.Equal(t, c.notes, notes(t, page), target)
		if c.link[0] != "" {
			a := linkCalled(t, page, c.link[0])
			assert.Equal(t, c.link[1], attr(a, "href"), target)
			assert.Equal(t, "nofollow", attr(a, "rel"))
		}
	}
	corrected := s.page("/?q=tolstoi&limit=2")
	assert.Contains(t, s.page(attr(linkCalled(t, corrected, "Next →"), "href")), "Showing results for", "the next page, too")
	exact := s.page("/?q=tolstoi&exact=true&sort=title")
	assert.Equal(t, "/?q=tolstoi&sort=title", attr(linkCalled(t, exact, "Search for words like “tolstoi”"), "href"))
	assert.NotContains(t, exact, `name="exact"`, "there is nothing to sort")
	assert.Contains(t, s.page("/?q=tolstoy&exact=true"), `name="exact" value="true"`)
}

func TestPageSuggestsAKeyword(t *testing.T) {
	s := newShop(t, onIndex(func(context.Context) (*model.SearchResult, error) {
		return &model.SearchResult{IDs: []uint{1}, Total: 1, Match: model.ExactMatch, Suggested: "<war> & peace"}, nil
	}))
	s.add(&model.Book{Title: "Wra"})
	page := s.page("/?q=wra&language=en&exact=false")
	assert.Equal(t, []string{"Did you mean <war> & peace?"}, notes(t, page))
	assert.Equal(t, "/?language=en&q=%3Cwar%3E+%26+peace", attr(linkCalled(t, page, "<war> & peace"), "href"))
}

// facetsOn reads the facets of a page: words and address of each value.
func facetsOn(t *testing.T, page, class string) map[string]map[string]string {
	t.Helper()
	facets := map[string]map[string]string{}
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || attr(n, "class") != class {
			continue
		}
		name := ""
		for d := range n.Descendants() {
			switch {
			case d.Type == html.ElementNode && d.Data == "h2":
				name = text(d)
				facets[name] = map[string]string{}
			case d.Type == html.ElementNode && d.Data == "a":
				facets[name][text(d)] = attr(d, "href")
				assert.Equal(t, "nofollow", attr(d, "rel"))
			}
		}
	}
	return facets
}

func TestFacetsAreLinks(t *testing.T) {
	s := library(t)
	page := s.page("/?q=tolstoy&sort=title&limit=2&o=2&tag=letter")
	assert.Equal(t, map[string]map[string]string{
		"Subject":   {"Russia 3": "/?limit=2&q=tolstoy&sort=title&subject=Russia&tag=letter", "War 2": "/?limit=2&q=tolstoy&sort=title&subject=War&tag=letter"},
		"Language":  {"English 2": "/?language=en&limit=2&q=tolstoy&sort=title&tag=letter", "German 1": "/?language=de&limit=2&q=tolstoy&sort=title&tag=letter"},
		"Published": {"1860–1869 2": "/?decade=1860&limit=2&q=tolstoy&sort=title&tag=letter", "1870–1879 1": "/?decade=1870&limit=2&q=tolstoy&sort=title&tag=letter"},
	}, facetsOn(t, page, "facets"), "one author and no book in stock: no choice")
	for _, facet := range facetsOn(t, page, "facets") {
		for words, address := range facet {
			count, _, _ := strings.Cut(words[strings.LastIndexByte(words, ' ')+1:], " ")
			assert.Equal(t, count, s.get(strings.Replace(address, "/?", "/api/books?", 1)).Header().Get("X-Total-Count"), address)
		}
	}
	chosen := s.page("/?q=tolstoy&language=EN&subject=war")
	assert.Equal(t, map[string]map[string]string{
		"Subject":  {"Russia 2": "/?language=en&q=tolstoy&subject=Russia", "War 1 (remove)": "/?language=en&q=tolstoy"},
		"Language": {"English 1 (remove)": "/?q=tolstoy&subject=war", "German 1": "/?language=de&q=tolstoy&subject=war"},
	}, facetsOn(t, chosen, "facets"))
	assert.Equal(t, 2, strings.Count(chosen, `aria-current="true"`))
	for _, without := range []string{"/?q=zzzzz", "/?q=tolstoy&o=40", "/?q=emma"} {
		assert.NotContains(t, s.page(without), `class="facets"`, without)
	}
	plain := newShop(t)
	plain.add(&model.Book{Title: "War", Language: "en"}, &model.Book{Title: "War", Language: "de"})
	assert.NotContains(t, plain.page("/?q=war"), "Narrow", "the database has no facets")
	assert.NotContains(t, plain.page("/"), "browse")
}

func TestPageShowsWhyABookWasFound(t *testing.T) {
	s := library(t)
	s.add(&model.Book{Title: "<mark>War</mark> & Co", Author: "<b>Bold</b>", Description: "<script>alert('peace')</script>", Subjects: []string{"<i>Quiet</i>"}})
	marked := func(target string) (list []string) {
		page := s.page(target)
		for _, m := range find(t, page, "mark") {
			list = append(list, text(m))
		}
		return list
	}
	assert.Equal(t, []string{"Tolstoy", "Tolstoy", "Tolstoy"}, marked("/?q=tolstoi"))
	assert.Equal(t, []string{"Austen", "makes matches"}, marked("/?q=austen+makes+matches"))
	assert.Equal(t, []string{"Mars"}, marked("/?q=subject:mars"))
	assert.Equal(t, []string{"War", "Bold", "Quiet", "peace"}, marked("/?q=war+bold+quiet+peace"))
	page := s.page("/?q=war+bold+quiet+peace")
	assert.Contains(t, page, "&lt;mark&gt;<mark>War</mark>&lt;/mark&gt; &amp; Co")
	assert.Contains(t, page, "alert(&#39;<mark>peace</mark>&#39;)")
	assert.Equal(t, []string{"<mark>War</mark> & Co"}, titlesOf(t, page))
	assert.False(t, strings.Contains(s.page("/"), "<mark>"))
	plain := newShop(t)
	plain.add(&model.Book{Title: "War"})
	assert.Contains(t, plain.page("/?q=war"), "<mark>War</mark>", "the database needs no engine for that")
}

func TestHomePageLeadsIntoTheCatalogue(t *testing.T) {
	s := library(t)
	facets := facetsOn(t, s.page("/"), "browse")
	assert.Equal(t, map[string]string{"Russia 3": "/?subject=Russia", "War 2": "/?subject=War", "Mars 1": "/?subject=Mars"}, facets["Subject"])
	assert.Equal(t, map[string]string{"English 4": "/?language=en", "German 1": "/?language=de", "Japanese 1": "/?language=ja"}, facets["Language"])
	assert.Equal(t, "/?author=Leo+Tolstoy", facets["Author"]["Leo Tolstoy 3"])
	assert.Len(t, facets, 3)
	assert.NotContains(t, s.page("/?o=2"), `class="browse"`)
	assert.Empty(t, s.events.take())
}

// A page without books leads only to pages that have some.
func TestNoLinkLeadsToAnotherEmptyPage(t *testing.T) {
	s := library(t)
	for target, want := range map[string][]string{
		"/?q=wells&language=de":                                {"Remove “Language: German”"},
		"/?q=wells&language=en&decade=1860":                    {"Remove “Published: 1860–1869”"},
		"/?q=wells&language=de&decade=1860":                    {"Search the whole shop for “wells”"},
		"/?q=wells&language=de&decade=1890&author=h.+g.+WELLS": {"Remove “Language: German”"},
		"/?language=ja&decade=1860":                            {"Remove “Language: Japanese”", "Remove “Published: 1860–1869”"},
		"/?author=nobody":                                      nil,
		"/?q=emma+mars&exact=true":                             {"Search for words like “emma mars”"},
		"/?q=author:austen+title:worlds+zzzzz":                 {"Search for “author:austen” alone", "Search for “title:worlds” alone"},
		"/?q=zzzzz":                                            nil,
		"/?q=%22zzzzz+yyyyy%22+-emma":                          nil,
		"/?q=wells&language=de&o=20":                           {"Remove “Language: German”"},
	} {
		page := s.page(target)
		events := s.events.take()
		assert.LessOrEqual(t, len(events), 1, target)
		var ways []string
		for _, li := range find(t, page, "li") {
			for a := range li.ChildNodes() {
				if a.Data != "a" || attr(a, "class") == "book" {
					continue
				}
				address, err := url.Parse(attr(a, "href"))
				require.NoError(t, err)
				assert.False(t, strings.Contains(s.page(address.String()), "No book found"), "%s leads to %s", target, address)
				if text(a) != "Browse all books" && text(a) != "What we record" && !strings.HasPrefix(attr(a, "aria-label"), "Remove the filter") {
					ways = append(ways, text(a))
				}
			}
		}
		assert.Equal(t, want, ways, target)
		assert.Contains(t, page, "Popular books", target)
		assert.Contains(t, []string{"The War of the Worlds", "War and Peace", "Krieg und Frieden"}, titlesOf(t, page)[0], "the best known in stock first, or one that passes the filter")
		s.events.take()
	}
}
