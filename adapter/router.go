// Package adapter is the shop's face to the world: pages for shoppers and an
// API for programs, by Gin. It turns requests into calls of the application
// and results into answers, and must not know databases or Kafka.
package adapter

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// routes is the list of everything that is served.
func (s *Server) routes(r *gin.Engine) {
	read := []string{http.MethodGet, http.MethodHead}

	r.Match(read, "/", s.indexPage)
	r.Match(read, "/books/:id", s.bookPage)
	r.POST("/visitor", s.answerVisitor)
	r.Match(read, "/robots.txt", s.robots)
	r.Match(read, "/static/*file", s.static)

	r.Match(read, "/api/books", s.getBooks)
	r.POST("/api/books", s.staffOnly, s.withoutParameters, s.createBook)
	r.Match(read, "/api/books/:id", s.withoutParameters, s.getBook)
	r.PUT("/api/books/:id", s.staffOnly, s.withoutParameters, s.updateBook)
	r.DELETE("/api/books/:id", s.staffOnly, s.withoutParameters, s.deleteBook)
	r.Match(read, "/api/openapi.yaml", s.openAPI)
	r.Match(read, "/api/asyncapi.yaml", s.asyncAPI)
	r.Match(read, "/api/schemas/:event/:file", s.schema)

	r.Match(read, "/livez", s.livez)
	r.Match(read, "/readyz", s.readyz)

	r.NoRoute(func(c *gin.Context) { s.failStatus(c, http.StatusNotFound, "There is nothing at this address.") })
	r.NoMethod(func(c *gin.Context) {
		s.failStatus(c, http.StatusMethodNotAllowed, "This address doesn't take "+c.Request.Method+" requests.")
	})
}
