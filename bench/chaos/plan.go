//go:build unix

package main

import (
	"math/rand/v2"
	"time"
)

// plan is the order of events in a run, with the pauses between them. The same
// numbers and the same seed give the same plan. The exact moments depend on the
// machine.
type plan struct {
	seed   uint64
	rounds []round
}

// kill kills the shop. pause is the time since searches are answered again, or since
// the start of the phase.
type kill struct {
	pause time.Duration
	// again is the time from the restart to a second kill, before searches are
	// answered; 0 = no second kill.
	again time.Duration
}

// round is a fault and the kills around it.
type round struct {
	fault fault
	calm  time.Duration // before the fault
	hold  time.Duration // shortest duration of the fault
	// before are the kills while Kafka works, after the calm. during are the kills
	// during the fault; if Kafka is away, each waits for enough waiting records.
	// after are the kills while the waiting records are sent.
	before, during, after []kill
}

// newPlan uses every fault once before it repeats one. The first fault that keeps
// Kafka away lasts at least long. If there is such a fault, half of the kills happen
// while Kafka is away; the others happen anywhere.
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
			if rng.IntN(3) > 0 { // without a calm, the records of the fault before are still being sent
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

// times returns the number of kills, 1 or 2.
func (k kill) times() int {
	if k.again > 0 {
		return 2
	}
	return 1
}

func rand64(rng *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(below)))
}
