package bleve

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/blevesearch/vellum/levenshtein"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index/text"
)

// maxNeighbours bounds the corrections of a word that are tried, and maxCombinations those of
// several words.
const (
	maxNeighbours   = 10
	maxCombinations = 24
)

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
var tierCost = [tiers]int{wholeTitle: 0, titleStart: 1, inTitle: 1, inName: 2, inText: 4, inVariants: 5, inDescription: 6}

// mend looks for what a shopper meant whose words find nothing together. It first corrects
// words that the catalogue doesn't have, then any word, then leaves one out.
func (v *view) mend(ctx context.Context, p *plan) (*run, model.Match, error) {
	unknown, err := v.unknown(ctx, p)
	if err != nil {
		return nil, "", err
	}
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

// unknown returns the words that no book has and that may be corrected.
func (v *view) unknown(ctx context.Context, p *plan) ([]int, error) {
	var unknown []int
	known := make([]bool, len(p.words))
	for _, part := range v.parts {
		m := newMatcher(p, part)
		for i := range p.words {
			known[i] = known[i] || !m.widely(i).IsEmpty()
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
	choices := make([][]neighbour, len(wrong))
	for i, at := range wrong {
		if p.words[at].fixed {
			return nil, nil
		}
		term := p.words[at].Terms[0]
		all, err := v.neighbours(ctx, term, maxDistance(term))
		if err != nil || len(all) == 0 {
			return nil, err
		}
		choices[i] = all[:min(len(all), 4*maxNeighbours)]
	}
	var best *attempt
	tried := 0
	words := slices.Clone(p.words)
	var try func(i, cost int) error
	try = func(i, cost int) error {
		if i == len(wrong) {
			tried++
			r, err := v.run(ctx, p.with(slices.Clone(words)))
			if err != nil || r.total == 0 {
				return err
			}
			if a := (&attempt{run: r, cost: cost + tierCost[r.best()]}); a.better(best) {
				best = a
			}
			return nil
		}
		for _, n := range choices[i] {
			words[wrong[i]].Token = text.Token{Terms: []string{n.term}, Start: p.words[wrong[i]].Start, End: p.words[wrong[i]].End, Position: p.words[wrong[i]].Position}
			if best != nil && cost+2*int(n.distance) > best.cost || tried >= maxCombinations*4 {
				break
			}
			if err := try(i+1, cost+2*int(n.distance)); err != nil {
				return err
			}
		}
		return nil
	}
	return best, try(0, 0)
}

// relax leaves out one word, an unknown one if there is one, and returns the best attempt, or
// nil.
func (v *view) relax(ctx context.Context, p *plan, unknown []int) (*attempt, error) {
	if len(p.words) < 2 || len(unknown) > 1 {
		return nil, nil
	}
	var best *attempt
	for i := range p.words {
		if len(unknown) == 1 && unknown[0] != i || p.words[i].fixed {
			continue
		}
		r, err := v.run(ctx, p.with(slices.Delete(slices.Clone(p.words), i, i+1)))
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
