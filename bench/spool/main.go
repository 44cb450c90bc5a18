//go:build unix

// Command spool measures the cost of losing no search. It compares searches with events
// and searches without, in one run on one machine, while Kafka works, is stopped and is
// black-holed. It writes the table into docs/spool.md, which explains it. It runs in the
// root of the repository: make bench.
//
// It starts its own Apache Kafka from the jars in BENCH_KAFKA_LIBS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/spool.md", "bench")

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		if err := serve(os.Args[2:]); err != nil {
			log.Fatal("serve: ", err)
		}
		return
	}
	only := flag.String("only", "", "measure only figures with this text in the name, and don't write the page")
	window := flag.Duration("window", 6*time.Second, "duration of each of the alternating measurements")
	rounds := flag.Int("rounds", 5, "number of alternations")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	if err := measureAll(ctx, *only, *window, *rounds); err != nil {
		stop()
		log.Fatal("bench: ", err)
	}
}

// station holds the servers of all measurements.
type station struct {
	dir       string
	kafka     *testbed.Kafka
	forwarder *testbed.Forwarder
	// direct is Kafka's address, forwarded the forwarder's.
	direct, forwarded string
	window            time.Duration
	rounds            int
}

func measureAll(ctx context.Context, only string, window time.Duration, rounds int) (err error) {
	dir, err := os.MkdirTemp("", "bench-spool-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	libs := os.Getenv("BENCH_KAFKA_LIBS")
	if libs == "" {
		return errors.New("set BENCH_KAFKA_LIBS to the folder of Apache Kafka's jars; see " + page.File)
	}
	port := 19592
	if text := os.Getenv("BENCH_KAFKA_PORT"); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("BENCH_KAFKA_PORT: %w", err)
		}
	}
	front := fmt.Sprintf("127.0.0.1:%d", port+3)
	kafka, err := testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: dir, Port: port, Fronts: []string{front}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.Kill()) }()
	forwarder, err := testbed.NewForwarder(front, kafka.Brokers[0].Behind)
	if err != nil {
		return err
	}
	defer forwarder.Close()
	if err := kafka.Start(ctx); err != nil {
		return err
	}
	s := &station{
		dir: dir, kafka: kafka, forwarder: forwarder, window: window, rounds: rounds,
		direct: kafka.Brokers[0].Address, forwarded: front,
	}
	var rows []row
	for _, m := range s.measurements() {
		if only != "" && !strings.Contains(m.name, only) {
			continue
		}
		log.Print(m.name)
		found, err := m.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range found {
			log.Print(r)
		}
		rows = append(rows, found...)
	}
	head := ""
	if only == "" {
		head = fmt.Sprintf("Measured on %s, %s, Apache Kafka %s on the same machine, %s.",
			testbed.Machine(), testbed.GoVersion(), kafka.Version(), time.Now().UTC().Format(time.DateOnly))
	}
	return page.Report(head, table(rows))
}

// nothing marks a figure without a target, which is shown for comparison.
const nothing = "–"

// row is a line of the table.
type row struct {
	figure  string
	reach   string
	value   string
	reached bool
	beside  string
}

func (r row) String() string {
	return fmt.Sprintf("%s: %s (%s) %s", r.figure, r.value, r.reach, r.beside)
}

// atLeast and atMost return the row of a value with a lower or an upper target.
func atLeast(figure string, least, value float64, beside string) row {
	reach := fmt.Sprintf("≥ %g", least)
	if least == 0 {
		reach = nothing
	}
	return row{figure, reach, fmt.Sprintf("%.2f", value), value >= least, beside}
}

func atMost(figure string, most, value float64, unit, beside string) row {
	return row{figure, fmt.Sprintf("≤ %g%s", most, unit), fmt.Sprintf("%.2f%s", value, unit), value <= most, beside}
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| figure | reach | measured | | beside it |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		mark := "reached"
		switch {
		case r.reach == nothing:
			mark = nothing
		case !r.reached:
			mark = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.figure, r.reach, r.value, mark, r.beside)
	}
	return b.String()
}

// folder creates a folder for a server.
func (s *station) folder() (string, error) { return os.MkdirTemp(s.dir, "server-") }
