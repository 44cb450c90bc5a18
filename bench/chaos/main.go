//go:build unix

// Command chaos kills the shop and strikes its Kafka while many clients
// search, and then looks for every answered search in the topic: none may be
// lost, and those of a keyword have to be in order. It does the same to
// programs whose protection is turned off, where it has to find losses and
// disorder. The result goes into docs/chaos.md, which explains it. It runs in
// the root of the repository: make chaos.
//
// It starts a Kafka of its own from the jars in CHAOS_KAFKA_LIBS, and
// toxiproxy in front of it, which it builds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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
	keep                              bool
}

func main() {
	var s settings
	flag.IntVar(&s.kills, "kills", 50, "kill the shop so often, over all runs")
	flag.IntVar(&s.faults, "faults", 20, "strike Kafka so often, over all runs")
	flag.IntVar(&s.runs, "runs", 4, "begin so often with an empty data folder and a new topic")
	flag.IntVar(&s.controlKills, "control-kills", 6, "kills of each negative control")
	flag.IntVar(&s.controlFaults, "control-faults", 5, "faults of each negative control")
	flag.IntVar(&s.clients, "clients", 64, "search with so many at once")
	flag.IntVar(&s.keywords, "keywords", 100, "search for so many keywords")
	flag.IntVar(&s.least, "least", 100, "answers that each keyword has to have in each run")
	flag.IntVar(&s.backlog, "backlog", 10_000, "records that have to wait at a kill while Kafka is away")
	flag.Float64Var(&s.rate, "rate", 1000, "searches in a second, at most")
	flag.BoolVar(&s.cluster, "cluster", true, "three brokers instead of one")
	flag.Uint64Var(&s.seed, "seed", 0, "repeat the plan of this seed; 0 draws one")
	flag.StringVar(&s.only, "only", "", `only this row: "spool", "bypass" or "order"`)
	flag.DurationVar(&s.drain, "drain", 3*time.Minute, "how long everything may take to arrive once Kafka is well")
	flag.DurationVar(&s.long, "long", 75*time.Second, "how long Kafka is away once in each run, at least")
	flag.BoolVar(&s.keep, "keep", false, "leave the logs behind")
	flag.Parse()
	full := true
	flag.Visit(func(f *flag.Flag) { full = full && (f.Name == "seed" || f.Name == "keep") })
	if s.seed == 0 {
		s.seed = rand.Uint64N(1_000_000) + 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	if err := runAll(ctx, s, full); err != nil {
		stop()
		log.Fatal("chaos: ", err)
	}
}

func runAll(ctx context.Context, s settings, full bool) (err error) {
	begun := time.Now()
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !s.keep {
			err = os.RemoveAll(dir)
		} else {
			log.Print("the logs are in ", dir)
		}
	}()
	log.Print("seed ", s.seed)
	place, kafka, closeStation, err := newStation(ctx, s, dir)
	defer func() { err = errors.Join(err, closeStation()) }()
	if err != nil {
		return err
	}

	var rows []row
	var failures []string
	for _, r := range []struct {
		name, control       string
		runs, kills, faults int
		long                time.Duration
	}{
		{"spool", "", s.runs, s.kills, s.faults, s.long},
		{"control: spool bypassed", bypass, 1, s.controlKills, s.controlFaults, 0},
		{"control: order protection off", order, 1, s.controlKills, s.controlFaults, 0},
	} {
		short := r.control
		if short == "" {
			short = "spool"
		}
		if s.only != "" && s.only != short {
			continue
		}
		program := filepath.Join(dir, "event-books-"+short)
		if err := build(ctx, program, r.control, "CGO_ENABLED=0"); err != nil {
			return err
		}
		done := row{name: r.name, control: r.control}
		for i := range r.runs {
			p := newPlan(s.seed+uint64(i), share(r.kills, r.runs, i), share(r.faults, r.runs, i), r.long, place.faults)
			o, err := place.run(ctx, subject{short, program, r.control}, p)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", r.name, p.seed, err)
			}
			done.runs = append(done.runs, o)
			log.Printf("%s-%d: %s", short, p.seed, o)
		}
		rows, failures = append(rows, done), append(failures, done.failures()...)
		if r.control == "" {
			failures = append(failures, done.shortcomings()...)
		}
	}
	result := table(rows, s.backlog)
	if full {
		result = circumstances(s, kafka.Version(), time.Since(begun)) + "\n\n" + result
		if err := page.Write(result); err != nil {
			return err
		}
	}
	fmt.Println(result)
	if len(failures) > 0 {
		return errors.New("\n" + strings.Join(failures, "\n"))
	}
	return nil
}

