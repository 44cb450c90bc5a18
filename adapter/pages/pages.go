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
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/click"
	"literank.com/event-books/adapter/query"
	"literank.com/event-books/adapter/search"
	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/domain/model"
)

// Options are the parts of the pages.
type Options struct {
	Operator *executor.BookOperator
	Trends   *executor.TrendOperator
	// Recommendations has books for visitors; nil = pages show none.
	Recommendations *executor.RecommendationOperator
	// Clicks takes clicks on books, and erasures; nil = nobody counts them. Signer signs the
	// links to books.
	Clicks *executor.ClickOperator
	// Orders takes requests for books; nil = nobody does.
	Orders   *orders.List
	Signer   click.Signer
	Searcher *search.Searcher
	Visitors *visitor.Visitors
	// EventLink returns the address of a search's event, for staff alone; for others it is empty.
	EventLink func(c *gin.Context, searchID string) string
	Links     query.Links
	// ImageHosts are the hosts that pictures of covers may come from; "*." allows
	// every subdomain.
	ImageHosts []string
	// Contact and Imprint are an e-mail address or a URL each, for the foot of the pages.
	// They may be empty.
	Contact, Imprint string
	// Retention is how long topics keep events.
	Retention time.Duration
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
	builtin   *template.Template // of pages that the files of Pattern don't have
	foot      []link
	browsing  browsing
}

// New returns the pages, or an error about the templates.
func New(o Options) (*Pages, error) {
	p := &Pages{Options: o, foot: []link{{messages.Privacy, o.Links.To(PrivacyPath, nil)}}}
	if o.Contact != "" {
		p.foot = append(p.foot, contactLink(messages.Contact, o.Contact))
	}
	if o.Imprint != "" {
		p.foot = append(p.foot, contactLink(messages.Imprint, o.Imprint))
	}
	return p, p.loadTemplates()
}

// buffers keeps the memory of pages for the next ones.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// render answers with a page. If the template fails, it logs the error and
// answers with a line of text.
func (p *Pages) render(c *gin.Context, status int, name string, data any) {
	page := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(page)
	page.Reset()
	templates := p.templates
	if templates.Lookup(name) == nil {
		templates = p.builtin
	}
	if err := templates.ExecuteTemplate(page, name, data); err != nil {
		p.Log.Error("template failed", "template", name, "request_id", c.Writer.Header().Get("X-Request-Id"), "error", err)
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(messages.TemplateFailed+"\n"))
		return
	}
	c.Data(status, "text/html; charset=utf-8", page.Bytes())
}

// frame is the data around the content of every page.
type frame struct {
	Title string
	// Canonical is the address under which search engines should know the page.
	Canonical string
	// Action is the address of the search form.
	Action string
	Search model.Search
	// Suggest is the address of suggestions; it is empty if the search engine has none.
	Suggest string
	// NoIndex asks search engines not to index the page.
	NoIndex bool
	Visitor *visitorForm
	// Foot has links for the foot of the page.
	Foot []link
}

func (p *Pages) frame(title string) frame {
	f := frame{Title: title, Action: p.Links.To("/", nil), Foot: p.foot}
	if p.Operator.Capabilities().Suggestions {
		f.Suggest = p.Links.To("/api/suggest", nil)
	}
	return f
}

// contactLink links an e-mail address, also one after mailto:, or a URL.
func contactLink(label, contact string) link {
	if strings.HasPrefix(contact, "http://") || strings.HasPrefix(contact, "https://") {
		return link{label, contact}
	}
	address := strings.TrimPrefix(contact, "mailto:")
	return link{label + ": " + address, "mailto:" + url.PathEscape(address)}
}

// link is a link with its text.
type link struct{ Label, Link string }
