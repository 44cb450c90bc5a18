//go:build unix

package main

import (
	"fmt"
	"strings"
)

// row is the result of a program in the crash suite.
type row struct {
	program string
	outcome
}

// failures returns why the row fails the suite.
func (r row) failures() (failures []string) {
	fail := func(format string, arguments ...any) {
		failures = append(failures, r.program+": "+fmt.Sprintf(format, arguments...))
	}
	if r.program != product {
		if r.unequal() == 0 {
			fail("all copies agree: the suite can't detect that they don't")
		}
		return failures
	}
	if r.unequal() > 0 {
		fail("the copies differ: topic %d, API %d, search %d, totals %d", r.topic, r.api, r.search, r.totals)
	}
	if r.lost > 0 {
		fail("%d answered writes are lost", r.lost)
	}
	for what, n := range r.refused {
		fail("%d requests were answered by %s", n, what)
	}
	return failures
}

// crashTable returns the results in Markdown.
func crashTable(rows []row) string {
	if len(rows) == 0 {
		return ""
	}
	names := map[string]string{product: "the program", outside: "control: outbox outside the transaction", unversioned: "control: versions not compared"}
	var text strings.Builder
	text.WriteString("| program | kills | of them without Kafka | Kafka stopped | writes answered | by another program | imports (killed) | reads | books compared | of them deleted | topic differs | API differs | search differs | totals differ | answered writes lost | settled after |\n")
	text.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s | %d | %d | %d | %d | %d | %d (%d) | %d | %d | %d | %d | %d | %d | %d | %d | %.1f s |\n", names[r.program],
			r.kills, r.away, r.outages, r.answered, r.foreign, r.imports, r.killedImports, r.reads, r.books+r.deleted, r.deleted,
			r.topic, r.api, r.search, r.totals, r.lost, r.settle.Seconds())
	}
	return text.String()
}
