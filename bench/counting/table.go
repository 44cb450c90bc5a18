//go:build unix

package main

import (
	"fmt"
	"strings"
)

// series is a run of one program.
type series struct {
	name    string // of the station, or of the control
	control bool
	outcome
}

// completenessOf are the numbers of X-Completeness.
func completenessOf(text string) map[string]int64 {
	numbers := map[string]int64{}
	for part := range strings.SplitSeq(text, ", ") {
		name, value, _ := strings.Cut(part, "=")
		var n int64
		if _, err := fmt.Sscan(value, &n); err == nil {
			numbers[name] = n
		}
	}
	return numbers
}

// complete returns why X-Completeness doesn't say that all events are counted. The one unknown
// source is that of the demo, which is no shop and never reports.
func complete(text string, events int) error {
	n := completenessOf(text)
	if n["accepted"] != int64(events) || n["counted"] != n["accepted"] || n["waiting"]+n["dead"]+n["lost"]+n["missed"]+n["late"] > 0 || n["unknown"] > 1 {
		return fmt.Errorf("the topic has %d events, X-Completeness says %q", events, text)
	}
	return nil
}

// ratio is the number of counted events ÷ accepted ones. It is rounded, so 1 alone says
// nothing: exact does.
func (v verdict) ratio() float64 { return float64(v.counted) / float64(max(1, v.events)) }
func (v verdict) exact() bool    { return v.counted == int64(v.events) }

// failures returns why the run fails the suite.
func (s series) failures() (failures []string) {
	fail := func(format string, arguments ...any) {
		failures = append(failures, s.name+": "+fmt.Sprintf(format, arguments...))
	}
	if s.missing > 0 {
		fail("%d answers and clicks are missing in the topics", s.missing)
	}
	if s.broken > 0 {
		fail("%d records can't be read", s.broken)
	}
	for what, n := range s.refused {
		fail("%d requests were answered by %s", n, what)
	}
	if s.copies == 0 || s.clicks == 0 || s.erasures == 0 {
		fail("too little happened: %d copies, %d clicks, %d erasures", s.copies, s.clicks, s.erasures)
	}
	if s.control {
		if s.exact() {
			fail("copies weren't counted: the suite can't detect them")
		}
		return failures
	}
	if !s.exact() {
		fail("%d of %d events are counted", s.counted, s.events)
	}
	if s.differing > 0 {
		fail("%d of %d rows differ from the recount", s.differing, s.rows)
	}
	if err := complete(s.complete, s.events); err != nil {
		fail("%v", err)
	}
	return failures
}

// String is the line for the log.
func (s series) String() string {
	text := fmt.Sprintf("%d kills, %d rebalances, %d faults; answers %d, clicks %d, erasures %d; missing %d, broken %d; records %d, copies %d, events %d, counted %d, counted/accepted %.6f; "+
		"rows %d, differing %d; settled in %.1f s, took %.0f s; %s; unanswered %d, refused %v", s.kills, s.rebalances, s.faults, s.answers, s.clicks, s.erasures, s.missing, s.broken,
		s.records, s.copies, s.events, s.counted, s.ratio(), s.rows, s.differing, s.settled.Seconds(), s.took.Seconds(), s.complete, s.unanswered, s.refused)
	return strings.Join(append([]string{text}, s.details...), "\n\t")
}

// table returns the results in Markdown.
func table(all []series) string {
	var text strings.Builder
	text.WriteString("| program | kills | rebalances | broker faults | answers | clicks | missing in the topics | erasures | accepted | copies | counted | counted ÷ accepted | rows | rows that differ | settled after |\n")
	text.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range all {
		ratio := "1"
		if !s.exact() {
			ratio = fmt.Sprintf("%.4f", s.ratio())
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s | %d | %d | %.0f s |\n", s.name, s.kills, s.rebalances, s.faults,
			s.answers, s.clicks, s.missing, s.erasures, s.events, s.copies, s.counted, ratio, s.rows, s.differing, s.settled.Seconds())
	}
	return text.String()
}
