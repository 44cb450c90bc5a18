package bleve

import (
	"context"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

const (
	// maxBegun bounds the titles that begin with what was typed, and the words that begin with
	// its last word. Beyond it, the beginnings that are terms decide.
	maxBegun = 512
	// considered is the number of books of each kind that may be suggested.
	considered = 48
	// knownFirst is the number of best known books among the suggestions. The others are those
	// with the shortest titles.
	knownFirst = 2
	// beginBonus is how much better known a book must be that has the words inside its title
	// or its authors' names, to stand before one whose title begins with them: 2^beginBonus
	// times as many readers.
	beginBonus = 8
	// typosFrom is the number of letters from which on a beginning may have an error.
	typosFrom = 5
)

// suggest completes what was typed.
func (v *view) suggest(ctx context.Context, typed model.Keyword, limit int) ([]model.Suggestion, error) {
	tokens := text.Query(string(typed))
	key := text.Key(string(typed))
	if len(tokens) == 0 || key == "" || limit <= 0 {
		return nil, nil
	}
	for _, errors := range []uint8{0, 1} {
		c := completion{view: v, key: key, errors: errors}
		for _, token := range tokens {
			c.words = append(c.words, begun{terms: token.Terms})
		}
		if errors > 0 && !c.tolerant() {
			break
		}
		found, err := c.suggestions(ctx, limit)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// completion looks for books whose titles or authors have the typed words, of which the last
// one may be incomplete.
type completion struct {
	*view
	key    string
	words  []begun
	errors uint8 // letters that may be wrong in each longer word
}

// begun is a typed word.
type begun struct {
	terms []string
	// known are the terms of the index that it stands for; nil if only its own beginning
	// tells.
	known map[string]bool
}

// tolerant reports whether a word is long enough to have an error.
func (c *completion) tolerant() bool {
	return slices.ContainsFunc(c.words, func(w begun) bool { return mayErr(w.terms[0]) })
}

func mayErr(term string) bool { return utf8.RuneCountInString(term) >= typosFrom && !isNumber(term) }

// suggestions returns the best titles and authors.
func (c *completion) suggestions(ctx context.Context, limit int) ([]model.Suggestion, error) {
	known, short := top{limit: considered}, top{limit: considered}
	for _, part := range c.parts {
		m := newMatcher(&plan{}, part)
		begins := live(part, c.beginning(m))
		has := difference(live(part, c.containing(m)), begins)
		if err := m.check(ctx); err != nil {
			return nil, err
		}
		columns := part.columns
		known.add(part, begins, func(doc uint32) uint64 { return byWeight(columns.weight[doc]+beginBonus, columns.year[doc]) })
		known.addRanked(part, has)
		short.add(part, begins, func(doc uint32) uint64 { return 1<<63 | columns.shortest(doc) })
		short.add(part, has, columns.shortest)
	}
	known.cut()
	short.cut()
	found := make([]model.Suggestion, 0, limit)
	seen := map[string]bool{}
	for _, list := range []struct {
		hits  []hit
		limit int
	}{{known.hits, min(knownFirst, limit)}, {short.hits, limit}, {known.hits, limit}} {
		for _, h := range list.hits {
			if len(found) >= list.limit {
				break
			}
			s, ok, err := c.suggestion(h)
			if err != nil {
				return nil, err
			}
			if folded := model.Fold(s.Text); ok && !seen[folded] {
				seen[folded] = true
				found = append(found, s)
			}
		}
	}
	return found, nil
}

// suggestion returns what a book suggests: an author who has all words, else its title. ok is
// false if title and authors don't have each word in a place of its own.
func (c *completion) suggestion(h hit) (found model.Suggestion, ok bool, err error) {
	stored, err := h.part.stored(uint64(h.doc))
	if err != nil {
		return found, false, err
	}
	found = model.Suggestion{Text: stored.title, Kind: model.TitleSuggestion, BookID: uint(h.id)}
	all := text.Book(stored.title, "", text.Title)
	if c.in(all) {
		return found, true, nil
	}
	for _, author := range stored.authors {
		name := text.Book(author, "", text.Name)
		if c.in(name) {
			return model.Suggestion{Text: author, Kind: model.AuthorSuggestion}, true, nil
		}
		all = append(all, name...)
	}
	return found, c.in(all), nil
}

// in reports whether tokens have all words, each in a place of its own.
func (c *completion) in(tokens []text.Token) bool {
	taken := make([]bool, len(tokens))
	for i, w := range c.words {
		found := false
		for at := range tokens {
			if !taken[at] && slices.ContainsFunc(tokens[at].Terms, func(term string) bool { return w.is(term, i == len(c.words)-1) }) {
				taken[at], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// is reports whether the word stands for a term.
func (w *begun) is(term string, last bool) bool {
	if w.known[term] {
		return true
	}
	return slices.ContainsFunc(w.terms, func(own string) bool {
		return own == term || last && strings.HasPrefix(term, own)
	})
}

// live returns the documents that aren't deleted.
func live(p *part, docs *roaring.Bitmap) *roaring.Bitmap { return difference(docs, p.deleted) }

// beginning returns the documents whose title begins with what was typed. If there are many,
// it may return some others that have the words, too.
func (c *completion) beginning(m *matcher) *roaring.Bitmap {
	if c.errors > 0 {
		return none
	}
	if begin(c.key, titleLetters) == c.key {
		return m.term(prefixField, titleBegins+c.key)
	}
	if docs, all := c.ranging(m, wholeField, c.key); all {
		return docs
	}
	words, last := "", c.key
	if blank := strings.LastIndexByte(c.key, ' '); blank >= 0 {
		words, last = c.key[:blank], c.key[blank+1:]
	}
	beginning := m.term(prefixField, titleBegins+begin(c.key, titleLetters))
	if words == "" {
		return beginning
	}
	return intersection(beginning, m.term(startField, words), m.term(prefixField, begin(last, prefixLetters)))
}

// begin returns the first letters of a text, as many as there are up to a number.
func begin(word string, most int) string {
	letters := 0
	for i := range word {
		if letters == most {
			return word[:i]
		}
		letters++
	}
	return word
}

// ranging returns the documents with a term that has the prefix. all is false if there are too
// many such terms.
func (c *completion) ranging(m *matcher, field, prefix string) (docs *roaring.Bitmap, all bool) {
	var sets []*roaring.Bitmap
	err := m.eachUncounted(field, nil, []byte(prefix), after(prefix), func(term string) bool {
		sets = append(sets, m.term(field, term))
		return len(sets) <= maxBegun
	})
	if err != nil && m.err == nil {
		m.err = err
	}
	return union(sets...), len(sets) <= maxBegun
}

// containing returns the documents that have all words in title and authors, of the last one
// the beginning.
func (c *completion) containing(m *matcher) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(c.words))
	for i := range c.words {
		w := &c.words[i]
		var docs *roaring.Bitmap
		switch last := i == len(c.words)-1; {
		case c.errors > 0 && mayErr(w.terms[0]):
			docs = c.near(m, w, last)
		case last:
			docs = c.completed(m, w)
		default:
			docs = m.any(nameField, w.terms)
		}
		sets = append(sets, docs)
	}
	return intersection(sets...)
}

// completed returns the documents that have a word with the beginning.
func (c *completion) completed(m *matcher, w *begun) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(w.terms))
	for _, term := range w.terms {
		if begin(term, prefixLetters) == term {
			sets = append(sets, m.term(prefixField, term))
			continue
		}
		docs, all := c.ranging(m, nameField, term)
		if !all {
			docs = m.term(prefixField, begin(term, prefixLetters))
		}
		sets = append(sets, docs)
	}
	return union(sets...)
}

// near returns the documents that have a word with an error in it, or in its beginning.
func (c *completion) near(m *matcher, w *begun, last bool) *roaring.Bitmap {
	dfa, err := automata[c.errors]().BuildDfa(w.terms[0], c.errors)
	if err != nil {
		if m.err == nil {
			m.err = err
		}
		return none
	}
	var automaton segment.Automaton = dfa
	if last {
		automaton = beginnings{dfa}
	}
	var sets []*roaring.Bitmap
	err = m.eachUncounted(nameField, automaton, nil, nil, func(term string) bool {
		if w.known == nil {
			w.known = map[string]bool{}
		}
		w.known[term] = true
		sets = append(sets, m.term(nameField, term))
		return len(sets) < maxBegun
	})
	if err != nil && m.err == nil {
		m.err = err
	}
	return union(sets...)
}

// beginnings accepts every text of which a beginning is accepted by another automaton.
type beginnings struct{ segment.Automaton }

// accepted is the state behind an accepted beginning.
const accepted = math.MaxInt

func (b beginnings) IsMatch(state int) bool         { return state == accepted }
func (b beginnings) WillAlwaysMatch(state int) bool { return state == accepted }
func (b beginnings) CanMatch(state int) bool {
	return state == accepted || b.Automaton.CanMatch(state)
}

func (b beginnings) Accept(state int, letter byte) int {
	if state == accepted {
		return accepted
	}
	next := b.Automaton.Accept(state, letter)
	if b.Automaton.IsMatch(next) {
		return accepted
	}
	return next
}
