package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/model"
)

// Insights has the handlers of what staff may know about searches.
type Insights struct{ Desk *insights.Desk }

// summaryTables are the tables of a summary, as CSV.
var summaryTables = []string{"numbers", "history", "positions", "surfaces", "tags", "languages"}

// Summary answers with numbers over all keywords.
func (h *Insights) Summary(c *gin.Context) error {
	asked, _, err := query.ParseInsights(c.Request.URL.RawQuery, summaryTables, query.Language)
	if err != nil {
		return err
	}
	summary, err := h.Desk.Summary(c.Request.Context(), insights.Filter{Window: asked.Window, Group: asked.Group})
	if err != nil {
		return err
	}
	var rows table
	switch asked.Table {
	case "numbers":
		rows = numbersTable(summary)
	case "history":
		rows = historyTable(summary.History)
	case "positions":
		rows = positionsTable(summary.Positions)
	case "surfaces":
		rows = partsTable("surface", summary.BySurface)
	case "tags":
		rows = partsTable("tag", summary.ByTag)
	case "languages":
		rows = partsTable("language", summary.ByLanguage)
	}
	return answerInsight(c, asked, summary.Completeness, summary, rows)
}

// Keywords answers with a list of keywords.
func (h *Insights) Keywords(c *gin.Context) error {
	asked, values, err := query.ParseInsights(c.Request.URL.RawQuery, []string{"keywords"}, query.Sort, query.PageSize)
	if err != nil {
		return err
	}
	order, n, err := query.ParseStaffList(values)
	if err != nil {
		return err
	}
	list, completeness, err := h.Desk.Keywords(c.Request.Context(), insights.Filter{Window: asked.Window, Group: asked.Group}, order, n)
	if err != nil {
		return err
	}
	return answerInsight(c, asked, completeness, list, keywordsTable(list))
}

// keywordTables are the tables of a keyword, as CSV.
var keywordTables = []string{"history", "clicks"}

// Keyword answers with all that is known of one keyword.
func (h *Insights) Keyword(c *gin.Context) error {
	asked, values, err := query.ParseInsights(c.Request.URL.RawQuery, keywordTables, query.Keyword)
	if err != nil {
		return err
	}
	keyword, err := query.ParseOneKeyword(values)
	if err != nil {
		return err
	}
	report, err := h.Desk.Keyword(c.Request.Context(), insights.Filter{Window: asked.Window, Group: asked.Group}, keyword)
	if err != nil {
		return err
	}
	rows := historyTable(report.History)
	if asked.Table == "clicks" {
		rows = clicksTable(report.Clicks)
	}
	return answerInsight(c, asked, report.Completeness, report, rows)
}

// answerInsight answers with JSON, or with a table as CSV.
func answerInsight(c *gin.Context, asked query.Insights, completeness model.Completeness, body any, rows table) error {
	c.Header("Cache-Control", "private, no-store")
	c.Header("X-Completeness", completeness.String())
	if asked.CSV {
		return rows.write(c, asked.Table)
	}
	c.JSON(http.StatusOK, body)
	return nil
}
