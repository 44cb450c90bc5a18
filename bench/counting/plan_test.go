//go:build unix

package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAPlanCanBeRepeated(t *testing.T) {
	n := size{kills: 30, rebalances: 10, faults: 9, slow: 1}
	p := newPlan(7, n, 4, 3)
	assert.Equal(t, p, newPlan(7, n, 4, 3))
	assert.NotEqual(t, p, newPlan(8, n, 4, 3))
	kills, guests, frozen := 0, 0, 0
	faults, victims := map[int]int{}, map[int]int{}
	for _, r := range p.rounds {
		for _, k := range slices.Concat(r.before, r.during, r.after) {
			kills += k.times()
			victims[k.victim]++
		}
		if r.fault >= 0 {
			faults[r.fault]++
		}
		if r.guest != nil {
			guests++
			if r.guest.frozen > 0 {
				frozen++
			}
		}
	}
	assert.Equal(t, []int{30, 10, 5}, []int{kills, guests, frozen})
	assert.Len(t, victims, 3)
	assert.Len(t, faults, 4)
	for fault, times := range faults {
		assert.GreaterOrEqual(t, times, 2, fault)
	}
}
