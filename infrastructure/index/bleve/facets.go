package bleve

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
)

// facetValues is the number of values of a facet that are listed.
const facetValues = 10

// facet is a kind of values by which matches are counted.
type facet struct {
	prefix string                   // of its terms in exactField
	fold   func(name string) string // returns what the term of a value has
	// withoutOwn removes the facet's own filter.
	withoutOwn func(*model.Filters)
	// count counts the values of documents one by one.
	count func(c *counter, m *matches, docs *roaring.Bitmap)
	of    func(m *matches, doc uint32) []uint32
	// name returns a function that returns the text of a value.
	name func(d *dictionaries) func(n uint32) string
	// commonest returns the commonest values of a segment, or is nil.
	commonest func(c *columns) *commonest
	values    func(*model.Facets) *[]model.FacetValue
}

var allFacets = []*facet{
	{
		prefix: authorIs, fold: model.Fold,
		withoutOwn: func(f *model.Filters) { f.Author = "" },
		count:      (*counter).authors, of: (*matches).authors,
		name:      func(d *dictionaries) func(n uint32) string { return d.authors.reader() },
		commonest: func(c *columns) *commonest { return c.common.authors },
		values:    func(f *model.Facets) *[]model.FacetValue { return &f.Authors },
	},
	{
		prefix: languageIs, fold: asIs,
		withoutOwn: func(f *model.Filters) { f.Language = "" },
		count:      (*counter).languages, of: (*matches).languages,
		name:      func(d *dictionaries) func(n uint32) string { return d.languages.reader() },
		commonest: func(c *columns) *commonest { return c.common.languages },
		values:    func(f *model.Facets) *[]model.FacetValue { return &f.Languages },
	},
	{
		prefix: decadeIs, fold: asIs,
		withoutOwn: func(f *model.Filters) { f.Decade = nil },
		count:      (*counter).decades, of: (*matches).decade,
		name:      func(*dictionaries) func(n uint32) string { return decadeName },
		commonest: func(c *columns) *commonest { return c.common.decades },
		values:    func(f *model.Facets) *[]model.FacetValue { return &f.Decades },
	},
	{
		prefix: subjectIs, fold: model.Fold,
		withoutOwn: func(f *model.Filters) { f.Subject = "" },
		count:      (*counter).subjects, of: (*matches).subjects,
		name:      func(d *dictionaries) func(n uint32) string { return d.subjects.reader() },
		commonest: func(c *columns) *commonest { return c.common.subjects },
		values:    func(f *model.Facets) *[]model.FacetValue { return &f.Subjects },
	},
	{
		withoutOwn: func(f *model.Filters) { f.Available = nil },
		count:      (*counter).availability, of: (*matches).availability,
		name:   func(*dictionaries) func(n uint32) string { return availabilityName },
		values: func(f *model.Facets) *[]model.FacetValue { return &f.Availability },
	},
}

// facets counts the matches by author, language, decade, subject and availability. The filter of
// a facet doesn't narrow its own counts. If works groups the matches, a work counts once for each
// value that its editions have; of very large results, only its best known edition counts.
func (r *run) facets(ctx context.Context, works *grouping) (*model.Facets, error) {
	filters := r.plan.filters
	facets := &model.Facets{}
	base := r
	if (filters != model.Filters{}) {
		var err error
		if base, err = r.view.run(ctx, r.plan.unfiltered()); err != nil {
			return nil, err
		}
	}
	for _, f := range allFacets {
		others := filters
		f.withoutOwn(&others)
		from := r
		if others != filters {
			from = base
		}
		docs := make([]*roaring.Bitmap, len(from.parts))
		for i, m := range from.parts {
			docs[i] = m.found
			if from == base && base != r {
				if filter := m.filtered(others); filter != nil {
					docs[i] = intersection(m.found, filter)
				}
			}
		}
		c := counters.Get().(*counter)
		if works != nil {
			grouped := works
			if from != r {
				grouped = r.view.group(from.parts, docs)
			}
			grouped.addOthers(c, f.of)
			docs = grouped.chosen
			if grouped != works {
				grouped.release()
			}
		}
		name := f.name(r.view.dictionaries)
		c.countAll(f, from.parts, docs, name)
		for _, m := range from.parts {
			if err := m.check(ctx); err != nil {
				return nil, err
			}
		}
		*f.values(facets) = c.best(name)
		counters.Put(c)
	}
	return facets, nil
}

// counters keeps counters for reuse: they have room for every author.
var counters = sync.Pool{New: func() any { return &counter{} }}

// firstDecade is the number of the year 0 among decades, so that none is negative.
const firstDecade = 1000

// decadeNumber returns the number of a year's decade, or 0.
func decadeNumber(year int16) uint32 {
	if year == noYear {
		return 0
	}
	return uint32(decadeOf(int(year))/10 + firstDecade)
}

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

// commonValues returns the commonest values of a segment.
func (c *columns) commonValues() commonValues {
	decades := make([]uint32, len(c.year))
	for doc, year := range c.year {
		decades[doc] = decadeNumber(year)
	}
	return commonValues{authors: newCommonest(c.authors.all), languages: newCommonest(c.languages.all), subjects: newCommonest(c.subjects.all), decades: newCommonest(decades)}
}

