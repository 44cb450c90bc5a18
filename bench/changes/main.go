//go:build unix

// Command changes shows that all copies of the catalogue agree: the database, the topic of
// changes, and the caches of two instances, whatever is killed. Two control programs
// without a protection must fail. Then it measures what the stream of changes costs and how
// soon changes are visible. It writes both into docs/changes.md, which explains them. It
// runs in the root of the repository: make changes.
//
// It starts its own Kafka from the jars in CHANGES_KAFKA_LIBS, and creates databases on the
// server of TEST_MARIADB_DSN.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/changes.md", "changes")

type settings struct {
	kills, outages               int
	controlKills, controlOutages int
	rate                         float64
	rows                         int
	seed                         uint64
	only                         string
	base                         string
	scale                        float64
}

func main() {
	var s settings
	flag.IntVar(&s.kills, "kills", 40, "number of kills of instances")
	flag.IntVar(&s.outages, "outages", 5, "number of times that Kafka is stopped")
	flag.IntVar(&s.controlKills, "control-kills", 10, "kills of each negative control")
	flag.IntVar(&s.controlOutages, "control-outages", 1, "outages of each negative control")
	flag.Float64Var(&s.rate, "rate", 100, "writes per second")
	flag.IntVar(&s.rows, "rows", 1500, "rows of each imported file")
	flag.StringVar(&s.only, "only", "", "run only these parts, separated by commas: "+strings.Join(parts, ", "))
	flag.StringVar(&s.base, "base", "eeefee7", "the last commit without an outbox, to compare imports with")
	flag.Float64Var(&s.scale, "scale", 1, "factor for the durations and sizes of figures")
	suite := &testbed.Suite{Name: "changes", Free: []string{"base"}}
	suite.Main(func(ctx context.Context, dir string) error { return runAll(ctx, s, suite, dir) })
}

// The names of the parts. The first ones are programs of the crash suite.
const (
	product     = "product"
	outside     = "outside"
	unversioned = "unversioned"
)

var parts = []string{product, outside, unversioned, "visible", "import", "relay", "cache", "sweep"}

func (s settings) wants(part string) bool {
	return s.only == "" || slices.Contains(strings.Split(s.only, ","), part)
}

func runAll(ctx context.Context, s settings, suite *testbed.Suite, dir string) (err error) {
	begun := time.Now()
	s.seed = suite.Seed
	for part := range strings.SplitSeq(s.only, ",") {
		if part != "" && !slices.Contains(parts, part) {
			return fmt.Errorf("-only: there is no part %q", part)
		}
	}
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	place, err := newStation(ctx, s, dir, &closers)
	if err != nil {
		return err
	}
	rows, failures, err := place.runPrograms(ctx, s)
	if err != nil {
		return err
	}
	figures, err := place.measure(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range figures {
		if f.missed {
			failures = append(failures, fmt.Sprintf("%s: asked %s, reached %s", f.name, f.asked, f.reached))
		}
	}
	head := ""
	if suite.Full {
		head = fmt.Sprintf("Made on %s by `make changes` with seed %d in %.0f minutes, on %s with Apache Kafka %s (one broker), MariaDB %s and %s. Load, servers and other programs shared the machine.",
			time.Now().UTC().Format(time.DateOnly), s.seed, time.Since(begun).Minutes(), testbed.Machine(), place.kafka.Version(), place.version, testbed.GoVersion())
	}
	if err := page.Report(head, crashTable(rows)+"\n"+figureTable(figures)); err != nil {
		return err
	}
	if len(failures) > 0 {
		return errors.New("\n" + strings.Join(failures, "\n"))
	}
	return nil
}

// newStation starts Kafka. Even after an error, closers end what was started.
func newStation(ctx context.Context, s settings, dir string, closers *testbed.Closers) (*station, error) {
	libs, server := os.Getenv("CHANGES_KAFKA_LIBS"), os.Getenv("TEST_MARIADB_DSN")
	if libs == "" || server == "" {
		return nil, errors.New("set CHANGES_KAFKA_LIBS to the folder of Apache Kafka's jars and TEST_MARIADB_DSN to a MariaDB server; see " + page.File)
	}
	port := 19592
	if text := os.Getenv("CHANGES_KAFKA_PORT"); text != "" {
		var err error
		if port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("CHANGES_KAFKA_PORT: %w", err)
		}
	}
	// Nothing stands in front of this Kafka: its front is the address behind it.
	kafka, err := testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: dir, Port: port, Fronts: []string{fmt.Sprintf("127.0.0.1:%d", port+1)}})
	if err != nil {
		return nil, fmt.Errorf("CHANGES_KAFKA_PORT=%d: %w", port, err)
	}
	closers.Add(kafka.Kill)
	place := &station{server: server, brokers: kafka.Addresses(), kafka: kafka, dir: dir, rate: s.rate, rows: s.rows, built: map[string]bool{}}
	if err := kafka.Start(ctx); err != nil {
		return nil, err
	}
	return place, place.readVersion(ctx)
}

// build builds the program, or a control, once.
func (s *station) build(ctx context.Context, control string) (program string, err error) {
	program = filepath.Join(s.dir, "event-books-"+cmp.Or(control, product))
	if s.built[program] {
		return program, nil
	}
	if err := testbed.Build(ctx, program, control, "CGO_ENABLED=0"); err != nil {
		return "", err
	}
	s.built[program] = true
	return program, nil
}

// runPrograms runs the crash suite with the program and the controls. Failures say why the
// suite fails; an error means that there is no result.
func (s *station) runPrograms(ctx context.Context, set settings) (rows []row, failures []string, err error) {
	for _, name := range []string{product, outside, unversioned} {
		if !set.wants(name) {
			continue
		}
		control, kills, outages, settle := name, set.controlKills, set.controlOutages, controlTime
		if name == product {
			control, kills, outages, settle = "", set.kills, set.outages, settleTime
		}
		program, err := s.build(ctx, control)
		if err != nil {
			return nil, nil, err
		}
		o, err := s.crash(ctx, name, program, newPlan(set.seed, kills, outages), settle)
		if err != nil {
			return nil, nil, fmt.Errorf("%s, seed %d: %w", name, set.seed, err)
		}
		log.Printf("%s: %s", name, o)
		r := row{name, o}
		rows, failures = append(rows, r), append(failures, r.failures()...)
	}
	return rows, failures, nil
}
