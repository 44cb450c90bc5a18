package pages

import (
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
)

// facetView is a facet as a template shows it.
type facetView struct {
	Name   string
	Values []facetValue
}

// facetValue is a value of a facet. Its link chooses it; if it is chosen, its link removes it.
type facetValue struct {
	Label, Link string
	Count       int
	Chosen      bool
}

// facet has the values of a filter.
type facet struct {
	filter string // its parameter
	values []model.FacetValue
}

// facetsOf lists facets in the order of the pages.
func facetsOf(f *model.Facets) []facet {
	if f == nil {
		return nil
	}
	return []facet{
		{query.Subject, f.Subjects}, {query.Author, f.Authors}, {query.Language, f.Languages}, {query.Decade, f.Decades},
		{query.Available, f.Availability},
	}
}

// facets returns the facets by which the result can be narrowed. A facet is left out if
// choosing its only value would change nothing.
func (p *Pages) facets(a *executor.Answer, tag string) (views []facetView) {
	search := a.Search
	search.Offset = 0
	chosen := query.FilterValues(search.Filters)
	for _, f := range facetsOf(a.Facets) {
		view := p.facet(f, p.Links.Values(search, tag), chosen.Get(f.filter))
		if len(view.Values) > 1 || len(view.Values) == 1 && (view.Values[0].Count < a.Total || view.Values[0].Chosen) {
			views = append(views, view)
		}
	}
	return views
}

// facet shows a facet of the search with these parameters.
func (p *Pages) facet(f facet, search url.Values, chosen string) facetView {
	view := facetView{Name: messages.Filters[f.filter]}
	for _, v := range f.values {
		// Other programs may have written values into the database that no filter takes.
		if !query.IsFilter(f.filter, v.Value) {
			continue
		}
		search.Set(f.filter, v.Value)
		value := facetValue{Label: filterLabel(f.filter, v.Value), Count: v.Count, Chosen: chosen != "" && model.Fold(v.Value) == model.Fold(chosen)}
		if value.Chosen {
			search.Del(f.filter)
		}
		value.Link = p.Links.To("/", search)
		view.Values = append(view.Values, value)
	}
	return view
}

// filterLabel puts the value of a filter into words.
func filterLabel(filter, value string) string {
	switch filter {
	case query.Language:
		return languageName(value)
	case query.Decade:
		if first, err := strconv.Atoi(value); err == nil {
			return decade(first)
		}
	case query.Available:
		if value == "true" {
			return messages.Available
		}
		return messages.NotAvailable
	}
	return value
}

// browsingAge is how long the home page shows the same counts: counting all books takes long.
const browsingAge = time.Minute

// browsing keeps the facets of the whole catalogue.
type browsing struct {
	mu     sync.Mutex
	facets *model.Facets
	until  time.Time
}

// maxBrowse is how many values of a facet the home page has.
const maxBrowse = 6

// browse returns subjects, languages and authors for the home page. There are none if the
// search engine has no facets.
func (p *Pages) browse(ctx context.Context) (views []facetView) {
	for _, f := range facetsOf(p.allFacets(ctx)) {
		if f.filter == query.Decade || f.filter == query.Available {
			continue
		}
		if view := p.facet(f, url.Values{}, ""); len(view.Values) > 1 {
			view.Values = view.Values[:min(len(view.Values), maxBrowse)]
			views = append(views, view)
		}
	}
	return views
}

func (p *Pages) allFacets(ctx context.Context) *model.Facets {
	if !p.Operator.Capabilities().Facets {
		return nil
	}
	p.browsing.mu.Lock()
	defer p.browsing.mu.Unlock()
	if time.Now().Before(p.browsing.until) {
		return p.browsing.facets
	}
	search := model.Search{Sort: model.ByRelevance, Limit: 1, WithoutTotal: true, WithFacets: true, ByWork: p.Links.ByWork}
	answer, err := p.Operator.GetBooks(ctx, search, model.Visit{})
	if err != nil {
		p.Log.Debug("books to browse not counted", "error", err)
		return nil
	}
	p.browsing.facets, p.browsing.until = answer.Facets, time.Now().Add(browsingAge)
	return answer.Facets
}
