//go:build unix

// Command chaos kills the shop and disturbs its Kafka while many clients search.
// Then it looks for every answered search in the topic: none may be lost, and the
// events of a keyword must be in order. It does the same to two control programs
// without that protection, where it must find losses and disorder. It writes the
// result into docs/chaos.md, which explains it. It runs in the root of the
// repository: make chaos.
//
// It starts its own Kafka from the jars in CHAOS_KAFKA_LIBS, and builds and starts
// toxiproxy in front of it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/chaos.md", "chaos")

type settings struct {
	kills, faults, runs               int
	controlKills, controlFaults       int
	clients, keywords, least, backlog int
	rate                              float64
	cluster                           bool
	seed                              uint64
	only                              string
	long, drain                       time.Duration
}

func main() {
	var s settings
	flag.IntVar(&s.kills, "kills", 50, "number of kills of the shop, over all runs")
	flag.IntVar(&s.faults, "faults", 20, "number of faults of Kafka, over all runs")
	flag.IntVar(&s.runs, "runs", 4, "number of runs, each with an empty data folder and a new topic")
	flag.IntVar(&s.controlKills, "control-kills", 6, "kills of each negative control")
	flag.IntVar(&s.controlFaults, "control-faults", 5, "faults of each negative control")
	flag.IntVar(&s.clients, "clients", 64, "number of concurrent clients")
	flag.IntVar(&s.keywords, "keywords", 100, "number of keywords")
	flag.IntVar(&s.least, "least", 100, "answers that each keyword needs in each run")
	flag.IntVar(&s.backlog, "backlog", 10_000, "records that must wait at a kill while Kafka is away")
	flag.Float64Var(&s.rate, "rate", 1000, "most searches per second")
	flag.BoolVar(&s.cluster, "cluster", true, "three brokers instead of one")
	flag.StringVar(&s.only, "only", "", `run only this row: "spool", "bypass" or "order"`)
	flag.DurationVar(&s.drain, "drain", 3*time.Minute, "longest time for all events to arrive after Kafka has recovered")
	flag.DurationVar(&s.long, "long", 75*time.Second, "shortest duration of one outage in each run")
	suite := &testbed.Suite{Name: "chaos"}
	suite.Main(func(ctx context.Context, dir string) error { return runAll(ctx, s, suite, dir) })
}

func runAll(ctx context.Context, s settings, suite *testbed.Suite, dir string) (err error) {
	begun := time.Now()
	s.seed = suite.Seed
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	place, kafka, err := newStation(ctx, s, dir, &closers)
	if err != nil {
		return err
	}
	rows, failures, err := place.runPrograms(ctx, s)
	if err != nil {
		return err
	}
	head := ""
	if suite.Full {
		head = circumstances(s, kafka.Version(), time.Since(begun))
	}
	if err := page.Report(head, table(rows, s.backlog)); err != nil {
		return err
	}
	if len(failures) > 0 {
		return errors.New("\n" + strings.Join(failures, "\n"))
	}
	return nil
}

// series are the runs of one program, with the kills and faults of all of them.
type series struct {
	name, control       string
	runs, kills, faults int
	long                time.Duration
}

// subject names the program: that of a control, or the shop.
func (r series) subject() string { return cmp.Or(r.control, "spool") }

// runPrograms runs the shop and the controls. Failures say why the suite fails; an
// error means that a run has no result.
func (s *station) runPrograms(ctx context.Context, set settings) (rows []row, failures []string, err error) {
	for _, r := range []series{
		{"spool", "", set.runs, set.kills, set.faults, set.long},
		{"control: spool bypassed", bypass, 1, set.controlKills, set.controlFaults, 0},
		{"control: order protection off", order, 1, set.controlKills, set.controlFaults, 0},
	} {
		if set.only != "" && set.only != r.subject() {
			continue
		}
		done, err := s.runSeries(ctx, r, set.seed)
		if err != nil {
			return nil, nil, err
		}
		rows, failures = append(rows, done), append(failures, done.failures()...)
		if r.control == "" {
			failures = append(failures, done.shortcomings()...)
		}
	}
	return rows, failures, nil
}

