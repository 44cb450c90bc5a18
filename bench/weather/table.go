//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"
)

// aSecond is what "about a second" means for a search of ours: the second that
// it waits for Kafka, and the search itself on a busy machine.
const aSecond = 1200 * time.Millisecond

// row is what one weather did.
type row struct {
	weather        string
	tutorial, ours outcome
	broken         []string // promises of ours
}

// outcome is what it did to one program.
type outcome struct {
	notStarted bool
	slowest    time.Duration
	answered   int // with 200 and books
	arrived    int // of the searches' events, each counted once
	copies     int // of those that arrived
	// By ours' own count.
	unconfirmed, lost int64
}

// broken tells which promises of ours were not kept.
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

// table is the result in Markdown.
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
