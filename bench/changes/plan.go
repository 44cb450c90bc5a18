//go:build unix

package main

import (
	"math/rand/v2"
	"time"
)

// plan is the order of kills and outages in a run, with the pauses between them. The same
// numbers and the same seed give the same plan. The exact moments depend on the machine.
type plan struct {
	seed   uint64
	rounds []round
}

// round is an outage of Kafka, unless hold is 0, and the kills around it.
type round struct {
	before, during, after []kill
	hold                  time.Duration // shortest duration of the outage
}

// kill kills instances, and starts them again at once.
type kill struct {
	pause time.Duration
	// victims are the numbers of the instances. again is the time from the restart to a
	// second kill, before the instance is ready; 0 = no second kill.
	victims []int
	again   time.Duration
}

// times returns the number of killed processes.
func (k kill) times() int {
	if k.again > 0 {
		return 2 * len(k.victims)
	}
	return len(k.victims)
}

// newPlan spreads at least kills kills over the outages. If there is no outage, they all
// happen while Kafka is there.
func newPlan(seed uint64, kills, outages int) *plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	span := func(least, most time.Duration) time.Duration {
		return least + time.Duration(rng.Int64N(int64(most-least)))
	}
	p := &plan{seed: seed, rounds: make([]round, max(outages, 1))}
	if outages > 0 {
		for i := range p.rounds {
			p.rounds[i].hold = span(2*time.Second, 8*time.Second)
		}
	}
	for given, turn := 0, 0; given < kills; turn++ {
		k := kill{pause: span(0, 2500*time.Millisecond), victims: []int{rng.IntN(instances)}}
		switch rng.IntN(6) {
		case 0:
			k.victims = []int{0, 1}
		case 1:
			k.again = span(time.Millisecond, 300*time.Millisecond)
		}
		given += k.times()
		r := &p.rounds[turn%len(p.rounds)]
		switch place := rng.IntN(3); {
		case place == 0:
			r.before = append(r.before, k)
		case place == 1 && r.hold > 0:
			r.during = append(r.during, k)
		default:
			r.after = append(r.after, k)
		}
	}
	return p
}