// newCommonest counts values.
func newCommonest(values []uint32) *commonest {
	c := &counter{}
	for _, n := range values {
		c.add(n)
	}
	slices.SortFunc(c.used, func(a, b uint32) int { return cmp.Or(cmp.Compare(c.counts[b], c.counts[a]), cmp.Compare(a, b)) })
	r := &commonest{}
	for i, n := range c.used {
		if i == maxCommon {
			r.rest = c.counts[n]
			break
		}
		r.values = append(r.values, valueCount{n, c.counts[n]})
	}
	return r
}

// countAll counts the values of a facet. Where there are many documents, it counts only those values
// that can be among the best.
func (c *counter) countAll(f *facet, parts []*matches, docs []*roaring.Bitmap, name func(n uint32) string) {
	var broad selection
	for i, m := range parts {
		var common *commonest
		if f.commonest != nil {
			common = f.commonest(m.part.columns)
		}
		if common != nil && docs[i].GetCardinality() > m.part.Count()/broadShare {
			broad = append(broad, selected{m, docs[i], common})
		} else {
			f.count(c, m, docs[i])
		}
	}
	if len(broad) > 0 && !c.countCommonest(f, broad, name) {
		for _, s := range broad {
			f.count(c, s.matches, s.docs)
		}
	}
}

// broadShare says which documents are many: more than this share of their segment, as a divisor. Their
// bitmap is dense, so it takes little time to count the documents of a value, and the best documents
// of the segment have enough of them.
const broadShare = 10

// selection are documents of large segments with the commonest values of each.
type selection []selected

type selected struct {
	*matches
	docs   *roaring.Bitmap
	common *commonest
}

// bound returns the most documents that a value can have that isn't among the n commonest ones
// of any of the segments.
func (s selection) bound(n int) (bound uint32) {
	for _, part := range s {
		if n < len(part.common.values) {
			bound += part.common.values[n].count
		} else {
			bound += part.common.rest
		}
	}
	return bound
}

// countCommonest counts the commonest values of the segments, until no other one can be among the best.
// Then the counts of others are too low. It reports false, and has counted nothing, if it can't know
// that. Fagin, Lotem, Naor: Optimal aggregation algorithms for middleware, 2003 (the threshold
// algorithm).
func (c *counter) countCommonest(f *facet, broad selection, name func(n uint32) string) bool {
	most := uint32(0) // of what was counted before
	for _, n := range c.used {
		most = max(most, c.counts[n])
	}
	before := len(c.used)
	added := map[uint32]uint32{}
	var best []uint32 // counts, the highest first
	for at := range maxCommon + 1 {
		bound := broad.bound(at)
		if bound == 0 || len(best) == facetValues && best[facetValues-1] > bound+most {
			return true
		}
		for _, part := range broad {
			if at >= len(part.common.values) {
				continue
			}
			n := part.common.values[at].number
			if _, known := added[n]; known {
				continue
			}
			count := uint32(0)
			for _, other := range broad {
				count += uint32(other.docs.AndCardinality(other.having(f, n, name)))
			}
			added[n] = count
			if total := c.addSome(n, count); total > 0 {
				best = insert(best, total)
			}
		}
	}
	for n, count := range added {
		if count > 0 {
			c.counts[n] -= count
		}
	}
	c.used = c.used[:before]
	return false
}

// having returns the documents that have a common value. They are looked up once.
func (m *matches) having(f *facet, n uint32, name func(n uint32) string) *roaring.Bitmap {
	key := facetValue{f.prefix, n}
	if known, ok := m.part.values.Load(key); ok {
		return known.(*roaring.Bitmap)
	}
	docs := m.term(exactField, f.prefix+f.fold(name(n)))
	if m.err == nil {
		m.part.values.Store(key, docs)
	}
	return docs
}

// facetValue is a value of the facet whose terms have the prefix.
type facetValue struct {
	prefix string
	number uint32
}

// insert inserts a count into the highest ones.
func insert(best []uint32, count uint32) []uint32 {
	at, _ := slices.BinarySearchFunc(best, count, func(a, b uint32) int { return cmp.Compare(b, a) })
	best = slices.Insert(best, at, count)
	return best[:min(len(best), facetValues)]
}

// addSome adds to a count, and returns it.
func (c *counter) addSome(n, count uint32) (total uint32) {
	if count > 0 {
		c.add(n)
		c.counts[n] += count - 1
	}
	if int(n) < len(c.counts) {
		total = c.counts[n]
	}
	return total
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
			c.add(decadeNumber(years[doc]))
		}
	})
}

func (c *counter) availability(m *matches, docs *roaring.Bitmap) {
	c.addSome(1, uint32(docs.AndCardinality(m.term(exactField, availableIs+"false"))))
	c.addSome(2, uint32(docs.AndCardinality(m.term(exactField, availableIs+"true"))))
}

func (m *matches) authors(doc uint32) []uint32   { return m.part.columns.authors.of(doc) }
func (m *matches) languages(doc uint32) []uint32 { return m.part.columns.languages.of(doc) }
func (m *matches) subjects(doc uint32) []uint32  { return m.part.columns.subjects.of(doc) }

func (m *matches) decade(doc uint32) []uint32 {
	return []uint32{decadeNumber(m.part.columns.year[doc])}
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
