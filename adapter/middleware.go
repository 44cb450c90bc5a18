package adapter

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

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

// accessLog logs each request without its query string: the log must not contain
// what people search for.
func (s *Server) accessLog(c *gin.Context) {
	begun := time.Now()
	path := c.Request.URL.Path
	c.Next()
	log := s.log.Info
	if path == "/livez" || path == "/readyz" || strings.HasPrefix(path, "/static/") {
		log = s.log.Debug
	}
	log("request", "method", c.Request.Method, "path", path, "status", c.Writer.Status(),
		"ms", float64(time.Since(begun).Microseconds())/1000, "client", c.ClientIP(), "request_id", c.GetString(requestIDKey))
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

// contentSecurityPolicy allows no scripts, and pictures only from imageHosts.
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
	return "default-src 'none'; style-src " + self + "; img-src " + images +
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
}

var crossOrigin = http.NewCrossOriginProtection()

// sameOrigin refuses a write that a browser sends for another site.
func (s *Server) sameOrigin(c *gin.Context) {
	if err := crossOrigin.Check(c.Request); err != nil {
		s.fail(c, &model.Error{Code: model.Forbidden, Message: "requests from other sites are refused", Cause: err})
	}
}

// bounds limits the time and the size of a request.
func (s *Server) bounds(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), requestTimeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
	c.Next()
}

// withoutParameters refuses query strings.
func (s *Server) withoutParameters(c *gin.Context) {
	if err := query.RequireNone(c.Request.URL.RawQuery); err != nil {
		s.fail(c, err)
	}
}

func (s *Server) staffOnly(c *gin.Context) {
	if !s.isStaff(c.Request) {
		s.fail(c, model.Errorf(model.Unauthorized, "Authorization", "only staff may do this: send the shop's admin token as a bearer token"))
	}
}

func (s *Server) isStaff(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || s.options.AdminToken == "" {
		return false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(hash[:], s.tokenHash[:]) == 1
}
