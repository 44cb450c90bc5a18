// Command report reads the output of go test -json. It prints the output of failed
// tests, the results for each server or client, and the skipped tests with their
// reasons. It fails if a test or a package failed, if no test passed, or if a test was skipped that
// -allow doesn't match.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// legs are the servers and clients that tests run against, by the name of the
// subtest.
var legs = []string{"SQLite", "MariaDB", "MySQL", "embedded", "Kafka", "TLS", "kafka-console-consumer", "kafka-python", "confluent-kafka", "kafkajs", "franz-go", "sarama", "kcat", "AsyncAPI", "schemathesis"}

func main() {
	log.SetFlags(0)
	allow := flag.String("allow", "", "which skipped tests are no failure: a regular expression on name and reason; empty = all")
	flag.Parse()
	allowed, err := regexp.Compile(*allow)
	if err != nil {
		log.Fatal("-allow: ", err)
	}
	r, err := read(os.Stdin)
	if err != nil {
		log.Fatal("report: ", err)
	}
	if !r.print(os.Stdout, allowed) {
		os.Exit(1)
	}
}

// event is a line of go test -json: see go doc test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// result is what became of a test, or of a package if test is empty.
type result struct {
	pkg, test, action, output string
}

func (r *result) name() string { return strings.TrimSuffix(r.pkg+" "+r.test, " ") }

type report struct {
	results []*result
	passed  int
	failed  int
	skipped []*result
}

func read(input io.Reader) (*report, error) {
	r := &report{}
	running := map[string]*result{}
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // of the compiler
			continue
		}
		key := e.Package + " " + e.Test
		if running[key] == nil {
			running[key] = &result{pkg: e.Package, test: e.Test}
		}
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "output":
			running[key].output += e.Output
		case "pass", "fail", "skip":
			running[key].action = e.Action
			r.add(running[key])
			delete(running, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(running)) {
		if unfinished := running[key]; unfinished.test != "" {
			unfinished.action = "fail"
			r.add(unfinished)
		}
	}
	return r, lines.Err()
}

func (r *report) add(one *result) {
	if one.test == "" && one.action != "fail" {
		fmt.Print(lastLine(one.output))
		return
	}
	r.results = append(r.results, one)
	switch one.action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
	case "skip":
		r.skipped = append(r.skipped, one)
	}
}

func lastLine(output string) string {
	lines := strings.SplitAfter(strings.TrimRight(output, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}

// reason returns what a skipped test said.
func (r *result) reason() string {
	var said []string
	for line := range strings.Lines(r.output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

// print reports whether all is well.
func (r *report) print(w io.Writer, allowed *regexp.Regexp) bool {
	for _, one := range r.results {
		if one.action == "fail" {
			fmt.Fprintf(w, "\nFAIL %s\n%s", one.name(), one.output)
		}
	}
	fmt.Fprintln(w)
	for _, leg := range legs {
		passed, skipped := r.count(leg, "pass"), r.count(leg, "skip")
		fmt.Fprintf(w, "%s: %d passed, %d skipped\n", leg, passed, skipped)
	}
	well := r.failed == 0 && r.passed > 0
	for _, one := range r.skipped {
		mark := "skipped"
		if text := one.name() + ": " + one.reason(); !allowed.MatchString(text) {
			mark, well = "skipped, which is not allowed here", false
		}
		fmt.Fprintf(w, "%s: %s: %s\n", mark, one.name(), one.reason())
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skipped))
	return well
}

// count counts the tests of a leg.
func (r *report) count(leg, action string) (n int) {
	for _, one := range r.results {
		if one.action == action && slices.Contains(strings.Split(one.test, "/"), leg) {
			n++
		}
	}
	return n
}
