package adapter

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// library has the embedded search engine and some books.
func library(t *testing.T, changes ...func(*setup)) *shop {
	s := newShop(t, append([]func(*setup){withEngine(t)}, changes...)...)
	s.add(libraryBooks()...)
	return s
}

func libraryBooks() []*model.Book {
	return []*model.Book{
		{Title: "War and Peace", Author: "Leo Tolstoy", PublishedAt: "1869", Language: "en", Subjects: []string{"War", "Russia"}, Popularity: 90},
		{Title: "Anna Karenina", Author: "Leo Tolstoy", PublishedAt: "1878", Language: "en", Subjects: []string{"Russia"}, Popularity: 80},
		{Title: "Krieg und Frieden", Author: "Leo Tolstoy", PublishedAt: "1869", Language: "de", Subjects: []string{"War", "Russia"}},
		{Title: "The War of the Worlds", Author: "H. G. Wells", PublishedAt: "1898", Language: "en", Subjects: []string{"Mars"}, Availability: model.InStock, Popularity: 95},
		{Title: "Emma", Author: "Jane Austen", PublishedAt: "1815", Language: "en", Description: "A rich girl makes matches, and mistakes.", Popularity: 70},
		{Title: "吾輩は猫である", Author: "夏目漱石", PublishedAt: "1905", Language: "ja"},
	}
}

