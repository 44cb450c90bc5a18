// Package pages shows the shop to people, as HTML. Its handlers return errors,
// which package adapter answers, for people by Error. It must not know databases
// or Kafka.
package pages

import (
	"bytes"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/search"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// Options are the parts of the pages.
type Options struct {
	Operator *executor.BookOperator
	Searcher *search.Searcher
	Visitors *visitor.Visitors
	Links    query.Links
	// ImageHosts are the hosts that pictures of covers may come from; "*." allows
	// every subdomain.
	ImageHosts []string
	// Builtin holds the built-in templates, Pattern names files to use instead.
	Builtin fs.FS
	Pattern string
	// Asset returns the address of a static file.
	Asset func(name string) (string, error)
	Log   *slog.Logger
}

// Pages has the handlers of the HTML pages.
type Pages struct {
	Options
	templates *template.Template
}

// New returns the pages, or an error about the templates.
func New(o Options) (*Pages, error) {
	p := &Pages{Options: o}
	var err error
	p.templates, err = p.loadTemplates()
	return p, err
}

// render answers with a page. If the template fails, it logs the error and
// answers with a line of text.
func (p *Pages) render(c *gin.Context, status int, name string, data any) {
	var page bytes.Buffer
	if err := p.templates.ExecuteTemplate(&page, name, data); err != nil {
		p.Log.Error("template failed", "template", name, "request_id", c.Writer.Header().Get("X-Request-Id"), "error", err)
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(messages.TemplateFailed+"\n"))
		return
	}
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
}

// frame is the data around the content of every page.
type frame struct {
	Title string
	// Action is the address of the search form.
	Action string
	Search model.Search
	// NoIndex asks search engines not to index the page.
	NoIndex bool
	Visitor *visitorForm
}

// link is a link with its text.
type link struct{ Label, Link string }
