// Package adapter is the shop's HTTP server. It holds what every request needs:
// routes, middleware and the answers to errors. The pages for people are in
// adapter/pages, the API for programs in adapter/api. It must not know databases
// or Kafka.
package adapter

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/api"
	"literank.com/event-books/adapter/desk"
	"literank.com/event-books/adapter/pages"
)

// routes lists everything that the server answers.
func (s *Server) routes(r *gin.Engine) {
	read := []string{http.MethodGet, http.MethodHead}

	r.Match(read, "/", s.orFail(s.pages.Index))
	r.Match(read, "/books/:id", s.orFail(s.pages.Book))
	r.Match(read, pages.PrivacyPath, s.orFail(s.pages.Privacy))
	r.POST(pages.VisitorPath, s.orFail(s.pages.AnswerVisitor))
	r.POST(pages.RequestsPath, s.orFail(s.pages.TakeRequest))
	r.Match(read, "/robots.txt", s.robots)
	r.Match(read, "/static/*file", s.static)

	r.Match(read, "/api/books", s.orFail(s.api.List))
	r.POST("/api/books", s.staffOnly, s.withoutParameters, s.orFail(s.api.Create))
	r.Match(read, "/api/books/:id", s.withoutParameters, s.orFail(s.api.Get))
	r.PUT("/api/books/:id", s.staffOnly, s.withoutParameters, s.orFail(s.api.Replace))
	r.PATCH("/api/books/:id", s.staffOnly, s.withoutParameters, s.orFail(s.api.Patch))
	r.DELETE("/api/books/:id", s.staffOnly, s.withoutParameters, s.orFail(s.api.Delete))
	r.Match(read, "/api/search", s.orFail(s.api.Search))
	r.Match(read, "/api/suggest", s.orFail(s.api.Suggest))
	r.Match(read, "/api/books/:id/related", s.orFail(s.recommendations.Related))
	r.Match(read, "/api/recommendations", s.orFail(s.recommendations.ForVisitor))
	r.Match(read, "/api/trends", s.orFail(s.trends.List))
	r.GET(desk.SignInPath, s.orFail(s.showSignIn))
	r.POST(desk.SignInPath, s.orFail(s.signIn))
	r.POST(desk.SignOutPath, s.orFail(s.signOut))
	r.GET(desk.Path, s.deskOnly, s.orFail(s.desk.Front))
	r.GET(desk.KeywordPath, s.deskOnly, s.orFail(s.desk.Keyword))
	r.GET(desk.HealthPath, s.deskOnly, s.orFail(s.desk.Health))
	r.GET(desk.DeadPath, s.deskOnly, s.orFail(s.desk.DeadLetter))
	r.GET(desk.EventPath, s.deskOnly, s.orFail(s.desk.Event))
	r.POST(desk.DeadPath, s.staffOnly, s.orFail(s.desk.RetryDeadLetter))
	r.POST(desk.HidePath, s.staffOnly, s.orFail(s.desk.Hide))
	r.GET(desk.LivePath, s.deskOnly, s.orFail(s.desk.Live))
	r.GET(desk.OrdersPath, s.deskOnly, s.orFail(s.desk.Orders))
	r.POST(desk.OrdersPath, s.deskOnly, s.orFail(s.desk.ChangeOrder))

	r.DELETE("/api/insights/demo", s.staffOnly, s.withoutParameters, s.orFail(s.clearDemo))
	r.GET("/api/insights/summary", s.staffOnly, s.orFail(s.insights.Summary))
	r.GET("/api/insights/keywords", s.staffOnly, s.orFail(s.insights.Keywords))
	r.GET("/api/insights/keyword", s.staffOnly, s.orFail(s.insights.Keyword))
	r.GET(api.OrdersPath, s.staffOnly, s.orFail(s.orders.List))
	r.POST(api.OrdersPath+"/:id", s.staffOnly, s.withoutParameters, s.orFail(s.orders.Change))
	r.GET(api.LivePath, s.staffOnly, s.orFail(s.live.Stream))
	r.Match(read, "/api/openapi.yaml", api.OpenAPI)
	r.Match(read, "/api/asyncapi.yaml", api.AsyncAPI)
	r.Match(read, "/api/schemas/:event/:file", s.orFail(api.Schema))

	r.GET(pingPath, s.orFail(s.ping))
	r.Match(read, "/livez", s.livez)
	r.Match(read, "/readyz", s.readyz)

	r.NoRoute(func(c *gin.Context) { s.failStatus(c, http.StatusNotFound, "there is nothing at this address") })
	r.NoMethod(func(c *gin.Context) {
		s.failStatus(c, http.StatusMethodNotAllowed, "this address doesn't take "+c.Request.Method+" requests")
	})
}
