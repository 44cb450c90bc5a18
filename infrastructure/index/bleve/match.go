package bleve

import (
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
	all   *roaring.Bitmap // nil if every book matches
	known [tiers]*roaring.Bitmap
}

// matcher finds matches of one plan in one part.
type matcher struct {
	*plan
	*part
	cached map[string][]*roaring.Bitmap // by field, or by method that looks in several, for each word
	err    error                        // the first one
}

func newMatcher(p *plan, part *part) *matcher {
	return &matcher{plan: p, part: part, cached: map[string][]*roaring.Bitmap{}}
}

// matches returns the matches of the plan, filters apart.
func (m *matcher) matches() *matches { return &matches{matcher: m, all: m.without(nil)} }

// without returns the documents that match the plan without some of its words. nil stands for
// all documents.
func (m *matcher) without(some []int) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(m.words)+len(m.conditions))
	for i := range m.words {
		if slices.Contains(some, i) {
			continue
		}
		docs := m.widely(i)
		if docs.IsEmpty() {
			return none
		}
		sets = append(sets, docs)
	}
	var excluded []*roaring.Bitmap
	for _, c := range m.conditions {
		if docs := m.holds(c); c.excluded {
			excluded = append(excluded, docs)
		} else {
			sets = append(sets, docs)
		}
	}
	all := intersection(sets...)
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

// stemmed returns the documents that have a stem in a language for which it is one, for each stem
// that has some.
func (m *matcher) stemmed(field string, stems []text.Stemmed) []*roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(stems)+4)
	for _, stem := range stems {
		docs := m.term(field, stem.Term)
		if !docs.IsEmpty() {
			sets = append(sets, m.part.columns.stemming.by(stem, docs))
		}
	}
	return sets
}

// once returns what find returns for word i, and remembers it under a name.
func (m *matcher) once(name string, i int, find func() *roaring.Bitmap) *roaring.Bitmap {
	known := m.cached[name]
	if known == nil {
		known = make([]*roaring.Bitmap, len(m.words))
		m.cached[name] = known
	}
	if known[i] == nil {
		known[i] = find()
	}
	return known[i]
}

// take takes over what another matcher of the part has found for the words that are the same.
func (m *matcher) take(other *matcher, changed []int) {
	for name, known := range other.cached {
		known = slices.Clone(known)
		for _, i := range changed {
			known[i] = nil
		}
		m.cached[name] = known
	}
}

// in returns the documents that have word i in the field.
func (m *matcher) in(field string, i int) *roaring.Bitmap {
	return m.once(field, i, func() *roaring.Bitmap { return m.any(field, m.words[i].Terms) })
}

// widely returns the documents that have word i in any form, anywhere.
func (m *matcher) widely(i int) *roaring.Bitmap {
	return m.once("anywhere", i, func() *roaring.Bitmap {
		return union(slices.Concat(m.inFacts(i), []*roaring.Bitmap{m.in(descriptionField, i)}, m.stemmed(describedField, m.words[i].stems))...)
	})
}

// variants returns the documents that have word i outside the description, in any form.
func (m *matcher) variants(i int) *roaring.Bitmap {
	return m.once("variants", i, func() *roaring.Bitmap { return union(m.inFacts(i)...) })
}

func (m *matcher) inFacts(i int) []*roaring.Bitmap {
	w := &m.words[i]
	sets := append(m.stemmed(stemField, w.stems), m.in(textField, i))
	for _, term := range w.own() {
		sets = append(sets, m.term(pairField, term))
	}
	return sets
}

// forms returns the documents that have word i in the title: as it is, as another form, or
// written together or apart.
func (m *matcher) forms(i int) *roaring.Bitmap {
	w := m.words[i]
	return union(append(m.stemmed(formField, w.stems), m.in(titleField, i), m.any(formField, w.own()))...)
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
	var sets []*roaring.Bitmap
	switch t {
	case asTyped:
		if m.exact == "" {
			return none
		}
		return intersection(m.term(exactField, titleIs+m.exact), m.all)
	case wholeTitle, titleStart:
		if m.key == "" {
			return none
		}
		field := wholeField
		if t == titleStart {
			field = startField
		}
		return intersection(m.term(field, m.key), m.all)
	case inTitle, inName, inText:
		field := map[tier]string{inTitle: titleField, inName: nameField, inText: textField}[t]
		for i := range m.words {
			sets = append(sets, m.in(field, i))
		}
	case inForms:
		for i := range m.words {
			sets = append(sets, m.forms(i))
		}
	case inVariants:
		for i := range m.words {
			sets = append(sets, m.variants(i))
		}
	default:
		return m.all
	}
	return intersection(append(sets, m.all)...)
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
