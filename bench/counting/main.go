//go:build unix

// Command counting kills shops, consumers and brokers, makes consumers join, leave and freeze,
// and sends records once more, while visitors search and click. Then it compares what was
// counted with a recount of the topics: nothing may differ. It does the same to a control
// program that doesn't recognise copies, where it must find a difference. It writes the result
// into docs/counting.md, which explains it. It runs in the root of the repository: make
// counting.
//
// It starts its own Kafka from the jars in CHAOS_KAFKA_LIBS, and creates databases on the
// server of TEST_MARIADB_DSN.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/catalog"
)

var page = testbed.NewPage("docs/counting.md", "counting")

// The rows.
const (
	kafka     = "kafka"
	embedded  = "embedded"
	forgetful = "forgetful" // the control program
)

type settings struct {
	size, control size
	clients       int
	rate          float64
	only          string
}

func main() {
	s := settings{size: size{slow: 1}, control: size{slow: 1}}
	flag.IntVar(&s.size.kills, "kills", 30, "kills of shops and consumers in each row")
	flag.IntVar(&s.size.rebalances, "rebalances", 10, "further consumers that join and leave in each row; every other one is frozen in between")
	flag.IntVar(&s.size.faults, "faults", 10, "faults of brokers in each row")
	flag.IntVar(&s.control.kills, "control-kills", 6, "kills of the control")
	flag.IntVar(&s.control.rebalances, "control-rebalances", 2, "further consumers of the control")
	flag.IntVar(&s.control.faults, "control-faults", 2, "faults of the control's broker")
	flag.IntVar(&s.clients, "clients", 16, "number of concurrent clients")
	flag.Float64Var(&s.rate, "rate", 150, "most searches and clicks per second")
	flag.StringVar(&s.only, "only", "", fmt.Sprintf("run only this row: %q, %q or %q", kafka, embedded, forgetful))
	suite := &testbed.Suite{Name: "counting"}
	suite.Main(func(ctx context.Context, dir string) error { return runAll(ctx, s, suite, dir) })
}

func runAll(ctx context.Context, s settings, suite *testbed.Suite, dir string) error {
	begun := time.Now()
	rows, servers, err := runRows(ctx, s, suite.Seed, dir)
	if err != nil {
		return err
	}
	head := ""
	if suite.Full {
		head = fmt.Sprintf("Made on %s by `make counting` with seed %d in %.0f minutes, on %s, with %s, and %s. Load, servers and other programs shared the machine.",
			time.Now().UTC().Format(time.DateOnly), suite.Seed, time.Since(begun).Minutes(), testbed.Machine(), strings.Join(servers, ", "), testbed.GoVersion())
	}
	if err := page.Report(head, table(rows)); err != nil {
		return err
	}
	var failures []string
	for _, r := range rows {
		failures = append(failures, r.failures()...)
	}
	if len(failures) > 0 {
		return errors.New("\n" + strings.Join(failures, "\n"))
	}
	return nil
}

// runRows runs the program and the control. An error means that a row has no result.
func runRows(ctx context.Context, s settings, seed uint64, dir string) (rows []series, servers []string, err error) {
	for _, row := range []struct {
		id, control string
		size        size
		station     func(ctx context.Context, program, dir string, closers *testbed.Closers) (*station, error)
	}{
		{kafka, "", s.size, newKafkaStation},
		{embedded, "", s.size, newEmbeddedStation},
		{forgetful, forgetful, s.control, newEmbeddedStation},
	} {
		if s.only != "" && s.only != row.id {
			continue
		}
		program := filepath.Join(dir, "event-books-"+row.id)
		if err := testbed.Build(ctx, program, row.control, "CGO_ENABLED=0"); err != nil {
			return nil, nil, err
		}
		var closers testbed.Closers
		place, err := row.station(ctx, program, dir, &closers)
		if err == nil {
			place.clients, place.rate = s.clients, s.rate
			servers = append(servers, place.servers...)
			var o outcome
			o, err = place.run(ctx, subject{row.id, program, row.control != ""}, newPlan(seed, row.size, len(place.faults), place.processes()))
			done := series{place.name, row.control != "", o}
			if done.control {
				done.name = "control: no windows (" + place.name + ")"
			}
			rows = append(rows, done)
			log.Printf("%s: %s", row.id, done)
		}
		if err = errors.Join(err, closers.Close()); err != nil {
			return nil, nil, fmt.Errorf("%s, seed %d: %w", row.id, seed, err)
		}
	}
	return rows, servers, nil
}

