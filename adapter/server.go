package adapter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// Health tells whether the parts behind the shop answer.
type Health interface {
	// Ping fails when searches can't be answered.
	Ping(ctx context.Context) error
	EventStats() model.EventStats
}

// Options are what a Server is made of.
type Options struct {
	Books  *executor.BookOperator
	Health Health
	Log    *slog.Logger
	// PageSize is how many books a page shows, 1 to model.MaxLimit.
	PageSize int
	// TemplatesPattern names template files instead of the built-in ones.
	TemplatesPattern string
	// BaseURL is the public address, possibly with a path; empty = as requested.
	BaseURL string
	// ImageHosts are the hosts that pictures of covers may come from.
	ImageHosts []string
	// AdminToken is what staff shows as a bearer token.
	AdminToken string
	// VisitorCookie says which browsers get a number; empty = CookieAsk.
	VisitorCookie VisitorCookie
	// TrustedProxies are believed about the client's address.
	TrustedProxies []string
}

// Server answers HTTP requests.
type Server struct {
	Options
	log       *slog.Logger
	templates *template.Template
	assets    assets
	crawlers  *crawlers
	links     query.Links
	// basePath is the path of the public address.
	basePath  string
	tokenHash [sha256.Size]byte
	csp       string
	engine    *gin.Engine
	stopping  atomic.Bool
}

// requestTimeout bounds the work on one request.
const requestTimeout = 10 * time.Second

// New returns a Server, or an error about the templates or the options.
func New(o Options) (*Server, error) {
	s := &Server{Options: o, log: o.Log, tokenHash: sha256.Sum256([]byte(o.AdminToken))}
	s.links = query.Links{Base: strings.TrimRight(o.BaseURL, "/"), PageSize: o.PageSize}
	if u, err := url.Parse(s.links.Base); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	} else {
		s.basePath = u.Path
	}
	s.csp = contentSecurityPolicy(s.links.Base, o.ImageHosts)
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.crawlers, err = knownCrawlers(); err != nil {
		return nil, err
	}
	if s.templates, err = s.loadTemplates(); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false // it redirects past our middleware and the base path
	if err := s.engine.SetTrustedProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	// recovery lies within bounds, which ends the request's context on the way
	// out: what failed would then look like a client that went away.
	s.engine.Use(s.requestID, s.accessLog, s.securityHeaders, s.bounds, s.recovery, s.sameOrigin)
	s.routes(s.engine)
	return s, nil
}

// ServeHTTP answers below the base URL's path and without it, since proxies
// do both: strip the path or leave it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, s.basePath); ok && s.basePath != "" && (rest == "" || rest[0] == '/') {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = rest, ""
		if rest == "" {
			r.URL.Path = "/"
		}
	}
	s.engine.ServeHTTP(w, r)
}

// Stopping makes the server tell load balancers that it goes away.
func (s *Server) Stopping() { s.stopping.Store(true) }

// HTTPServer returns a server for public ports, with its timeouts.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      requestTimeout + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10, // a keyword of 10,000 characters is still told that it is too long
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