// runSeries builds the program and carries out a plan for each run.
func (s *station) runSeries(ctx context.Context, r series, seed uint64) (row, error) {
	done := row{name: r.name, control: r.control}
	program := filepath.Join(s.dir, "event-books-"+r.subject())
	if err := testbed.Build(ctx, program, r.control, "CGO_ENABLED=0"); err != nil {
		return done, err
	}
	for i := range r.runs {
		p := newPlan(seed+uint64(i), share(r.kills, r.runs, i), share(r.faults, r.runs, i), r.long, s.faults)
		o, err := s.run(ctx, subject{r.subject(), program, r.control}, p)
		if err != nil {
			return done, fmt.Errorf("%s, seed %d: %w", r.name, p.seed, err)
		}
		done.runs = append(done.runs, o)
		log.Printf("%s-%d: %s", r.subject(), p.seed, o)
	}
	return done, nil
}

// share returns the i-th of n nearly equal parts of a whole.
func share(whole, n, i int) int { return whole*(i+1)/n - whole*i/n }

// newStation starts Kafka and the proxies. Even after an error, closers end what was
// started.
func newStation(ctx context.Context, s settings, dir string, closers *testbed.Closers) (place *station, kafka *testbed.Kafka, err error) {
	libs := os.Getenv("CHAOS_KAFKA_LIBS")
	if libs == "" {
		return nil, nil, errors.New("set CHAOS_KAFKA_LIBS to the folder of Apache Kafka's jars; see " + page.File)
	}
	port := 19492
	if text := os.Getenv("CHAOS_KAFKA_PORT"); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, nil, fmt.Errorf("CHAOS_KAFKA_PORT: %w", err)
		}
	}
	brokers := 1
	if s.cluster {
		brokers = 3
	}
	var fronts, behind []string
	for i := range brokers {
		fronts = append(fronts, local(port+3*brokers+i))
	}
	if kafka, err = testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: dir, Port: port, Fronts: fronts}); err != nil {
		return nil, nil, fmt.Errorf("CHAOS_KAFKA_PORT=%d: %w", port, err)
	}
	closers.Add(kafka.Kill)
	for _, b := range kafka.Brokers {
		behind = append(behind, b.Behind)
	}
	proxies, err := startProxies(ctx, dir, local(port+4*brokers), fronts, behind)
	if err != nil {
		return nil, nil, err
	}
	closers.Add(proxies.close)
	keywords, err := keywordsOf(s.keywords)
	if err != nil {
		return nil, nil, err
	}
	place = &station{
		brokers: fronts, direct: kafka.Addresses(), faults: faultsOf(kafka, proxies),
		keywords: keywords, clients: s.clients, rate: s.rate, least: s.least, backlog: s.backlog, drain: s.drain, quiet: 15 * time.Second, dir: dir,
	}
	return place, kafka, kafka.Start(ctx)
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// String is the line for the log.
func (o outcome) String() string {
	text := fmt.Sprintf("%d kills, %d of them with a backlog, %d faults; answered %d, found %d (%d of them dead letters), lost %d, copies %d, order violations %d, broken %d; "+
		"unanswered searches with an event %d, keys in several partitions %d; drained in %.1f s, slowest restart %.1f s, %.0f searches/s; refused %v",
		o.kills, o.piled, o.faults, o.answered, o.found, o.dead, o.lost, o.copies, o.violations, o.broken,
		o.extra, o.moved, o.drained.Seconds(), o.restart.Seconds(), rate(o), o.refused)
	return strings.Join(append([]string{text}, o.details...), "\n\t")
}

// circumstances says when, where and with which versions the table was made.
func circumstances(s settings, kafkaVersion string, took time.Duration) string {
	brokers := "one broker"
	if s.cluster {
		brokers = "three brokers"
	}
	return fmt.Sprintf("Made on %s by `make chaos` with seed %d in %.0f minutes, on %s, with Apache Kafka %s (%s), toxiproxy %s, and %s.",
		time.Now().UTC().Format(time.DateOnly), s.seed, took.Minutes(), testbed.Machine(), kafkaVersion, brokers,
		testbed.ModuleVersion(toxiproxyModule), testbed.GoVersion())
}
