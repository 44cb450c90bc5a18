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

// kill ends the shop so long after searches are answered again, or after what it
// belongs to began.
type kill struct {
	pause time.Duration
	// again: it is killed once more before it answers, so long after its start.
	again time.Duration // 0 = not
}

// round is one fault with the kills around it.
type round struct {
	fault fault
	calm  time.Duration // before the fault
	hold  time.Duration // the least that it lasts
	// before: while Kafka is well, after the calm. during: while the fault lasts; if
	// Kafka is away, each once enough records wait. after: while the records
	// that waited are being sent.
	before, during, after []kill
}

// newPlan takes every fault before it takes one again; the first that keeps
// Kafka away lasts for long at least. Half of the kills come while Kafka is away,
// if some fault keeps it away, and the others anywhere.
func newPlan(seed uint64, kills, faults int, long time.Duration, known []fault) *plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	span := func(least, most time.Duration) time.Duration { return least + rand64(rng, most-least) }
	p := &plan{seed: seed}
	var away, there []*round
	for len(p.rounds) < faults {
		for _, i := range rng.Perm(len(known)) {
			if len(p.rounds) == faults {
				break
			}
			r := round{fault: known[i], hold: span(3*time.Second, 12*time.Second)}
			if rng.IntN(3) > 0 { // else what the fault before has held up is still being sent
				r.calm = span(time.Second, 4*time.Second)
			}
			p.rounds = append(p.rounds, r)
		}
	}
	for i := range p.rounds {
		if r := &p.rounds[i]; r.fault.away {
			away = append(away, r)
		} else {
			there = append(there, r)
		}
	}
	if len(away) > 0 {
		away[0].hold = max(away[0].hold, long)
	}
	turn, whileAway := 0, 0
	for given := 0; given < kills; {
		k := kill{pause: span(0, 3*time.Second)}
		now := len(away) > 0 && 2*whileAway <= given
		if given+2 <= kills && (now || 2*whileAway >= given+2) && rng.IntN(3) == 0 {
			k.again = span(time.Millisecond, 200*time.Millisecond)
		}
		given += k.times()
		r, list := &p.rounds[rng.IntN(len(p.rounds))], rng.IntN(3)
		if now {
			whileAway += k.times()
			r, list = away[turn%len(away)], 2
			turn++
		} else if list == 2 && len(there) > 0 {
			r = there[rng.IntN(len(there))]
		}
		switch list {
		case 0:
			r.before = append(r.before, k)
		case 1:
			r.after = append(r.after, k)
		default:
			r.during = append(r.during, k)
		}
	}
	return p
}

// times is how often the shop is killed.
func (k kill) times() int {
	if k.again > 0 {
		return 2
	}
	return 1
}

func rand64(rng *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(below)))
}
