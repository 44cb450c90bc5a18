package bleve

import (
	"context"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"literank.com/event-books/domain/model"
)

// reasons says in a sentence what each tier means.
var reasons = [tiers]string{
	asTyped:       "The title is the query, with its punctuation.",
	wholeTitle:    "The title is the query.",
	titleStart:    "The title begins with the query.",
	inTitle:       "All words are in the title.",
	inName:        "All words are in the title and the names of the authors.",
	inForms:       "All words are in the title, at least one of them in another form.",
	inText:        "All words are in title, authors, subjects, series, publisher, edition or ISBN.",
	inVariants:    "All words are outside the description, at least one of them in another form.",
	inDescription: "At least one word is only in the description.",
}

// groups numbers the groups that people know: books of several tiers stand together, or differ
// in punctuation only.
var groups = [tiers]int{asTyped: 1, wholeTitle: 1, titleStart: 2, inTitle: 3, inName: 3, inForms: 4, inText: 5, inVariants: 6, inDescription: 7}

// places are where a word is looked for, the first ones first.
var places = []struct {
	name string
	in   func(m *matcher, i int) *roaring.Bitmap
}{
	{"title", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.in(titleField, i)) }},
	{"authors", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.in(authorField, i)) }},
	{"subjects", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.in(subjectField, i)) }},
	{"facts", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.in(textField, i)) }},
	{"description", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.in(descriptionField, i)) }},
	{"another form", func(m *matcher, i int) *roaring.Bitmap { return m.within(nil, m.widely(i)) }},
}

// Explain implements gateway.BookIndex.
func (x *Index) Explain(ctx context.Context, s model.Search, book uint) (_ *model.Explanation, err error) {
	defer x.answered(string(s.Keyword), &err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see SearchBooks
	v, err := x.view()
	if err != nil {
		return nil, err
	}
	defer v.release() // an error concerns Close
	return v.explain(ctx, s, book)
}

func (v *view) explain(ctx context.Context, s model.Search, book uint) (*model.Explanation, error) {
	e := &model.Explanation{BookID: book}
	at, found, err := v.locate(ctx, book)
	if err != nil {
		return nil, err
	}
	if !found {
		e.Why = "The index doesn't have this book."
		return e, nil
	}
	r, _, _, err := v.find(ctx, s)
	if err != nil {
		return nil, err
	}
	stored, err := at.part.stored(uint64(at.doc))
	if err != nil {
		return nil, err
	}
	e.Weight, e.Popularity, e.InStock = float64(at.part.columns.weight[at.doc]), stored.popularity, stored.inStock
	m := newMatcher(r.plan, at.part)
	v.explainWords(e, m, at.doc)
	for _, part := range r.parts {
		if part.part == at.part {
			if err := r.explainPlace(ctx, e, part, at, s); err != nil {
				return nil, err
			}
		}
	}
	if e.Why == "" {
		e.Why = missing(e, m, at.doc)
	}
	return e, m.check(ctx)
}

// locate returns the document of a book.
func (v *view) locate(ctx context.Context, book uint) (at hit, found bool, err error) {
	for _, part := range v.parts {
		m := newMatcher(&plan{}, part)
		docs := live(part, m.term(idField, strconv.FormatUint(uint64(book), 10)))
		if err := m.check(ctx); err != nil {
			return hit{}, false, err
		}
		if !docs.IsEmpty() {
			return hit{part: part, doc: docs.Minimum(), id: uint64(book)}, true, nil
		}
	}
	return hit{}, false, nil
}

// explainWords says where the book has each word.
func (v *view) explainWords(e *model.Explanation, m *matcher, doc uint32) {
	for i, w := range m.words {
		word := model.ExplainedWord{Word: m.typed[w.Start:w.End], Term: w.Terms[0], In: []string{}}
		for _, place := range places {
			// The last places contain those before.
			if last := place.name == "facts" || place.name == "another form"; (!last || len(word.In) == 0) && place.in(m, i).Contains(doc) {
				word.In = append(word.In, place.name)
			}
		}
		e.Words = append(e.Words, word)
	}
}

// explainPlace says why a book that matches stands where it does.
func (r *run) explainPlace(ctx context.Context, e *model.Explanation, m *matches, at hit, s model.Search) error {
	if !m.found.Contains(at.doc) {
		return nil
	}
	e.Found = true
	e.Why = "It passes the filters."
	if s.Keyword != "" {
		for t := range tiers {
			if m.of(t).Contains(at.doc) {
				e.Tier, e.Why = groups[t], reasons[t]
				break
			}
		}
	}
	hits, err := r.list(ctx, s, model.MaxDepth)
	if err != nil {
		return err
	}
	work := at.part.columns.work[at.doc]
	e.Rank = slices.IndexFunc(hits, func(h hit) bool {
		return h.id == at.id || s.ByWork && work != 0 && h.part.columns.work[h.doc] == work
	}) + 1
	return nil
}

// missing says why a book isn't found.
func missing(e *model.Explanation, m *matcher, doc uint32) string {
	if m.empty() {
		return "The query has no word to search for."
	}
	for _, w := range e.Words {
		if len(w.In) == 0 {
			return "It doesn't have the word " + strconv.Quote(w.Word) + "."
		}
	}
	for _, c := range m.conditions {
		if m.holds(c).Contains(doc) == c.excluded {
			return "A phrase, a field, an ISBN or an excluded word of the query rules it out."
		}
	}
	return "A filter rules it out."
}