func TestAPISaysHowTheBooksMatch(t *testing.T) {
	s := library(t)
	for target, want := range map[string]struct {
		total, match, served string
		typed                string // ce_totalhits
	}{
		"q=tolstoy":                {"3", "exact", "tolstoy", "3"},
		"q=tolstoi":                {"3", "corrected", "tolstoy", "0"},
		"q=tolstoi&exact=false":    {"3", "corrected", "tolstoy", "0"},
		"q=tolstoi&exact=true":     {"0", "none", "tolstoi", "0"},
		"q=tolstoi&language=de":    {"1", "corrected", "tolstoy", "0"},
		"q=tolstoy+worlds":         {"1", "relaxed", "worlds", "0"},
		"q=wells&language=de":      {"0", "none", "wells", "0"},
		"q=%E7%8C%AB%25+%2B":       {"1", "exact", "猫% +", "1"},
		"q=zzzzz":                  {"0", "none", "zzzzz", "0"},
		"q=title:war+author:wells": {"1", "exact", "title:war author:wells", "1"},
	} {
		list, all := s.get("/api/books?"+target), s.get("/api/search?"+target)
		require.Equal(t, http.StatusOK, list.Code, target)
		require.Equal(t, http.StatusOK, all.Code, target)
		events := s.events.take()
		require.Len(t, events, 2, target)
		assert.Equal(t, list.Body.String(), events[1].value, "both send the same books")
		for _, e := range events {
			assert.Equal(t, []string{want.match, want.served, want.typed}, []string{e.headers["ce_match"], e.headers["ce_servedquery"], e.headers["ce_totalhits"]}, target)
		}
		for _, answer := range []http.Header{list.Header(), all.Header(), s.do("HEAD", "/api/books?"+target, "").Header(), s.do("HEAD", "/api/search?"+target, "").Header()} {
			assert.Equal(t, want.total, answer.Get("X-Total-Count"), target)
			assert.Equal(t, want.match, answer.Get("X-Match"), target)
			served, err := url.PathUnescape(answer.Get("X-Served-Query"))
			require.NoError(t, err)
			assert.Equal(t, want.served, served)
			assert.Regexp(t, "^[!-~]+$", answer.Get("X-Served-Query"))
		}
		assert.Empty(t, s.events.take(), "HEAD is no search")
		var found struct {
			SearchID    string `json:"search_id"`
			Total       json.Number
			Match       string
			ServedQuery string `json:"served_query"`
			Books       []struct{ Book json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(all.Body.Bytes(), &found))
		assert.Equal(t, all.Header().Get("X-Search-Id"), found.SearchID)
		assert.Equal(t, []string{want.total, want.match, want.served}, []string{found.Total.String(), found.Match, found.ServedQuery}, target)
		var books []json.RawMessage
		require.NoError(t, json.Unmarshal(list.Body.Bytes(), &books))
		require.Len(t, found.Books, len(books), target)
		for i, b := range books {
			assert.Equal(t, string(b), string(found.Books[i].Book), "the same object")
		}
	}
	for _, target := range []string{"/api/books", "/api/books?language=en", "/api/search?o=2"} {
		answer := s.get(target)
		assert.NotContains(t, answer.Header(), "X-Match", target)
		assert.NotContains(t, answer.Header(), "X-Served-Query", target)
	}
	assert.Empty(t, s.events.take())
}

// Pages list one edition of each work, the API lists books unless it is asked for works.
func TestWorks(t *testing.T) {
	s := library(t)
	s.add(&model.Book{Title: "Emma", Author: "Jane Austen", PublishedAt: "1996", Language: "en", Availability: model.InStock})
	for target, want := range map[string]struct{ total, group, editions string }{
		"/api/books?q=emma":                        {"2", "", ""},
		"/api/books?q=emma&group=book":             {"2", "", ""},
		"/api/books?q=emma&group=work":             {"1", "work", `"editions":1`},
		"/api/search?q=emma&group=work":            {"1", "work", `"editions":1`},
		"/api/books?q=emma&group=work&decade=1990": {"1", "work", ""},
		"/?q=emma":            {"1", "work", "1 more edition"},
		"/?q=emma&group=book": {"2", "", ""},
	} {
		answer := s.get(target, "Accept", "*/*")
		events := s.events.take()
		require.Len(t, events, 1, target)
		assert.Equal(t, want.group, events[0].headers["ce_group"], target)
		assert.Equal(t, want.total, events[0].headers["ce_totalhits"], target)
		if want.editions == "" {
			assert.NotContains(t, answer.Body.String(), `"editions"`, target)
			assert.NotContains(t, answer.Body.String(), "more edition", target)
		} else {
			assert.Contains(t, answer.Body.String(), want.editions, target)
			assert.Contains(t, events[0].value, `"editions":1`)
		}
	}
	page := s.get("/?q=emma").Body.String()
	assert.Contains(t, page, `href="/?author=Jane&#43;Austen&amp;group=book&amp;q=title%3A%22Emma%22"`)
	s.events.take()

	plain := newShop(t) // its engine doesn't know works
	plain.add(&model.Book{Title: "Emma", Author: "Jane Austen"}, &model.Book{Title: "Emma", Author: "Jane Austen"})
	assert.Equal(t, "2", plain.get("/api/books?q=emma&group=work").Header().Get("X-Total-Count"))
	assert.NotContains(t, plain.events.take()[0].headers, "ce_group")
}

func TestStaffGetExplanations(t *testing.T) {
	s := library(t)
	staff := []string{"Authorization", "Bearer " + token}
	explain := func(target string) (found struct{ Explanation model.Explanation }) {
		t.Helper()
		answer := s.get("/api/search?"+target, staff...)
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &found))
		return found
	}
	e := explain("q=war&explain=4").Explanation
	assert.True(t, e.Found)
	assert.Equal(t, 2, e.Rank)
	assert.Equal(t, "All words are in the title.", e.Why)
	e = explain("q=war&explain=5").Explanation
	assert.False(t, e.Found)
	assert.Equal(t, `It doesn't have the word "war".`, e.Why)
	assert.Empty(t, s.events.take(), "nobody has searched")

	assert.Equal(t, "Authorization", problemOf(t, http.StatusUnauthorized, s.get("/api/search?q=war&explain=4")).Field)
	for _, target := range []string{"explain=x", "explain=0", "explain=", "explain=1&explain=2"} {
		assert.Equal(t, "explain", problemOf(t, http.StatusBadRequest, s.get("/api/search?q=war&"+target, staff...)).Field, target)
	}
	assert.Equal(t, "explain", problemOf(t, http.StatusBadRequest, s.get("/api/books?q=war&explain=4", staff...)).Field)
	plain := newShop(t)
	assert.Contains(t, problemOf(t, http.StatusBadRequest, plain.get("/api/search?q=war&explain=4", staff...)).Detail, "the database searches")
}

