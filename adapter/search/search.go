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
