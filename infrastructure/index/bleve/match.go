package bleve

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// tier says how well a book matches. Every book of a tier stands before those of the next.
type tier int

const (
	asTyped       tier = iota // the title is the query, with its punctuation
	wholeTitle                // the title is the query, a series in brackets apart
	titleStart                // the title begins with the query
	inTitle                   // all words are in the title; ranked together with inName
	inName                    // all words are in title and authors
	inForms                   // all words are in the title in some form
	inText                    // all words are in the book's facts
	inVariants                // all words are in the book's facts in some form
	inDescription             // all words are in the book, in some form
	tiers
)

// matches are the documents of a part that match a plan.
type matches struct {
	*matcher
	found *roaring.Bitmap // nil if every book matches
	known [tiers]*roaring.Bitmap
}

// matcher finds matches of one plan in one part.
type matcher struct {
	*plan
	*part
	fields map[string][]*either // what in has returned for each word, by field
	wide   []*either            // what widely has returned for each word
	err    error                // the first one
}

func newMatcher(p *plan, part *part) *matcher {
	return &matcher{plan: p, part: part, fields: map[string][]*either{}, wide: make([]*either, len(p.words))}
}

// matches returns the matches of the plan, filters apart.
func (m *matcher) matches() *matches { return &matches{matcher: m, found: m.without(nil)} }

// without returns the documents that match the plan without some of its words. nil stands for
// all documents.
func (m *matcher) without(some []int) *roaring.Bitmap {
	words := make([]*either, 0, len(m.words))
	for _, i := range m.longest {
		if slices.Contains(some, i) {
			continue
		}
		docs := m.widely(i)
		if docs.size == 0 {
			return none
		}
		words = append(words, docs)
	}
	var required, excluded []*roaring.Bitmap
	for _, c := range m.conditions {
		if docs := m.holds(c); c.excluded {
			excluded = append(excluded, docs)
		} else {
			required = append(required, docs)
		}
	}
	all := m.all(words, intersection(required...))
	if len(excluded) > 0 && all != nil {
		all = difference(all, union(excluded...))
	}
	if deleted := m.part.deleted; deleted != nil {
		if all == nil {
			all = m.everything()
		}
		all = difference(all, deleted)
	}
	return all
}

func (m *matcher) everything() *roaring.Bitmap {
	all := roaring.New()
	all.AddRange(0, m.part.Count())
	return all
}

// term returns the documents of a term. After an error it returns none.
func (m *matcher) term(field, term string) *roaring.Bitmap {
	docs, err := m.postings(field, term)
	if err != nil {
		if m.err == nil {
			m.err = err
		}
		return none
	}
	return docs
}

// any returns the documents of any of the terms.
func (m *matcher) any(field string, terms []string) *roaring.Bitmap {
	switch len(terms) {
	case 0:
		return none
	case 1:
		return m.term(field, terms[0])
	}
	sets := make([]*roaring.Bitmap, len(terms))
	for i, t := range terms {
		sets[i] = m.term(field, t)
	}
	return union(sets...)
}

// in returns the documents that have word i in the field.
func (m *matcher) in(field string, i int) *either {
	known := m.fields[field]
	if known == nil {
		known = make([]*either, len(m.words))
		m.fields[field] = known
	}
	if known[i] == nil {
		known[i] = &either{}
		m.add(known[i], field, m.words[i].Terms)
	}
	return known[i]
}

// take takes over what another matcher of the part has found for the words that are the same.
func (m *matcher) take(other *matcher, changed []int) {
	for field, known := range other.fields {
		m.fields[field] = without(known, changed)
	}
	m.wide = without(other.wide, changed)
}

// without returns a copy of a list in which some elements are nil.
func without[T any](list []*T, some []int) []*T {
	list = slices.Clone(list)
	for _, i := range some {
		list[i] = nil
	}
	return list
}

// widely returns the documents that have word i in any form, anywhere.
func (m *matcher) widely(i int) *either {
	if m.wide[i] == nil {
		docs := m.variants(i)
		m.add(docs, descriptionField, m.words[i].Terms)
		m.addStemmed(docs, describedField, i)
		m.wide[i] = docs
	}
	return m.wide[i]
}

// variants returns the documents that have word i outside the description, in any form.
func (m *matcher) variants(i int) *either {
	docs := m.in(textField, i).clone()
	m.add(docs, pairField, m.words[i].own())
	m.addStemmed(docs, stemField, i)
	return docs
}

// forms returns the documents that have word i in the title: as it is, as another form, or
// written together or apart.
func (m *matcher) forms(i int) *either {
	docs := m.in(titleField, i).clone()
	m.add(docs, formField, m.words[i].own())
	m.addStemmed(docs, formField, i)
	return docs
}

// either is a set of documents: those of any of its lists. They are joined when it is known which
// documents matter: that is faster for common words beside a rare one.
type either struct {
	lists []list
	size  uint64 // an upper bound
}

// list has the documents of a term. If that is a stem, only those count in whose language it is one.
type list struct {
	docs *roaring.Bitmap
	stem *text.Stemmed // nil if the term is none
}

func (e *either) clone() *either { return &either{slices.Clone(e.lists), e.size} }

func (e *either) add(l list) {
	if n := l.docs.GetCardinality(); n > 0 {
		e.lists = append(e.lists, l)
		e.size += n
	}
}

// add adds the documents that have any of the terms.
func (m *matcher) add(e *either, field string, terms []string) {
	for _, term := range terms {
		e.add(list{docs: m.term(field, term)})
	}
}

// addStemmed adds the documents that have a stem of word i.
func (m *matcher) addStemmed(e *either, field string, i int) {
	stems := m.words[i].stems
	for at := range stems {
		e.add(list{m.term(field, stems[at].Term), &stems[at]})
	}
}

