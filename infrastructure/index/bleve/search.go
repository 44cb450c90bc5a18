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
func (v *view) run(ctx context.Context, p *plan) (*run, error) { return v.rerun(ctx, p, nil, nil) }

// rerun finds all matches of a plan. before has matchers, by part, of a plan that only has other
// words in some places, or is nil.
func (v *view) rerun(ctx context.Context, p *plan, before []*matcher, changed []int) (*run, error) {
	r := &run{plan: p, view: v}
	if p.empty() {
		return r, nil
	}
	for i, part := range v.parts {
		m := newMatcher(p, part)
		if before != nil {
			m.take(before[i], changed)
		}
		here := m.matches()
		if filter := m.filtered(p.filters); filter != nil {
			here.found = intersection(here.found, filter)
		}
		if here.found == nil {
			here.found = m.everything()
		}
		if err := m.check(ctx); err != nil {
			return nil, err
		}
		if n := here.found.GetCardinality(); n > 0 {
			r.parts = append(r.parts, here)
			r.total += int(n)
		}
	}
	return r, nil
}

// hits returns the best hits up to limit, tier by tier.
func (r *run) hits(ctx context.Context, sort model.Sort, limit int) ([]hit, error) {
	if sort != "" && sort != model.ByRelevance {
		best := top{limit: limit, coarse: sort == model.ByTitle}
		for _, m := range r.parts {
			best.add(m.part, m.found, m.part.columns.order(sort))
		}
		best.cut()
		if best.coarse {
			if err := byTitle(best.hits); err != nil {
				return nil, err
			}
		}
		return best.hits[:min(limit, len(best.hits))], ctx.Err()
	}
	var hits []hit
	seen, current := make([]*roaring.Bitmap, len(r.parts)), make([]*roaring.Bitmap, len(r.parts))
	ranked := 0
	for t := range tiers {
		if t == inTitle {
			continue // a group with inName
		}
		best := top{limit: limit - len(hits)}
		for i, m := range r.parts {
			current[i] = difference(m.of(t), seen[i])
			if err := m.check(ctx); err != nil {
				return nil, err
			}
			ranked += int(current[i].GetCardinality())
			best.addRanked(m.part, current[i])
		}
		best.cut()
		if hits = append(hits, best.hits...); len(hits) >= limit || ranked == r.total {
			break
		}
		for i := range seen {
			seen[i] = union(seen[i], current[i])
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
	r, typed, result, err := v.find(ctx, s)
	if err != nil {
		return nil, err
	}
	hits, err := r.list(ctx, s, s.Offset+s.Limit)
	if err != nil {
		return nil, err
	}
	hits = hits[min(s.Offset, len(hits)):]
	for _, h := range hits {
		result.IDs = append(result.IDs, uint(h.id))
	}
	result.ByWork = s.ByWork
	var works *grouping
	switch {
	case !s.ByWork:
		result.Total = r.total
	case s.WithoutTotal && !s.WithFacets: // nobody needs the numbers
		result.Total = s.Offset + len(hits)
	default:
		works = r.group()
		defer works.release()
		result.Total = works.count()
		for _, h := range hits {
			result.Editions = append(result.Editions, works.others(h))
		}
	}
	if r != typed {
		result.Typed = typed.total
		if s.ByWork {
			result.Typed = typed.countWorks()
		}
	}
	if s.WithFacets {
		result.Facets, err = r.facets(ctx, works)
	}
	return result, err
}

// list returns the best hits up to limit in the order that a search asks for: books, or one
// edition of each work.
func (r *run) list(ctx context.Context, s model.Search, limit int) ([]hit, error) {
	sort := s.Sort
	if s.Plain() {
		sort = byID
	}
	if !s.ByWork {
		return r.hits(ctx, sort, limit)
	}
	return r.works(limit, func(limit int) ([]hit, error) { return r.hits(ctx, sort, limit) })
}

// countWorks counts the works of the matches.
func (r *run) countWorks() int {
	works := r.group()
	defer works.release()
	return works.count()
}

// find finds the books for a keyword, as typed or else corrected. It returns the run to serve
// and that of the keyword as typed.
func (v *view) find(ctx context.Context, s model.Search) (served, typed *run, result *model.SearchResult, err error) {
	result = &model.SearchResult{}
	if s.Keyword == "" {
		r, err := v.run(ctx, &plan{filters: s.Filters, all: true})
		return r, r, result, err
	}
	p := newPlan(s.Keyword, s.Filters)
	r, err := v.run(ctx, p)
	if err != nil {
		return nil, nil, nil, err
	}
	result.Match = model.ExactMatch
	if r.total == 0 {
		result.Match = model.NoMatch
	}
	if s.Exact || r.total > 0 && r.best() < inForms {
		return r, r, result, nil
	}
	if r.total == 0 && s.Filters != (model.Filters{}) { // a correction is no cure for a filter
		if without, err := v.run(ctx, p.unfiltered()); err != nil || without.total > 0 {
			return r, r, result, err
		}
	}
	// The words of "books by Ann Author" may all be in some description.
	for _, q := range p.rephrased() {
		other, err := v.run(ctx, q)
		if err != nil {
			return nil, nil, nil, err
		}
		if other.total > 0 && (r.total == 0 || other.best() <= inName) {
			result.Match, result.Served = model.RelaxedMatch, q.served(p)
			return other, r, result, nil
		}
	}
	mended, err := v.instead(ctx, p, r, result)
	return mended, r, result, err
}

// fewBooks is the number of books up to which a correction is suggested beside them.
const fewBooks = 3

// instead looks for what the shopper meant, and sets what the result says about it. It
// returns the run to answer: r, or a better one. That is one that finds something where r
// doesn't, or one that finds a title where r finds other forms of words that the catalogue
// doesn't have.
func (v *view) instead(ctx context.Context, typed *plan, r *run, result *model.SearchResult) (*run, error) {
	unknown, err := v.unknown(ctx, typed)
	if err != nil || r.total > fewBooks && len(unknown) == 0 {
		return r, err
	}
	mended, match, err := v.mend(ctx, typed, unknown)
	if err != nil || mended == nil {
		return r, err
	}
	served := mended.plan.served(typed)
	if r.total > 0 {
		if match != model.CorrectedMatch || mended.best() > inName {
			return r, nil
		}
		found := r.best()
		if len(unknown) == 0 || mended.plan.inflects(typed) || found == inText || found == inForms && mended.best() > titleStart {
			if r.total <= fewBooks && found > inForms {
				result.Suggested = served
			}
			return r, nil
		}
	}
	result.Match, result.Served = match, served
	return mended, nil
}
