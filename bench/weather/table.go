//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"
)

// aSecond is the limit for the promise that a search takes about a second: one second of
// waiting for Kafka, and the search itself on a busy machine.
const aSecond = 1200 * time.Millisecond

// row is the result of one weather.
type row struct {
	weather        string
	tutorial, ours outcome
	broken         []string // promises that this program broke
}

// outcome is the result for one program.
type outcome struct {
	notStarted bool
	slowest    time.Duration
	answered   int // searches answered with 200 and books
	arrived    int // events in the topic, without copies
	copies     int // copies of events in the topic
	// unconfirmed and lost come from this program's own statistics.
	unconfirmed, lost int64
}

// broken returns the promises that this program broke.
func (o outcome) broken() (broken []string) {
	if o.answered < searches {
		broken = append(broken, fmt.Sprintf("only %d of %d searches were answered", o.answered, searches))
	}
	if o.slowest > aSecond {
		broken = append(broken, "a search took "+o.wait())
	}
	if o.arrived < searches {
		broken = append(broken, fmt.Sprintf("only %d of %d events arrived", o.arrived, searches))
	}
	if n := o.unconfirmed + o.lost; n > 0 {
		broken = append(broken, fmt.Sprintf("%d events are counted as unconfirmed or lost", n))
	}
	return broken
}

func (o outcome) wait() string {
	switch {
	case o.notStarted:
		return "does not start"
	case o.slowest >= searchBound:
		return fmt.Sprintf("> %.0f s", searchBound.Seconds())
	case o.slowest >= 10*time.Second:
		return fmt.Sprintf("%.0f s", o.slowest.Seconds())
	}
	return fmt.Sprintf("%.2f s", o.slowest.Seconds())
}

func (o outcome) arrivals() string {
	text := fmt.Sprintf("%d of %d", o.arrived, searches)
	if o.copies > 0 {
		text += fmt.Sprintf(", and %d copies", o.copies)
	}
	return text
}

// table returns the result in Markdown.
func table(rows []row) string {
	var text strings.Builder
	text.WriteString("| weather | tutorial: slowest search | answered | arrived | ours: slowest search | answered | arrived | unconfirmed | lost |\n")
	text.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s | %s | %d of %d | %s | %s | %d of %d | %s | %d | %d |\n", r.weather,
			r.tutorial.wait(), r.tutorial.answered, searches, r.tutorial.arrivals(),
			r.ours.wait(), r.ours.answered, searches, r.ours.arrivals(), r.ours.unconfirmed, r.ours.lost)
	}
	return text.String()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
