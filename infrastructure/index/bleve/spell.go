package bleve

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/vellum/levenshtein"

	"literank.com/event-books/domain/model"
)

// maxTried bounds the corrections of a query that find something and are compared.
const maxTried = 20

// neighbour is a term of the index near a word.
type neighbour struct {
	term      string
	distance  uint8
	documents uint64
}

// automata builds Levenshtein automata with transpositions, by distance. Schulz, Mihov: Fast
// string correction with Levenshtein automata, 2002.
var automata = func() (builders [3]*levenshtein.LevenshteinAutomatonBuilder) {
	for distance := 1; distance < len(builders); distance++ {
		builder, err := levenshtein.NewLevenshteinAutomatonBuilder(uint8(distance), true)
		if err != nil {
			panic(fmt.Sprintf("an automaton for distance %d: %v", distance, err)) // the distance is wrong
		}
		builders[distance] = builder
	}
	return builders
}()

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

// neighbours returns the terms nearest to one, the commonest first.
func (v *view) neighbours(ctx context.Context, term string, distance uint8) ([]neighbour, error) {
	if distance == 0 {
		return nil, nil
	}
	automaton, err := automata[distance].BuildDfa(term, distance)
	if err != nil {
		return nil, fmt.Errorf("an automaton for %d letters: %w", utf8.RuneCountInString(term), err)
	}
	found := map[string]neighbour{}
	for _, part := range v.parts {
		m := newMatcher(&plan{}, part)
		err := m.each(textField, automaton, nil, nil, func(other string, documents uint64, distance uint8) bool {
			if other != term && !isNumber(other) {
				n := found[other]
				found[other] = neighbour{term: other, distance: distance, documents: n.documents + documents}
			}
			return true
		})
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
	}
	all := make([]neighbour, 0, len(found))
	for _, n := range found {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(b.documents, a.documents), cmp.Compare(a.term, b.term))
	})
	return all, nil
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

// tierCost weighs how well an attempt matches against the letters that it changes, two each.
var tierCost = [tiers]int{titleStart: 1, inTitle: 1, inName: 2, inForms: 3, inText: 4, inVariants: 5, inDescription: 6}

// mend looks for what a shopper meant whose words find nothing together. It first corrects
// words that the catalogue doesn't have, then any word, then leaves one out.
func (v *view) mend(ctx context.Context, p *plan, unknown []int) (*run, model.Match, error) {
	if len(unknown) > 0 {
		if best, err := v.correct(ctx, p, unknown); err != nil || best != nil {
			return runOf(best), model.CorrectedMatch, err
		}
	} else {
		var best *attempt
		for i := range p.words {
			a, err := v.correct(ctx, p, []int{i})
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

func runOf(a *attempt) *run {
	if a == nil {
		return nil
	}
	return a.run
}

// unknown returns the words that no book has as they were typed, and that may be corrected.
func (v *view) unknown(ctx context.Context, p *plan) ([]int, error) {
	var unknown []int
	known := make([]bool, len(p.words))
	for _, part := range v.parts {
		m := newMatcher(p, part)
		for i := range p.words {
			known[i] = known[i] || !m.any(textField, m.words[i].own()).IsEmpty() || !m.any(descriptionField, m.words[i].own()).IsEmpty()
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

// correct tries corrections of the given words, and returns the best attempt that finds
// something, or nil.
func (v *view) correct(ctx context.Context, p *plan, wrong []int) (*attempt, error) {
	c := &corrections{view: v, plan: p, wrong: wrong}
	for _, at := range wrong {
		if p.words[at].fixed {
			return nil, nil
		}
		term := p.words[at].Terms[0]
		all, err := v.neighbours(ctx, term, maxDistance(term))
		if err != nil || len(all) == 0 {
			return nil, err
		}
		c.choices = append(c.choices, all)
	}
	for _, part := range v.parts {
		m := newMatcher(p, part)
		c.matchers = append(c.matchers, m)
		c.rest = append(c.rest, m.without(wrong))
		if err := m.check(ctx); err != nil {
			return nil, err
		}
	}
	words := slices.Clone(p.words)
	for _, at := range wrong {
		words[at].stems = nil
	}
	err := c.try(ctx, words, c.rest, 0, 0)
	return c.best, err
}

// corrections are tried in the order of their distances.
type corrections struct {
	*view
	plan     *plan
	wrong    []int         // the words that are corrected
	choices  [][]neighbour // for each of them
	matchers []*matcher
	rest     []*roaring.Bitmap // what the other words match, by part; nil stands for all
	tried    int
	best     *attempt
}

// try corrects the i-th of the wrong words and all after it. docs are the documents, by part,
// that match the other words and the corrections so far.
func (c *corrections) try(ctx context.Context, words []word, docs []*roaring.Bitmap, i, cost int) error {
	if i == len(c.wrong) {
		c.tried++
		r, err := c.run(ctx, c.plan.with(slices.Clone(words)))
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
		further := cost + 2*int(n.distance)
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
// something. It returns the best attempt, or nil.
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
