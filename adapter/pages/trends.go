package pages

import (
	"context"

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
		search := model.Search{Keyword: model.Keyword(t.Query), Sort: model.ByRelevance, Limit: p.Links.PageSize, ByWork: p.Links.ByWork}
		view.Values = append(view.Values, facetValue{Label: t.Query, Link: p.Links.ToSearch("/", search, ""), Count: int(t.Searches)})
	}
	return []facetView{view}
}
