package desk

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/insights"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// filter is the form that narrows numbers down.
type filter struct {
	Action   string
	Keyword  string // kept by the form if it isn't empty
	Windows  []choice
	Surfaces []choice
	// Tag and Language are what was chosen; Any says that all are wanted.
	Tag, Language       string
	AnyTag, AnyLanguage bool
	values              url.Values
}

// choice is something to choose.
type choice struct {
	Value, Label string
	Chosen       bool
}

var windowNames = map[trend.Window]string{trend.Hour: "1 hour", trend.Today: "24 hours", trend.Week: "7 days", trend.Month: "30 days"}

// newFilter returns the form of a page for what was asked.
func (p *Pages) newFilter(path string, asked query.Insights) *filter {
	f := &filter{Action: p.Links.To(path, nil), values: url.Values{}, AnyTag: asked.Group.Tag == trend.Any, AnyLanguage: asked.Group.Language == trend.Any}
	if asked.Window != trend.Today {
		f.values.Set(query.Window, string(asked.Window))
	}
	for _, w := range trend.Windows {
		f.Windows = append(f.Windows, choice{string(w), windowNames[w], w == asked.Window})
	}
	for _, s := range []struct{ value, label string }{{"", "Pages and API"}, {"page", "Pages"}, {"api", "API"}, {"demo", "Demo data"}} {
		chosen := insights.GroupOf(model.Surface(s.value)).Kind == asked.Group.Kind
		f.Surfaces = append(f.Surfaces, choice{s.value, s.label, chosen})
		if chosen && s.value != "" {
			f.values.Set(query.Surface, s.value)
		}
	}
	if !f.AnyTag {
		f.Tag = asked.Group.Tag
		f.values.Set(query.Tag, f.Tag)
	}
	if !f.AnyLanguage {
		f.Language = asked.Group.Language
		f.values.Set(query.Language, f.Language)
	}
	return f
}

// with returns the filter's parameters with others.
func (f *filter) with(pairs ...string) url.Values {
	values := url.Values{}
	for name, list := range f.values {
		values[name] = list
	}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// csv returns the address of a table as CSV.
func (p *Pages) csv(f *filter, path string, pairs ...string) string {
	return p.Links.To(path, f.with(append(pairs, query.Format, "csv")...))
}

// frontData is the data of front.html.
type frontData struct {
	frame
	*insights.Summary
	Chart template.HTML
	Lists []keywordList
	// NotFoundRate is the part of searches that found nothing.
	NotFoundRate *float64
	// Tables are the addresses of the tables as CSV.
	Tables map[string]string
	// DemoLink shows the numbers of simulated shoppers, if there are any; Demo says that these are
	// shown. Empty says that there is nothing at all.
	DemoLink       string
	ShowsDemo      bool
	OnlyDemo       bool
	Empty          bool
	Parts          []partsTable
	MostOfOnePlace int64
}

// partsTable is a table of surfaces, tags or languages.
type partsTable struct {
	Title, Column, Without, CSV string
	Parts                       []linkedPart
}

// linkedPart is a part, with the address of its numbers alone.
type linkedPart struct {
	insights.Part
	Link string
}

// keywordList is a list of keywords.
type keywordList struct {
	Title, Empty, CSV string
	Order             trend.Order
	Keywords          []listedKeyword
}

type listedKeyword struct {
	insights.Keyword
	Link string
}

// listLength is the number of keywords of a list.
const listLength = 15

// Front answers with the first page of the desk: numbers of a window, and lists of keywords.
func (p *Pages) Front(c *gin.Context) error {
	asked, values, err := query.ParseInsights(query.Known(c.Request.URL.RawQuery, query.Window, query.Surface, query.Tag, query.Language), []string{""}, query.Language)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	summary, err := p.Desk.Summary(ctx, insights.Filter{Window: asked.Window, Group: asked.Group})
	if err != nil {
		return err
	}
	onlyDemo := false
	if summary.Numbers.Requests+summary.Before.Requests == 0 && summary.Demo > 0 && !values.Has(query.Surface) {
		onlyDemo, asked.Group.Kind = true, trend.Demo
		if summary, err = p.Desk.Summary(ctx, insights.Filter{Window: asked.Window, Group: asked.Group}); err != nil {
			return err
		}
	}
	f := p.newFilter(Path, asked)
	data := &frontData{
		frame: frame{Title: "Overview", Here: Path, Filter: f}, Summary: summary,
		OnlyDemo: onlyDemo, ShowsDemo: asked.Group.Kind == trend.Demo,
		Tables: map[string]string{}, Empty: summary.Numbers.Requests+summary.Demo+summary.Before.Requests == 0,
	}
	data.Chart = history(summary.History)
	if summary.Numbers.Searches > 0 {
		rate := float64(summary.Numbers.NotFound) / float64(summary.Numbers.Searches)
		data.NotFoundRate = &rate
	}
	if summary.Demo > 0 && !data.ShowsDemo {
		data.DemoLink = p.Links.To(Path, f.with(query.Surface, "demo"))
	}
	const api = "/api/insights/summary"
	for _, table := range []string{"numbers", "history", "positions"} {
		data.Tables[table] = p.csv(f, api, query.Table, table)
	}
	for _, position := range summary.Positions {
		data.MostOfOnePlace = max(data.MostOfOnePlace, position.Clicks)
	}
	data.Parts = []partsTable{
		p.parts(f, "By surface", "Surface", "", "surfaces", query.Surface, summary.BySurface),
		p.parts(f, "By tag", "Tag", "without a tag", "tags", query.Tag, summary.ByTag),
		p.parts(f, "By language", "Language", "not named", "languages", query.Language, summary.ByLanguage),
	}
	if data.Lists, err = p.lists(ctx, f, asked); err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "front.html", data)
}

// parts returns a table of parts, each with a link to its own numbers.
func (p *Pages) parts(f *filter, title, column, without, table, parameter string, parts []insights.Part) partsTable {
	t := partsTable{Title: title, Column: column, Without: without, CSV: p.csv(f, "/api/insights/summary", query.Table, table)}
	for _, part := range parts {
		t.Parts = append(t.Parts, linkedPart{part, p.Links.To(Path, f.with(parameter, part.Name))})
	}
	return t
}

// lists reads the lists of keywords. They are not told apart by language.
func (p *Pages) lists(ctx context.Context, f *filter, asked query.Insights) ([]keywordList, error) {
	lists := []keywordList{ // in the order of trend.StaffOrders
		{Title: "Most searched", Order: trend.Top, Empty: "Nobody has searched."},
		{Title: "Rising", Order: trend.Rising, Empty: "Nothing is searched more than before."},
		{Title: "Not found", Order: trend.NotFoundMost, Empty: "Every search found something."},
	}
	found, _, err := p.Desk.Keywords(ctx, insights.Filter{Window: asked.Window, Group: asked.Group}, listLength, trend.StaffOrders[:]...)
	if err != nil {
		return nil, err
	}
	for i := range lists {
		l := &lists[i]
		for _, k := range found[i] {
			values := f.with(query.Keyword, k.Keyword)
			values.Del(query.Language)
			l.Keywords = append(l.Keywords, listedKeyword{k, p.Links.To(KeywordPath, values)})
		}
		values := f.with(query.Sort, string(l.Order), query.PageSize, strconv.Itoa(model.MaxLimit), query.Format, "csv")
		values.Del(query.Language)
		l.CSV = p.Links.To("/api/insights/keywords", values)
	}
	return lists, nil
}