// keywords is the number of keywords of simulated shoppers.
const keywords = 130

// newStation prepares what both kinds of stations need.
func newStation(name, dir string) (*station, error) {
	s := &station{name: name, dir: dir}
	var err error
	s.keywords, err = keywordsOf(keywords)
	return s, err
}

// newEmbeddedStation starts an embedded broker. Even after an error, closers end what was
// started.
func newEmbeddedStation(ctx context.Context, program, dir string, closers *testbed.Closers) (*station, error) {
	s, err := newStation("embedded broker, SQLite", dir)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, "broker-")
	if err != nil {
		return nil, err
	}
	broker, err := testbed.NewEmbeddedBroker(program, folder)
	if err != nil {
		return nil, err
	}
	closers.Add(broker.Close)
	s.brokers, s.direct, s.faults = []string{broker.Front}, []string{broker.Front}, embeddedFaults(broker)
	s.instances, s.oneDir = 1, true
	s.database = func(_ context.Context, dir string) (string, *sql.DB, func() error, error) {
		file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, "data", "books.db"), RawQuery: "mode=ro&_pragma=busy_timeout(15000)"}
		db, err := sql.Open("sqlite", file.String())
		return "", db, db.Close, err
	}
	return s, broker.Start(ctx)
}

// brokers is the number of brokers of a Kafka.
const brokers = 3

// newKafkaStation starts an Apache Kafka behind forwarders. Even after an error, closers end
// what was started.
func newKafkaStation(ctx context.Context, _, dir string, closers *testbed.Closers) (*station, error) {
	libs, server := os.Getenv("CHAOS_KAFKA_LIBS"), os.Getenv("TEST_MARIADB_DSN")
	if libs == "" || server == "" {
		return nil, errors.New("set CHAOS_KAFKA_LIBS to the folder of Apache Kafka's jars and TEST_MARIADB_DSN to a MariaDB server; see " + page.File)
	}
	s, err := newStation("Apache Kafka, MariaDB", dir)
	if err != nil {
		return nil, err
	}
	const portsOfBroker = 3
	port, err := testbed.FreePorts(portsOfBroker * brokers)
	if err != nil {
		return nil, err
	}
	var fronts []*testbed.Forwarder
	for i := range brokers {
		front, err := testbed.NewForwarder("127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", port+portsOfBroker*i+1))
		if err != nil {
			return nil, err
		}
		closers.Add(front.Close)
		fronts, s.brokers = append(fronts, front), append(s.brokers, front.Addr().String())
	}
	cluster, err := testbed.NewKafka(ctx, testbed.KafkaOptions{Libs: libs, Dir: dir, Port: port, Fronts: s.brokers})
	if err != nil {
		return nil, err
	}
	closers.Add(cluster.Kill)
	s.direct, s.faults, s.instances = cluster.Addresses(), clusterFaults(cluster, fronts), 2
	s.database = func(ctx context.Context, _ string) (string, *sql.DB, func() error, error) {
		return testbed.NewDatabase(ctx, server, "counting")
	}
	version, err := serverVersion(ctx, server)
	if err != nil {
		return nil, err
	}
	s.servers = []string{fmt.Sprintf("Apache Kafka %s (%d brokers)", cluster.Version(), brokers), "MariaDB " + version}
	s.catalog = filepath.Join(dir, "books.jsonl")
	if err := writeCatalogue(s.catalog); err != nil {
		return nil, err
	}
	return s, cluster.Start(ctx)
}

func serverVersion(ctx context.Context, server string) (version string, err error) {
	db, err := sql.Open("mysql", server)
	if err != nil {
		return "", err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return "", fmt.Errorf("TEST_MARIADB_DSN: %w", err)
	}
	version, _, _ = strings.Cut(version, "-")
	return version, nil
}

// writeCatalogue writes the starter catalogue, which only embedded databases begin with, into
// a file.
func writeCatalogue(file string) error {
	books, err := catalog.Starter()
	if err != nil {
		return err
	}
	var lines []byte
	for i, book := range books {
		book.ID = uint(i + 1) // rows of a file with one id are one book
		line, err := json.Marshal(book)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	return os.WriteFile(file, lines, 0o600)
}
