package pages

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// RequestsPath takes a requestForm.
const RequestsPath = "/requests"

// requested is the parameter of a result page after its keyword was requested.
const requested = "requested"

// requestForm asks the shop for a book that a search didn't find.
type requestForm struct {
	// Action is the address of the form, Back the page to return to.
	Action, Back string
	Keyword      model.Keyword
	// Sent confirms that it was sent.
	Sent bool
}

// requestForm returns the form for a result without books, nil for none.
func (p *Pages) requestForm(c *gin.Context, a *executor.Answer) *requestForm {
	if p.Orders == nil || a.Total > 0 || a.Search.Keyword == "" || a.Search.Filters != (model.Filters{}) {
		return nil
	}
	return &requestForm{
		Action: p.Links.To(RequestsPath, nil), Back: c.Request.URL.RequestURI(), Keyword: a.Search.Keyword,
		Sent: c.Query(requested) != "",
	}
}

// TakeRequest takes a requestForm, and leads back to the result.
func (p *Pages) TakeRequest(c *gin.Context) error {
	if err := parseForm(c); err != nil {
		return err
	}
	keyword, err := query.ParseOneKeyword(c.Request.PostForm)
	if err != nil {
		return err
	}
	if p.Orders == nil {
		return model.Errorf(model.NotFound, "", "there is nothing at this address")
	}
	if p.Visitors.Agent(c.Request) == model.BotAgent {
		return model.Errorf(model.Forbidden, "", "only people may ask for a book")
	}
	demo, err := p.Searcher.Demo(c)
	if err != nil {
		return err
	}
	clientID, daily := p.Visitors.Identify(c.Request, c.ClientIP(), time.Now())
	if !demo {
		if err := p.Orders.Ask(c.Request.Context(), keyword, clientID+daily); err != nil {
			return err
		}
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, p.Links.To(afterRequest(c.Request.PostForm.Get("back"), keyword), nil))
	return nil
}

// afterRequest returns the address of the result, with the confirmation.
func afterRequest(back string, keyword model.Keyword) string {
	u, err := url.Parse(ownPage(back))
	if err != nil || u.Path != "/" || u.Query().Get(query.Keyword) == "" {
		u = &url.URL{Path: "/", RawQuery: url.Values{query.Keyword: {string(keyword)}}.Encode()}
	}
	values := u.Query()
	values.Set(requested, "1")
	u.RawQuery = values.Encode()
	return u.RequestURI()
}
