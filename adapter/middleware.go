package adapter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"literank.com/event-books/adapter/api"
	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

const (
	requestIDKey = "request_id"
	// maxBody is the largest request body, in bytes.
	maxBody = 1 << 20
)

func (s *Server) requestID(c *gin.Context) {
	id := uuid.NewString()
	c.Set(requestIDKey, id)
	c.Header("X-Request-Id", id)
}

// accessLog logs each request without its query string and without the client's whole
// address: the log must not tell who searches for what.
func (s *Server) accessLog(c *gin.Context) {
	begun := time.Now()
	path := c.Request.URL.Path
	c.Next()
	log := s.log.Info
	if path == "/livez" || path == "/readyz" || strings.HasPrefix(path, "/static/") {
		log = s.log.Debug
	}
	log("request", "method", cut(c.Request.Method, 20), "path", cut(path, 200), "status", c.Writer.Status(),
		"ms", float64(time.Since(begun).Microseconds())/1000, "network", loggedNetwork(c), "request_id", c.GetString(requestIDKey))
}

// cut shortens a text of a client for the log.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func (s *Server) recovery(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause)
		}
		if c.Writer.Written() {
			s.log.Error("panic after the answer had begun", "request_id", c.GetString(requestIDKey), "error", cause, "stack", string(debug.Stack()))
			c.Abort()
			return
		}
		s.fail(c, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
	}()
	c.Next()
}

// contentSecurityPolicy allows scripts and their requests only from and to the page's own
// origin, none inside the page, and pictures only from imageHosts.
// Links contain the public address, so the policy allows that even if the browser
// reached the page by another one.
func contentSecurityPolicy(base string, imageHosts []string) string {
	self := "'self'"
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		self += " " + u.Scheme + "://" + u.Host
	}
	images := self
	for _, host := range imageHosts {
		images += " https://" + host
	}
	return "default-src 'none'; script-src 'self'; connect-src 'self'; style-src " + self + "; img-src " + images +
		"; form-action " + self + "; base-uri 'none'; frame-ancestors 'none'"
}

func (s *Server) securityHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", s.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	if s.isHTTPS(c.Request) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// newCrossOrigin trusts the origin of the shop's public address: a proxy may change the
// host, with which the browser's origin is compared.
func newCrossOrigin(base *url.URL) (*http.CrossOriginProtection, error) {
	protection := http.NewCrossOriginProtection()
	if base.Host == "" {
		return protection, nil
	}
	return protection, protection.AddTrustedOrigin(base.Scheme + "://" + base.Host)
}

// sameOrigin refuses a write that a browser sends for another site.
func (s *Server) sameOrigin(c *gin.Context) {
	if err := s.crossOrigin.Check(c.Request); err != nil {
		s.fail(c, &model.Error{Code: model.Forbidden, Message: "requests from other sites are refused", Cause: err})
	}
}

// bounds limits the time and the size of a request. Live searches have no end.
func (s *Server) bounds(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
	if c.FullPath() == api.LivePath {
		c.Next()
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), requestTimeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// withoutParameters refuses query strings.
func (s *Server) withoutParameters(c *gin.Context) {
	if err := query.RequireNone(c.Request.URL.RawQuery); err != nil {
		s.fail(c, err)
	}
}
