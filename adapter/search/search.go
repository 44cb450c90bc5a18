// Package search carries out the search that a request asks for. The pages and
// the API share it.
package search

import (
	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// Searcher searches the catalogue.
type Searcher struct {
	Operator *executor.BookOperator
	Visitors *visitor.Visitors
	// Demo reports whether a simulated shopper sent a request. It returns an error if the
	// request only pretends that.
	Demo func(c *gin.Context) (bool, error)
	// PageSize is the limit of requests that name none.
	PageSize int
}

// Search answers the search of a request and sets the headers that every answer
// to a search has. It also returns the tag of the request. The API reads
// parameters strictly, a page leniently. The answer has facets if they are wanted and
// the search engine has them.
func (s *Searcher) Search(c *gin.Context, surface model.Surface, withFacets bool) (answer *executor.Answer, tag string, err error) {
	parse := query.ParseLenient
	if surface == model.APISurface {
		parse = query.ParseStrict
	}
	search, tag, err := parse(c.Request.URL.RawQuery, s.PageSize)
	if err != nil {
		return nil, "", err
	}
	demo, err := s.Demo(c)
	if err != nil {
		return nil, "", err
	}
	if demo {
		surface = model.DemoSurface
	}
	search.WithFacets = withFacets
	answer, err = s.Operator.GetBooks(c.Request.Context(), search, s.Visitors.Visit(c.Request, c.ClientIP(), surface, tag))
	if err != nil {
		return nil, "", err
	}
	c.Header("Cache-Control", "private, no-store")
	if answer.SearchID != "" {
		c.Header("X-Search-Id", answer.SearchID)
	}
	return answer, tag, nil
}
