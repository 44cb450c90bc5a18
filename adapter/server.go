package adapter

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"literank.com/event-books/adapter/api"
	"literank.com/event-books/adapter/click"
	"literank.com/event-books/adapter/desk"
	"literank.com/event-books/adapter/pages"
	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/search"
	"literank.com/event-books/adapter/staff"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Health reports on the parts behind the shop.
type Health interface {
	// Ping fails if the shop can't answer searches.
	Ping(ctx context.Context) error
	// EventStats are those of searches, ClickStats those of clicks.
	EventStats() model.EventStats
	ClickStats() model.EventStats
	// IndexAnswers reports whether searches have all the capabilities of the configured
	// engine.
	IndexAnswers() bool
}

// VisitorCookie says which browsers get the visitor's cookie.
type VisitorCookie = visitor.Rule

// Options are the parts and the settings of a Server.
type Options struct {
	Books  *executor.BookOperator
	Trends *executor.TrendOperator
	// Recommendations recommends books.
	Recommendations *executor.RecommendationOperator
	// Insights answers the questions of staff.
	Insights *insights.Desk
	// Orders is the list of what shoppers look for in vain.
	Orders *orders.List
	// Pipeline shows staff how events travel.
	Pipeline gateway.Pipeline
	// Sessions keeps who of the staff is signed in; nil means that nobody can sign in.
	Sessions gateway.StaffSessions
	// Live shows staff searches as they happen.
	Live gateway.LiveSearches
	// Clicks takes clicks on books, and erasures. If it is nil, links to books are plain.
	Clicks *executor.ClickOperator
	Health Health
	// Demo forgets what simulated shoppers have done.
	Demo gateway.DemoKeeper
	// Tracer makes the spans of requests; nil means none.
	Tracer trace.TracerProvider
	// Pings answers /ping.
	Pings gateway.Pinger
	Log   *slog.Logger
	// PageSize is the number of books on a page, 1 to model.MaxLimit.
	PageSize int
	// TemplatesPattern names template files to use instead of the built-in ones.
	TemplatesPattern string
	// BaseURL is the public address, possibly with a path. If it is empty, links
	// are relative to the host.
	BaseURL string
	// ImageHosts are the hosts that pictures of covers may come from.
	ImageHosts []string
	// AdminToken is the bearer token of the staff.
	AdminToken string
	// VisitorCookie is visitor.Ask if it is empty.
	VisitorCookie VisitorCookie
	// VisitorKey returns the key that signs visitors' cookies, or nil while it isn't
	// known.
	VisitorKey func() []byte
	// DailyVisitor counts people of a day. DayKey returns the random key of the UTC day of a
	// time, or nil if it isn't known.
	DailyVisitor bool
	DayKey       func(at time.Time) []byte
	// Retention is how long topics keep events; 0 if that isn't known.
	Retention time.Duration
	// TrustedProxies may name the client's address, and say that its connection is
	// encrypted.
	TrustedProxies []string
	// MaxConnections bounds the connections of clients.
	MaxConnections int
	// RateLimit is the number of requests a second that one client may send in the long
	// run; 0 means any number.
	RateLimit int
	// Contact and Imprint are addresses or URLs for the foot of the pages. They may be
	// empty.
	Contact, Imprint string
}

// Server answers HTTP requests.
type Server struct {
	options         Options
	log             *slog.Logger
	pages           *pages.Pages
	api             *api.Books
	trends          *api.Trends
	recommendations *api.Recommendations
	// insights are for staff.
	insights *api.Insights
	orders   *api.Orders
	live     *api.Live
	desk     *desk.Pages
	sessions *staff.Sessions // of staff
	assets   assets
	links    query.Links
	// basePath is the path of the public address.
	basePath  string
	addresses []string // the paths of all routes
	tokenHash [sha256.Size]byte
	csp       string
	proxies   []netip.Prefix
	// crossOrigin refuses writes that a browser sends for another site.
	crossOrigin *http.CrossOriginProtection
	requests    limiters // of all requests
	logins      limiters // of wrong tokens
	metrics     *requestMetrics
	engine      *gin.Engine
	compress    func(http.Handler) http.HandlerFunc
	stopping    atomic.Bool
}

// requestTimeout bounds the work on one request.
const requestTimeout = 10 * time.Second

