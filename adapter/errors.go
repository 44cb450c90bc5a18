package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/domain/model"
)

// statusOf is the one table from a kind of failure to an HTTP status. What
// isn't in it is our own fault: 500.
var statusOf = map[model.Code]int{
	model.Malformed:      http.StatusBadRequest,
	model.Invalid:        http.StatusUnprocessableEntity,
	model.NotFound:       http.StatusNotFound,
	model.Conflict:       http.StatusConflict,
	model.TooLarge:       http.StatusRequestEntityTooLarge,
	model.Unauthorized:   http.StatusUnauthorized,
	model.Forbidden:      http.StatusForbidden,
	model.UnavailableNow: http.StatusServiceUnavailable,
}

// retryAfter is what a 503 recommends, in seconds.
const retryAfter = "5"

// problem is a problem document (RFC 9457) with two members of ours.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Field names the parameter or field at fault.
	Field string `json:"field,omitempty"`
	// RequestID finds the request in the log.
	RequestID string `json:"request_id,omitempty"`
}

// fail ends a request with an error, in the form that its caller reads. It
// logs the failures that are ours; those of the caller are in the access log.
func (s *Server) fail(c *gin.Context, err error) {
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError, RequestID: c.GetString(requestIDKey)}
	var e *model.Error
	if errors.As(err, &e) {
		p.Detail, p.Field = e.Message, e.Field
		if status, ok := statusOf[e.Code]; ok {
			p.Status = status
		}
	}
	switch {
	case p.Status == http.StatusServiceUnavailable: // whatever is away has told so itself
		s.log.Debug("request not served", "request_id", p.RequestID, "error", err)
	case errors.Is(c.Request.Context().Err(), context.Canceled):
		s.log.Debug("client went away", "request_id", p.RequestID, "error", err)
	case p.Status >= 500:
		s.log.Error("request failed", "request_id", p.RequestID, "status", p.Status, "error", err)
	}
	switch p.Status {
	case http.StatusServiceUnavailable:
		c.Header("Retry-After", retryAfter)
	case http.StatusUnauthorized:
		c.Header("WWW-Authenticate", `Bearer realm="staff"`)
	case http.StatusInternalServerError:
		p.Detail = "Something went wrong on our side."
	}
	s.problem(c, p)
}

// failStatus ends a request with a status that has no error behind it.
func (s *Server) failStatus(c *gin.Context, status int, detail string) {
	s.problem(c, problem{Type: "about:blank", Status: status, Detail: detail, RequestID: c.GetString(requestIDKey)})
}

func (s *Server) problem(c *gin.Context, p problem) {
	p.Title = http.StatusText(p.Status)
	c.Abort()
	c.Header("Cache-Control", "no-store")
	if wantsPage(c.Request) {
		s.errorPage(c, p)
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of texts
	}
	c.Data(p.Status, "application/problem+json", body)
}

// wantsPage tells whether a browser's reader asked, rather than a program.
func wantsPage(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") || r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/books/")
}
