package bleve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/vellum/levenshtein"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// maxTried bounds the corrections of a query that find something and are compared.
const maxTried = 20

// neighbour is a term of the index near a word.
type neighbour struct {
	term      string
	cost      int
	documents uint64
}

// The costs of a correction, to be weighed against how well its books match (tierCost).
const (
	letterCost = 4 // of each wrong letter
	// slipCost is saved by the commonest slips: two letters changed places, or one was doubled
	// or should be.
	slipCost = 1
	// firstCost is added if the first letter is wrong, which is rare.
	firstCost = 1
)

// costOf returns the cost of a correction.
func costOf(typed, term string, distance uint8) int {
	cost := letterCost * int(distance)
	a, b := []rune(typed), []rune(term)
	switch {
	case len(a) == 0 || len(b) == 0:
	case a[0] != b[0]:
		cost += firstCost
	case distance == 1 && isSlip(a, b):
		cost -= slipCost
	}
	return cost
}

// isSlip reports whether two words that differ by one edit differ by two letters that changed
// places, or by a letter that is doubled.
func isSlip(a, b []rune) bool {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	switch {
	case len(a) == len(b):
		return at+1 < len(a) && a[at] == b[at+1] && a[at+1] == b[at]
	case len(a) < len(b):
		a, b = b, a
	}
	return at > 0 && a[at] == a[at-1]
}

// automata builds Levenshtein automata with transpositions, by distance. Schulz, Mihov: Fast
// string correction with Levenshtein automata, 2002.
var automata = [...]func() *levenshtein.LevenshteinAutomatonBuilder{1: automaton(1, true), 2: automaton(2, true), far: automaton(far, false)}

// far is the distance of the furthest corrections. A transposition counts as two there: otherwise
// the automaton would take five times as long to build.
const far = 3

// automaton returns a function that builds an automaton's builder once.
func automaton(distance uint8, transpositions bool) func() *levenshtein.LevenshteinAutomatonBuilder {
	return sync.OnceValue(func() *levenshtein.LevenshteinAutomatonBuilder {
		builder, err := levenshtein.NewLevenshteinAutomatonBuilder(distance, transpositions)
		if err != nil {
			panic(fmt.Sprintf("an automaton for distance %d: %v", distance, err)) // the distance is wrong
		}
		return builder
	})
}

// maxDistance is how many letters of a word may be wrong.
func maxDistance(term string) uint8 {
	switch n := utf8.RuneCountInString(term); {
	case n < 3:
		return 0
	case n < 6:
		return 1
	}
	return 2
}

// nearDistance is how many letters of a word may be wrong at first.
func nearDistance(term string) uint8 { return min(1, maxDistance(term)) }

// leastOf returns the least cost of a correction of so many words that has two wrong letters in one
// of them. Looking for those takes ten times as long.
func leastOf(words int) int { return (words-1)*(letterCost-slipCost) + 2*letterCost }

// farFrom is the length of words that may have three wrong letters, but not the first, if nothing
// nearer finds a book.
const farFrom = 8

// farDistance is how many letters of a word may be wrong if nothing nearer finds a book.
func farDistance(term string) uint8 {
	if utf8.RuneCountInString(term) < farFrom {
		return maxDistance(term)
	}
	return far
}

// neighbours returns the terms nearest to one, the commonest first: those with one wrong letter, and
// those with up to distance wrong letters that begin with the same one.
func (v *view) neighbours(ctx context.Context, term string, distance uint8) ([]neighbour, error) {
	if distance == 0 {
		return nil, nil
	}
	found, err := v.near(ctx, term, 1, nil, nil)
	if err != nil {
		return nil, err
	}
	if distance > 1 {
		_, size := utf8.DecodeRuneInString(term)
		further, err := v.near(ctx, term, distance, []byte(term[:size]), after(term[:size]))
		if err != nil {
			return nil, err
		}
		maps.Copy(found, further)
	}
	all := make([]neighbour, 0, len(found))
	for _, n := range found {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(b.documents, a.documents), cmp.Compare(a.term, b.term))
	})
	return all, nil
}

