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

// Index shows one page of books: the result of a search, or of all.
func (p *Pages) Index(c *gin.Context) error {
	answer, tag, err := p.Searcher.Search(c, model.PageSurface)
	if err != nil {
		return err
	}
	data := p.indexData(answer, tag)
	if answer.Search.Keyword == "" {
		// The notice's form leads back to this page. Behind a keyword, coming
		// back would be another search.
		data.Visitor = p.welcome(c)
	}
	if data.NoIndex {
		c.Header("X-Robots-Tag", "noindex")
	}
	p.render(c, http.StatusOK, indexTemplate, data)
	return nil
}

// Book shows one book.
func (p *Pages) Book(c *gin.Context) error {
	id, err := query.ParseBookID(c.Param("id"))
	if err != nil {
		return err
	}
	b, err := p.Operator.GetBook(c.Request.Context(), id)
	if err != nil {
		return err
	}
	data := p.bookData(b)
	data.Visitor = p.welcome(c)
	c.Header("Cache-Control", "private, no-cache") // the answer may set the visitor's cookie
	p.render(c, http.StatusOK, bookTemplate, data)
	return nil
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
