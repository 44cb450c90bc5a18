package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

const searchPath = "/api/search"

// List answers with one page of books: the array that the event of the search has as its
// value.
func (h *Books) List(c *gin.Context) error {
	answer, tag, err := h.Searcher.Search(c, model.APISurface, false)
	if err != nil {
		return err
	}
	h.describe(c, path, answer, tag)
	c.Header("Content-Length", strconv.Itoa(len(answer.Body))) // or net/http would send larger answers in chunks
	c.Data(http.StatusOK, "application/json; charset=utf-8", answer.Body)
	return nil
}

// found is everything that a search finds out.
type found struct {
	SearchID     string             `json:"search_id,omitempty"`
	Total        int                `json:"total"`
	Match        model.Match        `json:"match,omitempty"`
	ServedQuery  string             `json:"served_query,omitempty"`
	Books        []foundBook        `json:"books"`
	Facets       *model.Facets      `json:"facets,omitempty"`
	Correction   *correction        `json:"correction,omitempty"`
	Capabilities model.Capabilities `json:"capabilities"`
	Explanation  *model.Explanation `json:"explanation,omitempty"`

	Related []model.RelatedSearch `json:"related,omitempty"`
}

// maxRelated is the number of related searches.
const maxRelated = 8

type foundBook struct {
	Book       model.ListedBook `json:"book"`
	Highlights model.Highlights `json:"highlights,omitzero"`
}

// correction is a keyword that the shopper may have meant.
type correction struct {
	Query string `json:"query"`
	// Applied says that the answer is the result of this keyword.
	Applied bool `json:"applied"`
}

// Search answers with one page of books and everything else that the search found out.
func (h *Books) Search(c *gin.Context) error {
	book, explained, rest, err := query.CutExplain(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	if explained {
		return h.explain(c, book, rest)
	}
	answer, tag, err := h.Searcher.Search(c, model.APISurface, true)
	if err != nil {
		return err
	}
	return h.answer(c, answer, tag, nil)
}

// explain answers staff like Search, and says why a book stands where it does. No shopper
// searched, so it sends no event.
func (h *Books) explain(c *gin.Context, book uint, rest string) error {
	if err := h.Staff(c); err != nil {
		return err
	}
	search, tag, err := query.ParseStrict(rest, h.Searcher.PageSize)
	if err != nil {
		return err
	}
	search.WithFacets = true
	explanation, err := h.Operator.Explain(c.Request.Context(), search, book)
	if err != nil {
		return err
	}
	answer, err := h.Operator.GetBooks(c.Request.Context(), search, model.Visit{})
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "private, no-store")
	return h.answer(c, answer, tag, explanation)
}

// answer writes the answer of a search.
func (h *Books) answer(c *gin.Context, answer *executor.Answer, tag string, explanation *model.Explanation) error {
	h.describe(c, searchPath, answer, tag)
	body := found{
		SearchID: answer.SearchID, Total: answer.Total, Match: answer.Match, ServedQuery: answer.Served,
		Books: make([]foundBook, len(answer.Books)), Facets: answer.Facets, Capabilities: h.Operator.Capabilities(), Explanation: explanation,
		Related: h.Trends.RelatedSearches(answer, maxRelated),
	}
	highlights := h.Operator.Highlight(answer)
	for i, b := range answer.Books {
		body.Books[i] = foundBook{b, highlights[i]}
	}
	switch {
	case answer.Changed():
		body.Correction = &correction{Query: answer.Served, Applied: true}
	case answer.Suggested != "":
		body.Correction = &correction{Query: answer.Suggested}
	}
	c.JSON(http.StatusOK, body)
	return nil
}

// describe sets the headers that say what a search found.
func (h *Books) describe(c *gin.Context, path string, answer *executor.Answer, tag string) {
	c.Header("X-Total-Count", strconv.Itoa(answer.Total))
	if answer.Search.Keyword != "" {
		c.Header("X-Match", string(answer.Match))
		c.Header("X-Served-Query", query.Escape(answer.Served))
	}
	var links []string
	for _, l := range []struct {
		rel    string
		search *model.Search
	}{{"prev", answer.Previous()}, {"next", answer.Next()}} {
		if l.search != nil {
			links = append(links, "<"+h.Links.ToSearch(path, *l.search, tag)+`>; rel="`+l.rel+`"`)
		}
	}
	if len(links) > 0 {
		c.Header("Link", strings.Join(links, ", "))
	}
}

// suggestionsAge is how long clients may keep suggestions.
const suggestionsAge = "public, max-age=60"

// Suggest answers with completions of what a shopper types. That is no search.
func (h *Books) Suggest(c *gin.Context) error {
	typed, limit, err := query.ParseSuggest(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	suggestions := []model.Suggestion{}
	if typed != "" {
		found, err := h.Operator.Suggest(c.Request.Context(), typed, limit)
		if err != nil {
			return err
		}
		suggestions = append(suggestions, found...)
	}
	if h.Operator.Capabilities().Suggestions {
		c.Header("Cache-Control", suggestionsAge)
	} else { // soon the engine may have some
		c.Header("Cache-Control", "no-store")
	}
	c.JSON(http.StatusOK, suggestions)
	return nil
}
