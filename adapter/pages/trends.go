package pages

import (
	"context"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// maxTrends is the number of keywords that the home page lists.
const maxTrends = 12

// trends returns what was searched most in 24 hours, or nothing if there is too little.
func (p *Pages) trends(ctx context.Context) []facetView {
	list, _, err := p.Trends.GetTrends(ctx, trend.Today, trend.Top, maxTrends)
	if err != nil && model.ErrorCode(err) != model.UnavailableNow {
		p.Log.Debug("trends not shown", "error", err)
	}
	if len(list) == 0 {
		return nil
	}
	view := facetView{Name: messages.OftenSearched}
	for _, t := range list {
		view.Values = append(view.Values, p.searchValue(t.Query, t.Searches))
	}
	return []facetView{view}
}

// maxRelated is the number of related searches that a result lists.
const maxRelated = 8

// relatedSearches returns searches that find the same books, or nil.
func (p *Pages) relatedSearches(a *executor.Answer) *facetView {
	view := &facetView{Name: messages.RelatedSearches}
	for _, r := range p.Trends.RelatedSearches(a, maxRelated) {
		view.Values = append(view.Values, p.searchValue(r.Query, r.Searches))
	}
	if len(view.Values) == 0 {
		return nil
	}
	return view
}

// searchValue links a keyword that was searched so many times.
func (p *Pages) searchValue(query string, searches int64) facetValue {
	search := model.Search{Keyword: model.Keyword(query), Sort: model.ByRelevance, Limit: p.Links.PageSize, ByWork: p.Links.ByWork}
	return facetValue{Label: query, Link: p.Links.ToSearch("/", search, ""), Count: int(searches)}
}
