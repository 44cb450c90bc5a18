package desk

import (
	"html/template"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// keywordData is the data of keyword.html.
type keywordData struct {
	frame
	*insights.KeywordReport
	Chart template.HTML
	// SearchLink searches the shop for the keyword.
	SearchLink string
	Tables     map[string]string
	Results    []linkedBook
	// Demo says that these are numbers of simulated shoppers. Nobody knows what they found.
	Demo   bool
	Clicks []linkedClick
}

type linkedBook struct {
	*model.Book
	Link string
}

type linkedClick struct {
	insights.ClickedBook
	Link string
}

// Keyword answers with all that is known of a keyword.
func (p *Pages) Keyword(c *gin.Context) error {
	asked, values, err := query.ParseInsights(query.Known(c.Request.URL.RawQuery, query.Window, query.Surface, query.Tag, query.Keyword), []string{""}, query.Keyword)
	if err != nil {
		return err
	}
	keyword, err := query.ParseOneKeyword(values)
	if err != nil {
		return err
	}
	report, err := p.Desk.Keyword(c.Request.Context(), insights.Filter{Window: asked.Window, Group: asked.Group}, keyword)
	if err != nil {
		return err
	}
	f := p.newFilter(KeywordPath, asked)
	f.Keyword = string(keyword)
	f.values.Set(query.Keyword, f.Keyword)
	data := &keywordData{
		frame: frame{Title: report.Keyword, Here: KeywordPath, Filter: f}, KeywordReport: report,
		SearchLink: p.Links.To("/", url.Values{query.Keyword: {report.Keyword}}), Tables: map[string]string{},
		Demo: asked.Group.Kind == trend.Demo,
	}
	data.Chart = history(report.History)
	for _, table := range []string{"history", "clicks"} {
		data.Tables[table] = p.csv(f, "/api/insights/keyword", query.Table, table)
	}
	for _, b := range report.Results {
		data.Results = append(data.Results, linkedBook{b, p.Links.ToBook("/books", b.ID)})
	}
	for _, b := range report.Clicks {
		data.Clicks = append(data.Clicks, linkedClick{b, p.Links.ToBook("/books", b.Book.ID)})
	}
	return p.render(c, http.StatusOK, "keyword.html", data)
}

// Hide hides a keyword from public trends, or shows it again, and leads back to its page.
func (p *Pages) Hide(c *gin.Context) error {
	keyword, err := query.ParseOneKeyword(url.Values{query.Keyword: {c.PostForm(query.Keyword)}})
	if err != nil {
		return err
	}
	if err := p.Desk.Hide(c.Request.Context(), keyword, c.PostForm("hide") == "yes"); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, p.Links.To(KeywordPath, url.Values{query.Keyword: {string(keyword)}}))
	return nil
}
