package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/desk"
	"literank.com/event-books/adapter/pages"
	"literank.com/event-books/domain/model"
)

// statusOf maps each error code to its HTTP status. Any other error is a fault
// of the shop and gets a 500.
var statusOf = map[model.Code]int{
	model.Malformed:          http.StatusBadRequest,
	model.Invalid:            http.StatusUnprocessableEntity,
	model.NotFound:           http.StatusNotFound,
	model.Conflict:           http.StatusConflict,
	model.PreconditionFailed: http.StatusPreconditionFailed,
	model.Unsupported:        http.StatusUnsupportedMediaType,
	model.TooLarge:           http.StatusRequestEntityTooLarge,
	model.Unauthorized:       http.StatusUnauthorized,
	model.Forbidden:          http.StatusForbidden,
	model.UnavailableNow:     http.StatusServiceUnavailable,
	model.Overloaded:         http.StatusServiceUnavailable,
	model.TimedOut:           http.StatusGatewayTimeout,
	model.TooManyRequests:    http.StatusTooManyRequests,
}

// retryAfter is the Retry-After of a 503 that names no time, in seconds.
const retryAfter = "5"

// problem is a problem document (RFC 9457) with two members of its own: field
// and request_id.
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

// orFail makes a handler of a function that returns an error.
func (s *Server) orFail(handle func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handle(c); err != nil {
			s.fail(c, err)
		}
	}
}

// fail ends a request with an error, as a page or as a problem document. It logs
// faults of the shop; the access log has the faults of clients.
func (s *Server) fail(c *gin.Context, err error) {
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError, RequestID: c.GetString(requestIDKey)}
	var (
		e    *model.Error
		code model.Code
	)
	if errors.As(err, &e) {
		p.Detail, p.Field, code = e.Sentence(), e.Field, e.Code
		if status, ok := statusOf[e.Code]; ok {
			p.Status = status
		}
	}
	switch {
	case p.Status == http.StatusServiceUnavailable, p.Status == http.StatusGatewayTimeout: // the part that is unavailable logs that itself
		s.log.Debug("request not served", "request_id", p.RequestID, "error", err)
	case errors.Is(c.Request.Context().Err(), context.Canceled):
		s.log.Debug("client went away", "request_id", p.RequestID, "error", err)
	case p.Status >= 500:
		s.log.Error("request failed", "request_id", p.RequestID, "status", p.Status, "error", err)
	}
	switch p.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		c.Header("Retry-After", retryAfter)
		if e.RetryAfter > 0 {
			c.Header("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		}
	case http.StatusUnauthorized:
		c.Header("WWW-Authenticate", `Bearer realm="staff"`)
	case http.StatusInternalServerError:
		p.Detail = "Something went wrong on our side."
	}
	s.problem(c, p, code)
}

// failStatus ends a request with a status where there is no error.
func (s *Server) failStatus(c *gin.Context, status int, detail string) {
	s.problem(c, problem{Type: "about:blank", Status: status, Detail: detail, RequestID: c.GetString(requestIDKey)}, "")
}

// problem answers with a problem. The code may be empty; only pages say more with it.
func (s *Server) problem(c *gin.Context, p problem, code model.Code) {
	p.Title = http.StatusText(p.Status)
	c.Abort()
	c.Header("Cache-Control", "no-store")
	if wantsPage(c.Request) {
		s.pages.Error(c, pages.Failure{Status: p.Status, Code: code, Field: p.Field, RequestID: p.RequestID})
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of strings always encodes
	}
	c.Data(p.Status, "application/problem+json", body)
}

// forms are the addresses of the forms.
var forms = []string{pages.VisitorPath, desk.SignInPath, desk.SignOutPath, desk.HidePath, desk.DeadPath}

// wantsPage reports whether a person in a browser asked, not a program.
func wantsPage(r *http.Request) bool {
	asBrowser := strings.Contains(r.Header.Get("Accept"), "text/html")
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/"), r.URL.Path == pingPath, saysDemo(r):
		return false
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return asBrowser && slices.Contains(forms, r.URL.Path)
	}
	return asBrowser || r.URL.Path == "/" || r.URL.Path == pages.PrivacyPath || strings.HasPrefix(r.URL.Path, "/books/")
}