// near returns the terms from start until before end with up to distance wrong letters.
func (v *view) near(ctx context.Context, term string, distance uint8, start, end []byte) (map[string]neighbour, error) {
	automaton, err := automata[distance]().BuildDfa(term, distance)
	if err != nil {
		return nil, fmt.Errorf("an automaton for %d letters: %w", utf8.RuneCountInString(term), err)
	}
	found := map[string]neighbour{}
	for _, part := range v.parts {
		err := part.each(textField, automaton, start, end, func(other string, documents uint64, distance uint8) bool {
			if other != term && !isNumber(other) {
				n := found[other]
				found[other] = neighbour{term: other, cost: costOf(term, other, distance), documents: n.documents + documents}
			}
			return true
		})
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// attempt is a changed plan that finds something.
type attempt struct {
	*run
	cost int
}

// better says whether a is the better attempt: the one that changes less and matches better,
// then the one that finds more.
func (a *attempt) better(b *attempt) bool {
	if b == nil || a.cost != b.cost {
		return b == nil || a.cost < b.cost
	}
	return a.total > b.total
}

// tierCost weighs how well an attempt matches against the letters that it changes.
var tierCost = [tiers]int{titleStart: 2, inTitle: 3, inName: 5, inForms: 6, inText: 8, inVariants: 10, inDescription: 12}

// mend looks for what a shopper meant. It corrects the words that the catalogue doesn't have or, if
// it has all, any one word. If that finds nothing, it leaves one out.
func (v *view) mend(ctx context.Context, p *plan, unknown []int) (*run, model.Match, error) {
	if len(unknown) > 0 {
		best, err := v.correctUnknown(ctx, p, unknown)
		if err != nil || best != nil {
			return runOf(best), model.CorrectedMatch, err
		}
	} else {
		var best *attempt
		for i := range p.words {
			if p.words[i].fixed {
				continue
			}
			c, err := v.corrections(p, []int{i})
			if err != nil {
				return nil, "", err
			}
			a, err := c.within(ctx, c.letters(maxDistance))
			if err != nil {
				return nil, "", err
			}
			if a != nil && a.better(best) {
				best = a
			}
		}
		if best != nil {
			return best.run, model.CorrectedMatch, nil
		}
	}
	best, err := v.relax(ctx, p, unknown)
	return runOf(best), model.RelaxedMatch, err
}

// correctUnknown corrects words that the catalogue doesn't have, with as few wrong letters as
// possible: looking further takes longer. It returns nil if nothing is found.
func (v *view) correctUnknown(ctx context.Context, p *plan, unknown []int) (*attempt, error) {
	c, err := v.corrections(p, unknown)
	if err != nil {
		return nil, err
	}
	letters := c.letters(nearDistance)
	best, err := c.within(ctx, letters)
	if err != nil || best != nil && best.cost <= leastOf(len(unknown)) {
		return best, err
	}
	for _, distance := range []func(string) uint8{maxDistance, farDistance} {
		further := c.letters(distance)
		if !slices.Equal(further, letters) {
			letters = further
			best, err = c.within(ctx, letters)
		}
		if err != nil || best != nil {
			return best, err
		}
	}
	return nil, nil
}

func runOf(a *attempt) *run {
	if a == nil {
		return nil
	}
	return a.run
}

// inflects reports whether all words that differ from those of the original have a stem of the
// word that they replace: then they are forms of what was typed, and no corrections.
func (p *plan) inflects(original *plan) bool {
	stems := map[int][]text.Stemmed{}
	for _, w := range original.words {
		stems[w.Start] = w.stems
	}
	for _, w := range p.words {
		own := text.Stems(w.Terms[0])
		if !slices.ContainsFunc(stems[w.Start], func(s text.Stemmed) bool {
			return slices.ContainsFunc(own, func(other text.Stemmed) bool { return other.Term == s.Term })
		}) && len(own) > 0 {
			return false
		}
	}
	return len(p.words) == len(original.words)
}

// unknown returns the words that no book has as they were typed, and that may be corrected.
func (v *view) unknown(ctx context.Context, p *plan) ([]int, error) {
	var unknown []int
	known := make([]bool, len(p.words))
	for _, part := range v.parts {
		m := newMatcher(p, part)
		for i := range p.words {
			for _, field := range []string{textField, descriptionField, pairField} {
				known[i] = known[i] || !m.any(field, m.words[i].own()).IsEmpty()
			}
		}
		if err := m.check(ctx); err != nil {
			return nil, err
		}
	}
	for i, w := range p.words {
		if !known[i] && !w.fixed {
			unknown = append(unknown, i)
		}
	}
	return unknown, nil
}

// corrections are corrections of some words of a plan. They are tried in the order of their
// costs.
type corrections struct {
	*view
	plan     *plan
	wrong    []int             // the words that are corrected
	choices  [][]neighbour     // for each of them
	matchers []*matcher        // of the plan, by part
	rest     []*roaring.Bitmap // what the other words match, by part; nil stands for all
	tried    int
	best     *attempt
}

// corrections prepares to correct the given words, of which none is fixed.
func (v *view) corrections(p *plan, wrong []int) (*corrections, error) {
	c := &corrections{view: v, plan: p, wrong: wrong}
	for _, part := range v.parts {
		m := newMatcher(p, part)
		c.matchers = append(c.matchers, m)
		c.rest = append(c.rest, m.without(wrong))
		if m.err != nil {
			return nil, m.err
		}
	}
	return c, nil
}

// letters returns how many letters may be wrong in each of the words.
func (c *corrections) letters(distance func(term string) uint8) []uint8 {
	letters := make([]uint8, len(c.wrong))
	for i, at := range c.wrong {
		letters[i] = distance(c.plan.words[at].Terms[0])
	}
	return letters
}

// within tries corrections with so many wrong letters in each of the words. It returns the best
// attempt that finds something, or nil.
func (c *corrections) within(ctx context.Context, letters []uint8) (*attempt, error) {
	c.choices, c.tried, c.best = nil, 0, nil
	words := slices.Clone(c.plan.words)
	for i, at := range c.wrong {
		all, err := c.neighbours(ctx, words[at].Terms[0], letters[i])
		if err != nil || len(all) == 0 {
			return nil, err
		}
		c.choices = append(c.choices, all)
		words[at].stems = nil
	}
	err := c.try(ctx, words, c.rest, 0, 0)
	return c.best, err
}

// try corrects the i-th of the wrong words and all after it. docs are the documents, by part,
// that match the other words and the corrections so far.
func (c *corrections) try(ctx context.Context, words []word, docs []*roaring.Bitmap, i, cost int) error {
	if i == len(c.wrong) {
		c.tried++
		r, err := c.rerun(ctx, c.plan.with(slices.Clone(words)), c.matchers, c.wrong)
		if err != nil || r.total == 0 {
			return err
		}
		if a := (&attempt{run: r, cost: cost + tierCost[r.best()]}); a.better(c.best) {
			c.best = a
		}
		return nil
	}
	at := c.wrong[i]
	for _, n := range c.choices[i] {
		further := cost + n.cost
		if c.best != nil && further > c.best.cost || c.tried >= maxTried {
			return nil
		}
		narrowed, some := make([]*roaring.Bitmap, len(docs)), false
		for j, m := range c.matchers {
			narrowed[j] = intersection(m.term(textField, n.term), docs[j])
			some = some || !narrowed[j].IsEmpty()
			if err := m.check(ctx); err != nil {
				return err
			}
		}
		if !some {
			continue
		}
		token := &words[at].Token
		token.Terms, token.Own = []string{n.term}, 1
		if err := c.try(ctx, words, narrowed, i+1, further); err != nil {
			return err
		}
	}
	return nil
}

// relax leaves out one word, an unknown one if there is one, but not the only one that says
// something. It returns the best attempt, or nil: of those that match as well, the one that finds
// the fewest books, for its words say most.
func (v *view) relax(ctx context.Context, p *plan, unknown []int) (*attempt, error) {
	if len(p.words) < 2 || len(unknown) > 1 {
		return nil, nil
	}
	var best *attempt
	for i := range p.words {
		if len(unknown) == 1 && unknown[0] != i || p.words[i].fixed {
			continue
		}
		left := slices.Delete(slices.Clone(p.words), i, i+1)
		if !slices.ContainsFunc(left, func(w word) bool { return !emptyWords[w.Terms[0]] }) {
			continue
		}
		r, err := v.run(ctx, p.with(left))
		if err != nil {
			return nil, err
		}
		if r.total == 0 {
			continue
		}
		if a := (&attempt{run: r, cost: tierCost[r.best()]}); best == nil || a.cost < best.cost || a.cost == best.cost && a.total < best.total {
			best = a
		}
	}
	return best, nil
}
