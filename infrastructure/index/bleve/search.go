package bleve

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
)

// run is a plan that was run on a view: the matches in each part.
type run struct {
	plan  *plan
	view  *view
	parts []*matches
	total int
}

// run finds all matches of a plan.
func (v *view) run(ctx context.Context, p *plan) (*run, error) {
	r := &run{plan: p, view: v}
	if p.empty() {
		return r, nil
	}
	for _, part := range v.parts {
		m := newMatcher(p, part)
		found := m.find()
		if filter := m.filtered(p.filters); filter != nil {
			found.all = intersection(found.all, filter)
		}
		if found.all == nil {
			found.all = m.everything()
		}
		if err := m.check(ctx); err != nil {
			return nil, err
		}
		if n := part.live(found.all); n > 0 {
			r.parts = append(r.parts, found)
			r.total += int(n)
		}
	}
	return r, nil
}

// hits returns the best hits up to limit, tier by tier.
func (r *run) hits(ctx context.Context, sort model.Sort, limit int) ([]hit, error) {
	if sort != "" && sort != model.ByRelevance {
		best := top{limit: limit}
		for _, m := range r.parts {
			best.add(m.part, m.all, m.part.columns.order(sort))
		}
		best.cut()
		return best.hits, ctx.Err()
	}
	var hits []hit
	seen := make([]*roaring.Bitmap, len(r.parts))
	for t := range tiers {
		best := top{limit: limit - len(hits)}
		for i, m := range r.parts {
			docs := difference(m.of(t), seen[i])
			if err := m.check(ctx); err != nil {
				return nil, err
			}
			seen[i] = union(seen[i], docs)
			best.add(m.part, docs, m.part.columns.order(sort))
		}
		best.cut()
		if hits = append(hits, best.hits...); len(hits) >= limit {
			break
		}
	}
	return hits, nil
}

// best returns the best tier that has a match, or tiers.
func (r *run) best() tier {
	for t := range tiers {
		for _, m := range r.parts {
			if !m.of(t).IsEmpty() {
				return t
			}
		}
	}
	return tiers
}

// search answers a search.
func (v *view) search(ctx context.Context, s model.Search) (*model.SearchResult, error) {
	r, result, err := v.find(ctx, s)
	if err != nil {
		return nil, err
	}
	hits, err := r.hits(ctx, s.Sort, s.Offset+s.Limit)
	if err != nil {
		return nil, err
	}
	result.Total = r.total
	for _, h := range hits[min(s.Offset, len(hits)):] {
		result.IDs = append(result.IDs, uint(h.id))
	}
	if s.WithFacets {
		result.Facets, err = r.facets(ctx, func() (*run, error) { return v.run(ctx, r.plan.unfiltered()) })
	}
	return result, err
}

// find finds the books for a keyword, as typed or else corrected.
func (v *view) find(ctx context.Context, s model.Search) (*run, *model.SearchResult, error) {
	result := &model.SearchResult{}
	if s.Keyword == "" {
		r, err := v.run(ctx, &plan{filters: s.Filters, all: true})
		return r, result, err
	}
	typed := newPlan(s.Keyword, s.Filters)
	r, err := v.run(ctx, typed)
	if err != nil {
		return nil, nil, err
	}
	result.Match = model.ExactMatch
	if r.total > 0 {
		return r, result, nil
	}
	result.Match = model.NoMatch
	if s.Exact {
		return r, result, nil
	}
	if (s.Filters != model.Filters{}) { // a correction is no cure for a filter
		if without, err := v.run(ctx, typed.unfiltered()); err != nil || without.total > 0 {
			return r, result, err
		}
	}
	mended, match, err := v.mend(ctx, typed)
	if err != nil {
		return nil, nil, err
	}
	if mended == nil {
		return r, result, nil
	}
	result.Match, result.Served = match, mended.plan.served(typed)
	return mended, result, nil
}
