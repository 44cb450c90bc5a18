package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// table is an answer as CSV (RFC 4180): the names of its columns, then rows of texts, numbers, times
// and nothing.
type table [][]any

// write answers with the table as a file.
func (t table) write(c *gin.Context, name string) error {
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	c.Status(http.StatusOK)
	w := csv.NewWriter(c.Writer)
	w.UseCRLF = true
	for _, row := range t {
		cells := make([]string, len(row))
		for i, value := range row {
			cells[i] = cell(value)
		}
		if err := w.Write(cells); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}

// cell writes a value.
func cell(value any) string {
	switch v := value.(type) {
	case string:
		return model.SpreadsheetText(v)
	case *float64:
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(value)
}

// countColumns are the names of what countCells returns.
var countColumns = []any{"requests", "searches", "shown", "not_found", "rescued", "filtered_out", "past_end", "clicked", "clicks"}

func countCells(c trend.Counts) []any {
	return []any{c.Requests, c.Searches, c.Shown, c.NotFound, c.Rescued, c.FilteredOut, c.PastEnd, c.Clicked, c.Clicks}
}

func numbersTable(s *insights.Summary) table {
	t := table{{"number", "value", "before"}}
	now, before := countCells(s.Numbers.Counts), countCells(s.Before.Counts)
	for i, name := range countColumns {
		t = append(t, []any{name, now[i], before[i]})
	}
	return append(t,
		[]any{"daily_visitors", s.Numbers.DailyVisitors, s.Before.DailyVisitors},
		[]any{"unclicked", s.Numbers.Unclicked, s.Before.Unclicked},
		[]any{"click_through_rate", s.Numbers.ClickThroughRate, s.Before.ClickThroughRate},
		[]any{"average_position", s.Numbers.AveragePosition, s.Before.AveragePosition},
	)
}

func historyTable(points []insights.Point) table {
	t := table{append([]any{"from"}, countColumns...)}
	for _, p := range points {
		t = append(t, append([]any{p.From}, countCells(p.Counts)...))
	}
	return t
}

func positionsTable(positions []insights.Position) table {
	t := table{{"place", "clicks"}}
	for _, p := range positions {
		t = append(t, []any{p.Place, p.Clicks})
	}
	return t
}

func partsTable(name string, parts []insights.Part) table {
	t := table{append(append([]any{name}, countColumns...), "daily_visitors", "click_through_rate", "average_position")}
	for _, p := range parts {
		t = append(t, append(append([]any{p.Name}, countCells(p.Counts)...), p.DailyVisitors, p.ClickThroughRate, p.AveragePosition))
	}
	return t
}

func keywordsTable(list []insights.Keyword) table {
	t := table{append(append([]any{"keyword"}, countColumns...), "searches_before", "click_through_rate", "average_position")}
	for _, k := range list {
		t = append(t, append(append([]any{k.Keyword}, countCells(k.Counts)...), k.Before, k.ClickThroughRate, k.AveragePosition))
	}
	return t
}

func clicksTable(clicks []insights.ClickedBook) table {
	t := table{{"book_id", "title", "author", "clicks", "average_position"}}
	for _, c := range clicks {
		t = append(t, []any{c.Book.ID, c.Book.Title, c.Book.Author, c.Clicks, c.AveragePosition})
	}
	return t
}
