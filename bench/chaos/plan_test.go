//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAPlanCanBeRepeated(t *testing.T) {
	known := []fault{{name: "gone", away: true}, {name: "slow"}, {name: "frozen", away: true}, {name: "cut"}}
	p := newPlan(7, 50, 21, known)
	assert.Equal(t, p, newPlan(7, 50, 21, known))
	assert.NotEqual(t, p, newPlan(8, 50, 21, known))

	assert.Len(t, p.rounds, 21)
	kills, away := 0, 0
	times := map[string]int{}
	for _, r := range p.rounds {
		times[r.fault.name]++
		kills += len(r.before) + len(r.during) + len(r.after)
		if r.fault.away {
			away += len(r.during)
		}
		assert.GreaterOrEqual(t, r.hold, time.Second)
	}
	assert.Equal(t, 50, kills)
	assert.Equal(t, 25, away, "half of the kills come while Kafka is away")
	for name, n := range times {
		assert.GreaterOrEqual(t, n, 5, name)
	}
}

func TestAPlanWithoutKafkaAway(t *testing.T) {
	p := newPlan(1, 5, 1, []fault{{name: "cut"}})
	r := p.rounds[0]
	assert.Equal(t, 5, len(r.before)+len(r.during)+len(r.after))
}

func TestShares(t *testing.T) {
	var got []int
	for i := range 4 {
		got = append(got, share(50, 4, i))
	}
	assert.Equal(t, []int{12, 13, 12, 13}, got)
}