// New returns a Server, or an error about the templates or the options.
func New(o Options) (*Server, error) {
	base := strings.TrimRight(o.BaseURL, "/")
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	s := &Server{
		options: o, log: o.Log, tokenHash: sha256.Sum256([]byte(o.AdminToken)),
		links: query.Links{Base: base, PageSize: o.PageSize}, basePath: u.Path, csp: contentSecurityPolicy(base, o.ImageHosts),
	}
	s.metrics, s.requests, s.logins = newRequestMetrics(), newRequests(o.RateLimit), newLogins()
	if s.crossOrigin, err = newCrossOrigin(u); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if s.proxies, err = parseProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	visitors := &visitor.Visitors{
		Rule:       o.VisitorCookie,
		CookiePath: (&url.URL{Path: cmp.Or(u.Path, "/")}).EscapedPath(),
		Secure:     s.isHTTPS,
		Key:        o.VisitorKey,
		Daily:      o.DailyVisitor,
		DayKey:     o.DayKey,
	}
	if visitors.DayKey == nil {
		visitors.DayKey = func(time.Time) []byte { return nil }
	}
	searcher := &search.Searcher{Operator: o.Books, Visitors: visitors, Demo: s.isDemo, PageSize: o.PageSize}
	s.api = &api.Books{Operator: o.Books, Trends: o.Trends, Searcher: searcher, Links: s.links, Staff: s.requireStaff}
	s.trends = &api.Trends{Operator: o.Trends}
	s.recommendations = &api.Recommendations{Operator: o.Recommendations, Visitors: visitors}
	s.insights, s.live = &api.Insights{Desk: o.Insights}, &api.Live{Searches: o.Live}
	s.orders = &api.Orders{Orders: o.Orders}
	if o.Sessions != nil {
		s.sessions = staff.New(o.Sessions, o.AdminToken, visitors.CookiePath)
	}
	if s.desk, err = desk.New(desk.Options{Desk: o.Insights, Orders: o.Orders, Pipeline: o.Pipeline, Stats: o.Health, Log: o.Log, Links: s.links, Builtin: builtinTemplates, Asset: s.assetAddress}); err != nil {
		return nil, err
	}
	pageLinks := s.links
	pageLinks.ByWork = true
	s.pages, err = pages.New(pages.Options{
		Operator: o.Books, Trends: o.Trends, Recommendations: o.Recommendations, Clicks: o.Clicks, Orders: o.Orders, Signer: click.Signer{DayKey: visitors.DayKey}, Searcher: searcher, Visitors: visitors, EventLink: s.eventLink, Links: pageLinks, ImageHosts: o.ImageHosts,
		Contact: o.Contact, Imprint: o.Imprint, Retention: o.Retention, Builtin: builtinTemplates, Pattern: o.TemplatesPattern, Asset: s.assetAddress, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	if s.compress, err = newCompressor(); err != nil {
		return nil, err
	}
	if s.engine, err = s.newEngine(); err != nil {
		return nil, err
	}
	for _, route := range s.engine.Routes() {
		s.addresses = append(s.addresses, route.Path)
	}
	return s, nil
}

func (s *Server) newEngine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false                 // gin would redirect before the middleware runs, and without the base path
	r.RemoteIPHeaders = []string{"X-Forwarded-For"} // no proxy appends to X-Real-IP, so a client could choose it
	if err := r.SetTrustedProxies(s.options.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	// recovery runs inside bounds. Outside, it would find the request's context
	// already ended and take the panic for a client that went away.
	r.Use(s.traces()...)
	r.Use(s.requestID, s.accessLog, s.measure, s.securityHeaders, s.bounds, s.recovery, s.rateLimit, s.sameOrigin)
	s.routes(r)
	return r, nil
}

// ServeHTTP answers with and without the path of the base URL, since some proxies
// strip the path and others keep it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := s.belowBase(r.URL.Path); ok {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = rest, ""
	}
	s.serveCompressed(w, r)
}

// belowBase returns the part of a path behind the path of the base URL, if that is still
// there. If the base URL ends in /books, the path /books/3 doesn't have it any more, because
// the shop has no address /3.
func (s *Server) belowBase(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, s.basePath)
	if !ok || s.basePath == "" || rest != "" && rest[0] != '/' {
		return "", false
	}
	rest = cmp.Or(rest, "/")
	return rest, s.hasAddress(rest) || !s.hasAddress(path)
}

// hasAddress reports whether a route leads to the path, with any method.
func (s *Server) hasAddress(path string) bool {
	return slices.ContainsFunc(s.addresses, func(route string) bool {
		if parameter := strings.IndexAny(route, ":*"); parameter >= 0 {
			return strings.HasPrefix(path, route[:parameter])
		}
		return path == route
	})
}

// Stopping makes /readyz answer 503, so that load balancers send no more requests.
func (s *Server) Stopping() { s.stopping.Store(true) }

// HTTPServer returns an http.Server with timeouts that suit a public port, and the
// listener to serve, which bounds the connections.
func (s *Server) HTTPServer(listener net.Listener) (*http.Server, net.Listener) {
	clients := newConnections(s.options.MaxConnections, s.log)
	return &http.Server{
		ConnState:         clients.track,
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      requestTimeout + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10, // so that a keyword of 10,000 characters gets a proper error
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}, clients.listener(listener)
}
