package trends

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Lists that follow changes are the same as those made from all sums.
func TestFollowedListsAreTheBest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 20
	s := newSums()
	best := s.best(n)
	lost := 0
	for round := range 300 {
		var changed []int64
		for range random.IntN(6) {
			changed = append(changed, random.Int64N(100))
		}
		slices.Sort(changed)
		changed = slices.Compact(changed)
		before := s.clear(changed)
		for i, keyword := range changed {
			row := s.row(keyword)
			*row = before[i]
			for w := range row.byWindow {
				row.byWindow[w].searches += random.Int32N(4)
				row.typed[w].notFound += random.Int32N(2)
				if round%20 == 0 { // an erasure
					row.byWindow[w].searches = random.Int32N(3)
				}
			}
		}
		if !s.follow(best, n, before) {
			lost++
			best = s.best(n)
		}
		for l, want := range s.best(n) {
			if !assert.Equal(t, append([]candidate{}, want...), append([]candidate{}, best[l]...), l) {
				return
			}
		}
	}
	assert.Positive(t, lost)
	assert.Less(t, lost, 100)
}
