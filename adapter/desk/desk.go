// Package desk shows the shop's staff what is searched for, as HTML. Every page works without
// JavaScript. Its handlers return errors, which package adapter answers. It must not know databases
// or Kafka.
package desk

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// The addresses of the desk.
const (
	Path        = "/insights"
	KeywordPath = Path + "/keyword"
	HealthPath  = Path + "/health"
	DeadPath    = Path + "/dead-letter"
	EventPath   = Path + "/event"
	HidePath    = Path + "/hide"
	LivePath    = Path + "/live"
	SignInPath  = Path + "/sign-in"
	SignOutPath = Path + "/sign-out"
)

// Options are the parts of the desk.
type Options struct {
	Desk     *insights.Desk
	Pipeline gateway.Pipeline
	// Stats counts what became of the events of this shop.
	Stats interface {
		EventStats() model.EventStats
		ClickStats() model.EventStats
	}
	Log   *slog.Logger
	Links query.Links
	// Builtin has the templates.
	Builtin fs.FS
	// Asset returns the address of a static file.
	Asset func(name string) (string, error)
}

// Pages has the handlers of the desk's pages.
type Pages struct {
	Options
	templates *template.Template
}

// New returns the pages, or an error about the templates.
func New(o Options) (*Pages, error) {
	p := &Pages{Options: o}
	var err error
	p.templates, err = template.New("").Funcs(template.FuncMap{
		"asset": o.Asset, "link": func(path string) string { return o.Links.To(path, nil) },
		"axis": axis, "number": number, "percent": percent, "decimal": decimal, "change": change, "time": clock,
	}).ParseFS(o.Builtin, "templates/desk/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates of the desk: %w", err)
	}
	return p, nil
}

// render answers with a page.
func (p *Pages) render(c *gin.Context, status int, name string, data any) error {
	var page bytes.Buffer
	if err := p.templates.ExecuteTemplate(&page, name, data); err != nil {
		return fmt.Errorf("template %s: %w", name, err)
	}
	c.Header("Cache-Control", "private, no-store")
	c.Header("X-Robots-Tag", "noindex")
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// frame is the data around the content of every page.
type frame struct {
	Title string
	// Here is the path of the page.
	Here string
	// Filter is the form that narrows numbers down; nil if the page has none.
	Filter *filter
}

// SignIn is the data of the page on which staff sign in.
type SignIn struct {
	// Next is the page to show then, a path of the desk.
	Next string
	// Wrong says that the token was wrong, Wait that there were too many wrong ones.
	Wrong, Wait bool
}

// ShowSignIn answers with the page on which staff sign in.
func (p *Pages) ShowSignIn(c *gin.Context, status int, s SignIn) error {
	return p.render(c, status, "signin.html", struct {
		frame
		SignIn
	}{frame{Title: "Sign in", Here: SignInPath}, s})
}

// Next returns the page that a request for the desk asks for after signing in: a page of the desk.
func Next(wanted string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path != Path && !strings.HasPrefix(u.Path, Path+"/") || u.Path == SignInPath || u.Path == SignOutPath || u.Path != path.Clean(u.Path) {
		return Path
	}
	return u.RequestURI()
}

// Live answers with the page that shows searches as they happen.
func (p *Pages) Live(c *gin.Context) error {
	return p.render(c, http.StatusOK, "live.html", frame{Title: "Live", Here: LivePath})
}
