package pages

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// clickLink returns the address of a book of a result. Opening it makes a click, and leads to
// the address without the click.
func (p *Pages) clickLink(a *executor.Answer, i int, address string) string {
	click := a.Click(i)
	if click == nil || click.Agent == model.BotAgent || p.Clicks == nil {
		return address
	}
	token := p.Signer.Token(click)
	if token == "" {
		return address
	}
	return address + "&" + query.Click + "=" + token
}

// openClick answers a request for a link of clickLink. What isn't such a link any more leads
// to the book all the same.
func (p *Pages) openClick(c *gin.Context, book uint, token string) {
	search, _, err := query.ParseLenient(c.Request.URL.RawQuery, p.Links.PageSize)
	address := p.bookLink(book, "")
	if err == nil && p.isResult(search) {
		address = p.bookLink(book, p.Links.Values(search, "").Encode())
		p.recordClick(c, book, search.Keyword, token)
	}
	c.Header("Cache-Control", "private, no-store")
	c.Redirect(http.StatusSeeOther, address)
}

func (p *Pages) recordClick(c *gin.Context, book uint, keyword model.Keyword, token string) {
	by := p.Visitors.Agent(c.Request)
	if p.Clicks == nil || c.Request.Method != http.MethodGet || by == model.BotAgent {
		return
	}
	click, ok := p.Signer.Open(token, time.Now(), func(click *model.ClickEvent) {
		click.Book, click.Keyword, click.Agent, click.Language = book, keyword, by, p.Visitors.Language(c.Request)
		click.ClientID, click.Visitor = p.Visitors.Identify(c.Request, c.ClientIP(), click.SearchTime)
	})
	if ok && (click.ClientID+click.Visitor != "" || fromShop(c.Request)) {
		p.Clicks.RecordClick(c.Request.Context(), click)
	}
}

// fromShop reports whether a page of the shop led to a request, as far as the browser says.
// Nothing else tells a link that visitors without any number share.
func fromShop(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "cross-site" && site != "none"
}
