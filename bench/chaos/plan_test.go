//go:build unix

package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAPlanCanBeRepeated(t *testing.T) {
	known := []fault{{name: "gone", away: true}, {name: "slow"}, {name: "frozen", away: true}, {name: "cut"}}
	p := newPlan(7, 50, 21, time.Minute, known)
	assert.Equal(t, p, newPlan(7, 50, 21, time.Minute, known))
	assert.NotEqual(t, p, newPlan(8, 50, 21, time.Minute, known))

	assert.Len(t, p.rounds, 21)
	kills, again := 0, 0
	times := map[string]int{}
	var long []bool
	for _, r := range p.rounds {
		times[r.fault.name]++
		for _, k := range slices.Concat(r.before, r.during, r.after) {
			kills += k.times()
			again += k.times() - 1
		}
		if r.hold >= time.Minute {
			long = append(long, r.fault.away)
		}
	}
	assert.Equal(t, 50, kills)
	assert.NotZero(t, again)
	assert.Equal(t, []bool{true}, long, "one fault lasts long, and keeps Kafka away")
	for name, n := range times {
		assert.GreaterOrEqual(t, n, 5, name)
	}
}

func TestHalfOfTheKillsComeWhileKafkaIsAway(t *testing.T) {
	for seed := range uint64(100) {
		for _, kills := range []int{1, 2, 3, 13} {
			p := newPlan(seed, kills, 2, 0, []fault{{name: "gone", away: true}, {name: "slow"}})
			away, all := 0, 0
			for _, r := range p.rounds {
				for _, k := range slices.Concat(r.before, r.during, r.after) {
					all += k.times()
				}
				for _, k := range r.during {
					if r.fault.away {
						away += k.times()
					}
				}
			}
			assert.Equal(t, kills, all)
			assert.GreaterOrEqual(t, 2*away, kills, "seed %d, %d kills", seed, kills)
		}
	}
}

func TestAPlanWithoutKafkaAway(t *testing.T) {
	p := newPlan(1, 5, 1, time.Minute, []fault{{name: "cut"}})
	kills := 0
	for _, k := range slices.Concat(p.rounds[0].before, p.rounds[0].during, p.rounds[0].after) {
		kills += k.times()
	}
	assert.Equal(t, 5, kills)
}

func TestShares(t *testing.T) {
	var got []int
	for i := range 4 {
		got = append(got, share(50, 4, i))
	}
	assert.Equal(t, []int{12, 13, 12, 13}, got)
}
