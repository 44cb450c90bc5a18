//go:build unix

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is the result of all runs of one program.
type row struct {
	name string
	// control is the name of a control program. The judge must find its faults.
	control string
	runs    []outcome
}

const (
	// The control programs.
	bypass = "bypass"
	order  = "order"
)

// sums adds up the runs.
func (r row) sums() (s outcome) {
	for _, o := range r.runs {
		s.faults += o.faults
		s.kills += o.kills
		s.piled += o.piled
		s.answered += o.answered
		s.found += o.found
		s.dead += o.dead
		s.lost += o.lost
		s.copies += o.copies
		s.extra += o.extra
		s.violations += o.violations
		s.broken += o.broken
		s.uptime += o.uptime
		s.took = append(s.took, o.took...)
		s.drained = max(s.drained, o.drained)
		s.restart = max(s.restart, o.restart)
	}
	slices.Sort(s.took)
	return s
}

// percentile returns the percentile p, from 0 to 1, of durations in ascending order.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// failures returns why the row fails the suite.
func (r row) failures() (failures []string) {
	fail := func(format string, arguments ...any) {
		failures = append(failures, r.name+": "+fmt.Sprintf(format, arguments...))
	}
	s := r.sums()
	switch r.control {
	case bypass:
		if s.lost == 0 {
			fail("nothing was lost: the suite can't detect losses")
		}
		return failures
	case order:
		if s.violations == 0 {
			fail("no order was violated: the suite can't detect violations")
		}
		return failures
	}
	if s.lost > 0 {
		fail("%d answered searches are lost", s.lost)
	}
	if s.violations > 0 {
		fail("%d order violations", s.violations)
	}
	if s.broken > 0 {
		fail("%d records are wrong", s.broken)
	}
	for _, o := range r.runs {
		for what, n := range o.refused {
			fail("seed %d: %d searches were answered by %s", o.seed, n, what)
		}
	}
	return failures
}

// leastRate is the lowest acceptable number of searches per second.
const leastRate = 200

// shortcomings returns why the load on the shop was too low.
func (r row) shortcomings() (shortcomings []string) {
	s := r.sums()
	if 2*s.piled < s.kills {
		shortcomings = append(shortcomings, fmt.Sprintf("%s: enough records waited at only %d of %d kills", r.name, s.piled, s.kills))
	}
	if rate(s) < leastRate {
		shortcomings = append(shortcomings, fmt.Sprintf("%s: only %.0f searches/s", r.name, rate(s)))
	}
	return shortcomings
}

// table returns the result in Markdown.
func table(rows []row, backlog int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| program | runs | kills | with %d waiting | faults | answered | found | lost | copies | order violations | slowest search | p99 | searches/s | longest drain |\n", backlog)
	text.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		s := r.sums()
		piled := fmt.Sprint(s.piled)
		if r.control == bypass {
			piled = "–" // without the spool, no records wait
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %s | %d | %d | %d | %d | %d | %d | %s | %d ms | %.0f | %.0f s |\n", r.name, len(r.runs),
			s.kills, piled, s.faults, s.answered, s.found, s.lost, s.copies, s.violations,
			seconds(percentile(s.took, 1)), percentile(s.took, 0.99).Milliseconds(), rate(s), s.drained.Seconds())
	}
	return text.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// rate returns the answered searches per second of uptime.
func rate(o outcome) float64 {
	if o.uptime == 0 {
		return 0
	}
	return float64(o.answered) / o.uptime.Seconds()
}
