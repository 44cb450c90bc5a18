package bleve

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
)

// facetValues is the number of values of a facet that are listed.
const facetValues = 10

// facets counts the matches by author, language, decade, subject and availability. The filter of
// a facet doesn't narrow its own counts. If works groups the matches, a work counts once for each
// value that its editions have; of very large results, only its best known edition counts.
func (r *run) facets(ctx context.Context, works *grouping) (*model.Facets, error) {
	f := r.plan.filters
	facets := &model.Facets{}
	base := r
	if (f != model.Filters{}) {
		var err error
		if base, err = r.view.run(ctx, r.plan.unfiltered()); err != nil {
			return nil, err
		}
	}
	for _, facet := range []struct {
		values *[]model.FacetValue
		filter func(*model.Filters)
		count  func(c *counter, m *matches, docs *roaring.Bitmap)
		of     func(m *matches, doc uint32) []uint32
		name   func(n uint32) string
	}{
		{&facets.Authors, func(f *model.Filters) { f.Author = "" }, (*counter).authors, (*matches).authors, r.view.dictionaries.authors.reader()},
		{&facets.Languages, func(f *model.Filters) { f.Language = "" }, (*counter).languages, (*matches).languages, r.view.dictionaries.languages.reader()},
		{&facets.Decades, func(f *model.Filters) { f.Decade = nil }, (*counter).decades, (*matches).decade, decadeName},
		{&facets.Subjects, func(f *model.Filters) { f.Subject = "" }, (*counter).subjects, (*matches).subjects, r.view.dictionaries.subjects.reader()},
		{&facets.Availability, func(f *model.Filters) { f.Available = nil }, (*counter).availability, (*matches).availability, availabilityName},
	} {
		others := f
		facet.filter(&others)
		from := r
		if others != f {
			from = base
		}
		docs := make([]*roaring.Bitmap, len(from.parts))
		for i, m := range from.parts {
			docs[i] = m.all
			if from == base && base != r {
				if filter := m.filtered(others); filter != nil {
					docs[i] = intersection(m.all, filter)
				}
			}
		}
		c := counters.Get().(*counter)
		if works != nil {
			grouped := works
			if from != r {
				grouped = r.view.group(from.parts, docs)
			}
			grouped.addOthers(c, facet.of)
			docs = grouped.chosen
			if grouped != works {
				grouped.release()
			}
		}
		for i, m := range from.parts {
			facet.count(c, m, docs[i])
			if err := m.check(ctx); err != nil {
				return nil, err
			}
		}
		*facet.values = c.best(facet.name)
		counters.Put(c)
	}
	return facets, nil
}

// counters keeps counters for reuse: they have room for every author.
var counters = sync.Pool{New: func() any { return &counter{} }}

// firstDecade is the number of the year 0 among decades, so that none is negative.
const firstDecade = 1000

func decadeName(n uint32) string { return strconv.Itoa((int(n) - firstDecade) * 10) }

func availabilityName(n uint32) string { return strconv.FormatBool(n == 2) }

// counter counts values by their ordinals.
type counter struct {
	counts []uint32
	used   []uint32 // ordinals with a count
}

func (c *counter) add(n uint32) {
	if n == 0 {
		return
	}
	if int(n) >= len(c.counts) {
		c.grow(n)
	}
	if c.counts[n] == 0 {
		c.used = append(c.used, n)
	}
	c.counts[n]++
}

func (c *counter) grow(n uint32) {
	c.counts = slices.Grow(c.counts, int(n)+1-len(c.counts))
	c.counts = c.counts[:cap(c.counts)]
}

func (c *counter) authors(m *matches, docs *roaring.Bitmap)  { c.lists(&m.part.columns.authors, docs) }
func (c *counter) subjects(m *matches, docs *roaring.Bitmap) { c.lists(&m.part.columns.subjects, docs) }

func (c *counter) lists(l *lists, docs *roaring.Bitmap) {
	each(docs, func(docs []uint32) {
		for _, doc := range docs {
			for _, n := range l.of(doc) {
				c.add(n)
			}
		}
	})
}

func (c *counter) languages(m *matches, docs *roaring.Bitmap) {
	c.lists(&m.part.columns.languages, docs)
}

func (c *counter) decades(m *matches, docs *roaring.Bitmap) {
	years := m.part.columns.year
	each(docs, func(docs []uint32) {
		for _, doc := range docs {
			if year := years[doc]; year != noYear {
				c.add(uint32(decadeOf(int(year))/10 + firstDecade))
			}
		}
	})
}

func (c *counter) availability(m *matches, docs *roaring.Bitmap) {
	for n, value := range []string{1: "false", 2: "true"} {
		if n > 0 {
			if count := docs.AndCardinality(m.term(exactField, availableIs+value)); count > 0 {
				c.add(uint32(n))
				c.counts[n] += uint32(count) - 1
			}
		}
	}
}

func (m *matches) authors(doc uint32) []uint32   { return m.part.columns.authors.of(doc) }
func (m *matches) languages(doc uint32) []uint32 { return m.part.columns.languages.of(doc) }
func (m *matches) subjects(doc uint32) []uint32  { return m.part.columns.subjects.of(doc) }

func (m *matches) decade(doc uint32) []uint32 {
	if year := m.part.columns.year[doc]; year != noYear {
		return []uint32{uint32(decadeOf(int(year))/10 + firstDecade)}
	}
	return nil
}

func (m *matches) availability(doc uint32) []uint32 {
	if m.term(exactField, availableIs+"true").Contains(doc) {
		return []uint32{2}
	}
	return []uint32{1}
}

// best returns the values with the highest counts, then by name, and clears the counter.
func (c *counter) best(name func(n uint32) string) []model.FacetValue {
	var best []uint32
	before := func(a, b uint32) bool {
		if c.counts[a] != c.counts[b] {
			return c.counts[a] > c.counts[b]
		}
		return name(a) < name(b)
	}
	for _, n := range c.used {
		if len(best) == facetValues {
			if !before(n, best[facetValues-1]) {
				continue
			}
			best = best[:facetValues-1]
		}
		at := len(best)
		for at > 0 && before(n, best[at-1]) {
			at--
		}
		best = slices.Insert(best, at, n)
	}
	var values []model.FacetValue
	for _, n := range best {
		values = append(values, model.FacetValue{Value: name(n), Count: int(c.counts[n])})
	}
	for _, n := range c.used {
		c.counts[n] = 0
	}
	c.used = c.used[:0]
	return values
}
