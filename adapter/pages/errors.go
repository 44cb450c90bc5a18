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
	// Code is the kind of the error, if it is one of the domain.
	Code model.Code
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
	// WaysOn are pages that may help.
	WaysOn []link
	// Offers are books for a page that doesn't exist.
	Offers offers
}

// Error answers with an error page.
func (p *Pages) Error(c *gin.Context, f Failure) {
	// If the search itself is at fault, this is as much of it as can be read.
	search, tag, _ := query.ParseLenient(c.Request.URL.RawQuery, p.Links.PageSize)
	told := explain(f, search)
	if c.Request.Method == http.MethodPost && f.Status == http.StatusBadRequest {
		told = messages.OtherError // it isn't the address that is wrong
	}
	data := &errorData{frame: p.frame(told.Title), Status: f.Status, Detail: told.Detail, Request: f.RequestID}
	data.Search, data.NoIndex = search, true
	switch {
	case tooDeep(f, search):
		search.Offset = 0
		data.WaysOn = append(data.WaysOn, link{messages.FirstPage, p.Links.ToSearch("/", search, tag)})
	case f.Status == http.StatusNotFound:
		ctx, cancel := briefly(c.Request.Context())
		defer cancel()
		data.Offers = p.offers(ctx, model.Filters{})
	case mayRetry(f.Status) && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead):
		data.WaysOn = append(data.WaysOn, link{messages.TryAgain, p.Links.To(ownPage(c.Request.URL.RequestURI()), nil)})
	}
	data.WaysOn = append(data.WaysOn, link{messages.BrowseAll, data.Action})
	p.render(c, f.Status, errorTemplate, data)
}

func tooDeep(f Failure, s model.Search) bool {
	return f.Status == http.StatusBadRequest && f.Field == query.Offset && s.TooDeep()
}

func mayRetry(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// explain puts a failure into words for shoppers.
func explain(f Failure, s model.Search) explanation {
	told, ok := messages.Errors[f.Status]
	switch {
	case !ok:
		told = messages.OtherError
	case f.Code == model.Overloaded:
		told = messages.Overloaded
	case tooDeep(f, s):
		told = messages.TooDeep
		told.Detail = fmt.Sprintf(told.Detail, number(model.MaxDepth))
	case f.Status == http.StatusBadRequest && f.Field == query.Keyword:
		told.Detail = fmt.Sprintf(messages.BadKeyword, number(model.MaxKeyword))
	case f.Status == http.StatusBadRequest && f.Field != "":
		told.Detail = fmt.Sprintf(messages.BadParameter, f.Field)
	}
	return told
}
