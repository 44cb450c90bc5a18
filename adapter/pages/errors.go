package pages

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

// Failure is an error as an error page shows it.
type Failure struct {
	Status int
	// Field names the parameter at fault, if there is one.
	Field string
	// RequestID finds the request in the log.
	RequestID string
}

// errorData is the data of error.html.
type errorData struct {
	frame
	Status  int
	Detail  string
	Request string
}

// Error answers with an error page.
func (p *Pages) Error(c *gin.Context, f Failure) {
	data := &errorData{frame: frame{Action: p.Links.To("/", nil), NoIndex: true}, Status: f.Status, Request: f.RequestID}
	data.Title, data.Detail = explain(f)
	p.render(c, f.Status, errorTemplate, data)
}

// explain puts a failure into words for shoppers.
func explain(f Failure) (title, detail string) {
	known, ok := messages.Errors[f.Status]
	switch {
	case !ok:
		known = messages.OtherError
	case f.Status == http.StatusBadRequest && f.Field == query.Keyword:
		known.Detail = fmt.Sprintf(messages.BadKeyword, model.MaxKeyword)
	case f.Status == http.StatusBadRequest && f.Field != "":
		known.Detail = fmt.Sprintf(messages.BadParameter, f.Field)
	}
	return known.Title, known.Detail
}