// share is the i-th of n parts of a whole.
func share(whole, n, i int) int { return whole*(i+1)/n - whole*i/n }

// newStation prepares what all runs need. What it returns to close is never
// nil.
func newStation(ctx context.Context, s settings, dir string) (place *station, kafka *testbed.Kafka, closeAll func() error, err error) {
	var closers []func() error
	closeAll = func() (err error) {
		for i := range closers {
			err = errors.Join(err, closers[len(closers)-1-i]())
		}
		return err
	}
	libs := os.Getenv("CHAOS_KAFKA_LIBS")
	if libs == "" {
		return nil, nil, closeAll, errors.New("set CHAOS_KAFKA_LIBS to the folder of Apache Kafka's jars; see " + page.File)
	}
	port := 19492
	if text := os.Getenv("CHAOS_KAFKA_PORT"); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, nil, closeAll, fmt.Errorf("CHAOS_KAFKA_PORT: %w", err)
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
		return nil, nil, closeAll, fmt.Errorf("CHAOS_KAFKA_PORT=%d: %w", port, err)
	}
	closers = append(closers, kafka.Kill)
	for _, b := range kafka.Brokers {
		behind = append(behind, b.Behind)
	}
	proxies, err := startProxies(ctx, dir, local(port+4*brokers), fronts, behind)
	if err != nil {
		return nil, nil, closeAll, err
	}
	closers = append(closers, proxies.close)
	keywords, err := keywordsOf(s.keywords)
	if err != nil {
		return nil, nil, closeAll, err
	}
	place = &station{
		brokers: fronts, direct: kafka.Addresses(), faults: faultsOf(kafka, proxies),
		keywords: keywords, clients: s.clients, rate: s.rate, least: s.least, backlog: s.backlog, drain: s.drain, quiet: 15 * time.Second, dir: dir,
	}
	return place, kafka, closeAll, kafka.Start(ctx)
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// String is for the log.
func (o outcome) String() string {
	text := fmt.Sprintf("%d kills, %d of them with a backlog, %d faults; answered %d, found %d (%d of them dead letters), lost %d, copies %d, order violations %d, broken %d; "+
		"unanswered searches with an event %d, keys in several partitions %d; drained in %.1f s, slowest restart %.1f s, %.0f searches/s; refused %v",
		o.kills, o.piled, o.faults, o.answered, o.found, o.dead, o.lost, o.copies, o.violations, o.broken,
		o.extra, o.moved, o.drained.Seconds(), o.restart.Seconds(), rate(o), o.refused)
	return strings.Join(append([]string{text}, o.details...), "\n\t")
}

// circumstances says where and with what the table was made.
func circumstances(s settings, kafkaVersion string, took time.Duration) string {
	brokers := "one broker"
	if s.cluster {
		brokers = "three brokers"
	}
	return fmt.Sprintf("Made on %s by `make chaos` with seed %d in %.0f minutes, on %s, with Apache Kafka %s (%s), toxiproxy %s, and %s.",
		time.Now().UTC().Format(time.DateOnly), s.seed, took.Minutes(), testbed.Machine(), kafkaVersion, brokers,
		testbed.ModuleVersion(toxiproxyModule), testbed.GoVersion())
}
