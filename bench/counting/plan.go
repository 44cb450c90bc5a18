//go:build unix

package main

import (
	"math/rand/v2"
	"time"
)

// plan is what happens in a run. The same numbers and the same seed give the same plan. The
// exact moments depend on the machine.
type plan struct {
	seed   uint64
	rounds []round
}

// round is a fault of a broker, with kills around it. Meanwhile a guest joins the group of
// consumers.
type round struct {
	// fault is the number of a fault, or -1 for none.
	fault int
	calm  time.Duration // before the fault
	hold  time.Duration // shortest duration of the fault
	// before, during and after are the kills around the fault.
	before, during, after []kill
	guest                 *visit // nil for none
}

// kill kills a process, and starts it again at once.
type kill struct {
	pause time.Duration
	// victim is the number of the process, in a list of all that may be killed.
	victim int
	// again is the time from the restart to a second kill; 0 = no second kill.
	again time.Duration
}

// times returns the number of kills, 1 or 2.
func (k kill) times() int {
	if k.again > 0 {
		return 2
	}
	return 1
}

// visit is a further consumer that joins the group, stays, and leaves.
type visit struct {
	stay time.Duration
	// frozen is how long its process is stopped in between; 0 = not at all.
	frozen time.Duration
}

// size is how much happens in a run.
type size struct {
	kills, rebalances, faults int
	// slow scales all pauses.
	slow float64
}

// newPlan spreads kills, guests and faults over rounds. Every kind of fault comes once before
// one comes again; every other guest is frozen.
func newPlan(seed uint64, n size, kinds, victims int) *plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	span := func(least, most time.Duration) time.Duration {
		return time.Duration(n.slow * float64(least+time.Duration(rng.Int64N(int64(most-least)))))
	}
	p := &plan{seed: seed, rounds: make([]round, max(1, n.rebalances, n.faults))}
	var order []int
	for i := range p.rounds {
		r := &p.rounds[i]
		r.calm, r.hold, r.fault = span(time.Second, 4*time.Second), span(3*time.Second, 10*time.Second), -1
		if len(order) == 0 {
			order = rng.Perm(kinds)
		}
		if i < n.faults {
			r.fault, order = order[0], order[1:]
		}
		if i < n.rebalances {
			r.guest = &visit{stay: span(time.Second, 4*time.Second)}
			if i%2 == 1 {
				r.guest.frozen = frozenFor
			}
		}
	}
	for given := 0; given < n.kills; {
		k := kill{pause: span(0, 4*time.Second), victim: rng.IntN(victims)}
		if n.kills-given > 1 && rng.IntN(5) == 0 {
			k.again = span(time.Millisecond, 500*time.Millisecond)
		}
		r := &p.rounds[given%len(p.rounds)]
		list := []*[]kill{&r.before, &r.during, &r.after}[rng.IntN(3)]
		*list = append(*list, k)
		given += k.times()
	}
	return p
}