// inList returns those of some documents that count in a list; nil stands for all documents.
func (m *matcher) inList(docs *roaring.Bitmap, l list) *roaring.Bitmap {
	some := intersection(l.docs, docs)
	if l.stem == nil {
		return some
	}
	return m.part.columns.stemming.by(*l.stem, some)
}

// within returns those of some documents that are in the set; nil stands for all documents.
func (m *matcher) within(docs *roaring.Bitmap, e *either) *roaring.Bitmap {
	found := make([]*roaring.Bitmap, 0, len(e.lists))
	left := docs
	for _, l := range e.lists {
		some := m.inList(left, l)
		found = append(found, some)
		if docs == nil {
			continue
		}
		// Only documents that no list has had are looked for in the next one. Most are in the first.
		switch some.GetCardinality() {
		case 0:
		case left.GetCardinality():
			return docs
		default:
			left = difference(left, some)
		}
	}
	return union(found...)
}

// all intersects some documents with all sets; nil stands for all documents.
func (m *matcher) all(sets []*either, docs *roaring.Bitmap) *roaring.Bitmap {
	if len(sets) == 0 {
		return docs
	}
	slices.SortStableFunc(sets, func(a, b *either) int { return cmp.Compare(a.size, b.size) })
	least := sets[0].size
	if docs != nil {
		least = min(least, docs.GetCardinality())
	}
	if least > m.part.Count()/denseShare {
		return m.allDense(sets, docs)
	}
	for _, set := range sets {
		if docs = m.within(docs, set); docs.IsEmpty() {
			return none
		}
	}
	return docs
}

// holds returns the documents for which a condition holds, not considering excluded.
func (m *matcher) holds(c condition) *roaring.Bitmap {
	if len(c.terms) > 0 {
		return m.any(c.field, c.terms)
	}
	found := none
	if c.isbn != "" {
		found = m.prefixed(isbnField, c.isbn)
	}
	if len(c.words) == 0 {
		return found
	}
	found = union(found, m.hasAll(c.words, c.field, c.pairs, pairField))
	if c.field == textField {
		found = union(found, m.hasAll(c.words, descriptionField, c.pairs, descriptionField))
	}
	return found
}

// hasAll returns the documents that have all words in a field, and all pairs in another one.
func (m *matcher) hasAll(words []text.Token, field string, pairs []string, joined string) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(words)+len(pairs))
	for _, w := range words {
		sets = append(sets, m.any(field, w.Terms))
	}
	for _, pair := range pairs {
		sets = append(sets, m.term(joined, pair))
	}
	return intersection(sets...)
}

// prefixed returns the documents that have a term with the prefix.
func (m *matcher) prefixed(field, prefix string) *roaring.Bitmap {
	var sets []*roaring.Bitmap
	err := m.eachUncounted(field, nil, []byte(prefix), after(prefix), func(term string) bool {
		sets = append(sets, m.term(field, term))
		return len(sets) < maxPrefixed
	})
	if err != nil && m.err == nil {
		m.err = err
	}
	return union(sets...)
}

// maxPrefixed bounds the terms that are read for one prefix.
const maxPrefixed = 10_000

// after returns the first key behind all keys with the prefix.
func after(prefix string) []byte {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// of returns the matches in a tier. From inTitle on, it also has those of better tiers.
func (m *matches) of(t tier) *roaring.Bitmap {
	if m.known[t] == nil {
		m.known[t] = m.find(t)
	}
	return m.known[t]
}

func (m *matches) find(t tier) *roaring.Bitmap {
	switch t {
	case asTyped:
		if m.exact == "" {
			return none
		}
		return intersection(m.term(exactField, titleIs+m.exact), m.found)
	case wholeTitle, titleStart:
		if m.key == "" {
			return none
		}
		field := wholeField
		if t == titleStart {
			field = startField
		}
		return intersection(m.term(field, m.key), m.found)
	case inTitle:
		return m.withAll(func(i int) *either { return m.in(titleField, i) })
	case inName:
		return m.withAll(func(i int) *either { return m.in(nameField, i) })
	case inForms:
		return m.withAll(m.forms)
	case inText:
		return m.withAll(func(i int) *either { return m.in(textField, i) })
	case inVariants:
		return m.withAll(m.variants)
	}
	return m.found
}

// withAll returns the matches that have each word as a function says.
func (m *matches) withAll(has func(i int) *either) *roaring.Bitmap {
	words := make([]*either, len(m.words))
	for i := range words {
		if words[i] = has(i); words[i].size == 0 {
			return none
		}
	}
	return m.all(words, m.found)
}

// filtered returns the documents that pass the filters, or nil if all do.
func (m *matcher) filtered(f model.Filters) *roaring.Bitmap {
	var sets []*roaring.Bitmap
	if f.Author != "" {
		sets = append(sets, m.term(exactField, authorIs+model.Fold(f.Author)))
	}
	if f.Language != "" {
		sets = append(sets, m.term(exactField, languageIs+f.Language))
	}
	if f.Subject != "" {
		sets = append(sets, m.term(exactField, subjectIs+model.Fold(f.Subject)))
	}
	if f.Decade != nil {
		sets = append(sets, m.term(exactField, decadeIs+strconv.Itoa(*f.Decade)))
	}
	if f.Available != nil {
		sets = append(sets, m.term(exactField, availableIs+strconv.FormatBool(*f.Available)))
	}
	if len(sets) == 0 {
		return nil
	}
	return intersection(sets...)
}

// check returns the first error of the matcher, or that of a context that is done.
func (m *matcher) check(ctx context.Context) error {
	if m.err != nil {
		return m.err
	}
	return ctx.Err()
}
