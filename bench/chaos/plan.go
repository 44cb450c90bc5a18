//go:build unix

package main

import (
	"math/rand/v2"
	"time"
)

// plan says what happens in a run, in which order and after how long. The same
// numbers and the same seed give the same plan; the moments themselves depend
// on the machine.
type plan struct {
	seed   uint64
	rounds []round
}

// round is one fault with the kills around it. A kill is given by how long
// after the one before it comes, or after what the list belongs to began.
type round struct {
	fault fault
	calm  time.Duration // before the fault
	hold  time.Duration // the least that it lasts
	// before: while Kafka is well, after the calm. during: while the fault lasts; if
	// Kafka is away, each once enough records wait. after: while the records
	// that waited are being sent.
	before, during, after []time.Duration
}

// newPlan takes every fault before it takes one again. Half of the kills come
// while Kafka is away, if some fault keeps it away, and the others anywhere.
func newPlan(seed uint64, kills, faults int, known []fault) *plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	span := func(least, most time.Duration) time.Duration { return least + rand64(rng, most-least) }
	p := &plan{seed: seed}
	var away, there []*round
	for len(p.rounds) < faults {
		for _, i := range rng.Perm(len(known)) {
			if len(p.rounds) == faults {
				break
			}
			p.rounds = append(p.rounds, round{fault: known[i], calm: span(time.Second, 4*time.Second), hold: span(3*time.Second, 8*time.Second)})
		}
	}
	for i := range p.rounds {
		if r := &p.rounds[i]; r.fault.away {
			away = append(away, r)
		} else {
			there = append(there, r)
		}
	}
	for i := range kills {
		moment := span(0, 3*time.Second)
		if len(away) > 0 && i%2 == 0 {
			r := away[i/2%len(away)]
			r.during = append(r.during, moment)
			continue
		}
		r := &p.rounds[rng.IntN(len(p.rounds))]
		switch rng.IntN(3) {
		case 0:
			r.before = append(r.before, moment)
		case 1:
			r.after = append(r.after, moment)
		default:
			if len(there) > 0 {
				r = there[rng.IntN(len(there))]
			}
			r.during = append(r.during, moment)
		}
	}
	return p
}

func rand64(rng *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(below)))
}