func TestAPISearchTellsEverything(t *testing.T) {
	s := library(t)
	read := func(s *shop, target string) (found map[string]any) {
		t.Helper()
		answer := s.get("/api/search?" + target)
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		assert.Equal(t, "private, no-store", answer.Header().Get("Cache-Control"))
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &found))
		return found
	}
	value := func(value string, count float64) any { return map[string]any{"value": value, "count": count} }
	found := read(s, "q=tolstoi&language=en&limit=1")
	assert.Equal(t, map[string]any{"query": "tolstoy", "applied": true}, found["correction"])
	assert.Equal(t, map[string]any{"correction": true, "facets": true, "suggestions": true, "works": true, "explanations": true}, found["capabilities"])
	assert.Len(t, found["books"], 1)
	assert.EqualValues(t, 2, found["total"])
	assert.Equal(t, map[string]any{
		"author": []any{value("Leo Tolstoy", 2)}, "language": []any{value("en", 2), value("de", 1)},
		"decade": []any{value("1860", 1), value("1870", 1)}, "subject": []any{value("Russia", 2), value("War", 1)}, "available": []any{value("false", 2)},
	}, found["facets"], "its own filter doesn't narrow a facet")
	assert.Equal(t, `</api/search?language=en&limit=1&o=1&q=tolstoi>; rel="next"`, s.get("/api/search?q=tolstoi&language=en&limit=1").Header().Get("Link"))

	assert.Equal(t, []any{
		map[string]any{"book": found["books"].([]any)[0].(map[string]any)["book"], "highlights": map[string]any{
			"author": []any{map[string]any{"text": "Leo "}, map[string]any{"text": "Tolstoy", "match": true}},
		}},
	}, found["books"])
	emma := read(s, "q=austen+matches")["books"].([]any)[0].(map[string]any)["highlights"].(map[string]any)
	assert.Equal(t, []any{map[string]any{"text": "A rich girl makes "}, map[string]any{"text": "matches", "match": true}, map[string]any{"text": ", and mistakes."}}, emma["description"])
	assert.NotContains(t, read(s, "author=Jane+Austen")["books"].([]any)[0], "highlights")

	assert.NotContains(t, read(s, "q=tolstoy"), "correction")
	assert.NotContains(t, read(s, ""), "search_id")
	plain := newShop(t)
	plain.add(&model.Book{Title: "One"})
	found = read(plain, "q=one")
	assert.NotContains(t, found, "facets", "the database has none")
	assert.Equal(t, map[string]any{"correction": false, "facets": false, "suggestions": false, "works": false, "explanations": false}, found["capabilities"])
	assert.Equal(t, "exact", found["match"])

	assert.Equal(t, "o", problemOf(t, http.StatusBadRequest, s.get("/api/search?q=x&o=10000")).Field)
	assert.Equal(t, "facets", problemOf(t, http.StatusBadRequest, s.get("/api/search?q=x&facets=true")).Field)
	assert.Equal(t, "exact", problemOf(t, http.StatusBadRequest, s.get("/api/search?q=x&exact=1")).Field)
}

func TestSuggestions(t *testing.T) {
	s := library(t)
	suggest := func(s *shop, query string) (found []model.Suggestion) {
		t.Helper()
		answer := s.get("/api/suggest?" + query)
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		keep := "public, max-age=60"
		if !s.Server.options.Books.Capabilities().Suggestions {
			keep = "no-store"
		}
		assert.Equal(t, keep, answer.Header().Get("Cache-Control"))
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &found))
		assert.NotNil(t, found, "never null")
		return found
	}
	texts := func(list []model.Suggestion) (texts []string) {
		for _, each := range list {
			texts = append(texts, string(each.Kind)+" "+each.Text)
		}
		return texts
	}
	assert.Equal(t, []string{"title War and Peace", "title The War of the Worlds"}, texts(suggest(s, "q=war")))
	assert.Equal(t, []string{"title War and Peace"}, texts(suggest(s, "q=war&limit=1")))
	assert.Equal(t, []string{"author Jane Austen"}, texts(suggest(s, "q=aust")))
	assert.Equal(t, []string{"title 吾輩は猫である"}, texts(suggest(s, "q="+url.QueryEscape("吾輩"))))
	for _, nothing := range []string{"", "q=", "q=+", "q=zzzz", "q=%3F"} {
		assert.Empty(t, suggest(s, nothing), nothing)
	}
	assert.Empty(t, suggest(newShop(t), "q=war"), "the database suggests nothing")
	for query, field := range map[string]string{"q=%ff": "q", "limit=0": "limit", "limit=9": "limit", "q=a&sort=title": "sort", "q=a&q=b": "q"} {
		assert.Equal(t, field, problemOf(t, http.StatusBadRequest, s.get("/api/suggest?"+query)).Field, query)
	}
	assert.Empty(t, s.events.take(), "suggestions are no search")
}
