package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/visitor"
	"literank.com/event-books/domain/model"
)

// VisitorPath takes the answer of a visitorForm.
const VisitorPath = "/visitor"

// visitorForm asks about the visitor's cookie at the foot of a page.
type visitorForm struct {
	// Action is the address of the form, Back the page to return to.
	Action, Back string
	// Known browsers have the cookie.
	Known bool
}

// welcome returns the form for a page, nil for none.
func (p *Pages) welcome(c *gin.Context) *visitorForm {
	notice := p.Visitors.Welcome(c.Writer, c.Request)
	if notice == visitor.NoNotice {
		return nil
	}
	return &visitorForm{
		Action: p.Links.To(VisitorPath, nil), Back: c.Request.URL.RequestURI(), Known: notice == visitor.OfferToForget,
	}
}

// AnswerVisitor takes the answer of a visitorForm or the privacy page, and leads back.
func (p *Pages) AnswerVisitor(c *gin.Context) error {
	if err := parseForm(c); err != nil {
		return err
	}
	back := ownPage(c.Request.PostForm.Get("back"))
	switch c.Request.PostForm.Get("choice") {
	case "no":
		p.Visitors.Decline(c.Writer, c.Request)
	case "yes":
		if p.Visitors.Rule == visitor.Off {
			return model.Errorf(model.NotFound, "", "there is nothing at this address")
		}
		p.Visitors.Accept(c.Writer, c.Request)
	case "forget":
		if err := p.forget(c); err != nil {
			return err
		}
		if back == PrivacyPath {
			back += "?" + forgotten
		}
	default:
		return model.Errorf(model.Malformed, "choice", "must be yes, no or forget")
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, p.Links.To(back, nil))
	return nil
}

// parseForm decodes the body of a form. Its errors have codes.
func parseForm(c *gin.Context) error {
	err := c.Request.ParseForm()
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return model.Errorf(model.TooLarge, "", "the body is larger than %d bytes", large.Limit)
	}
	if err != nil {
		return &model.Error{Code: model.Malformed, Message: "the form can't be decoded", Cause: err}
	}
	return nil
}

// forget makes the visitor's events of the past stop counting. The cookie goes last: while
// the browser has it, the visitor can ask again.
func (p *Pages) forget(c *gin.Context) error {
	if p.Clicks != nil {
		known, err := p.Visitors.Known(c.Request, c.ClientIP())
		if err != nil {
			return err
		}
		if err := p.Clicks.EraseVisitors(c.Request.Context(), known); err != nil {
			return err
		}
	}
	p.Visitors.Forget(c.Writer, c.Request)
	return nil
}

// maxBack is the longest address to return to, in bytes.
const maxBack = 4000

// ownPage returns back if it is the address of a page of the shop, else "/".
func ownPage(back string) string {
	u, err := url.ParseRequestURI(back)
	if err != nil || len(back) > maxBack || u.Host != "" || u.Scheme != "" || u.Path != "/" && u.Path != PrivacyPath && !strings.HasPrefix(u.Path, "/books/") {
		return "/"
	}
	return u.RequestURI()
}
