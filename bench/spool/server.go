//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/adapter"
	"literank.com/event-books/application"
	"literank.com/event-books/application/executor"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/database"
	"literank.com/event-books/infrastructure/mq"
)

// serveCommand makes this program the server of a measurement, in a process of
// its own, so that its memory and processor time can be told apart.
const serveCommand = "serve"

// profileVariable names a file for a profile of the server with events.
const profileVariable = "BENCH_PROFILE"

// shopOptions are what a server of a measurement is.
type shopOptions struct {
	// events has them spooled and sent to Kafka at brokers.
	events  bool
	brokers string
	topic   string
	// index is "memory", or "real" for the catalogue in SQLite.
	index string
	// work is processor time that each search of the memory index takes.
	work     time.Duration
	dir      string
	maxBytes int64
}

func (o shopOptions) arguments() []string {
	return []string{
		serveCommand, "-events=" + strconv.FormatBool(o.events), "-brokers", o.brokers, "-topic", o.topic,
		"-index", o.index, "-work", o.work.String(), "-dir", o.dir, "-max", strconv.FormatInt(o.maxBytes, 10),
	}
}

func serve(arguments []string) (err error) {
	var o shopOptions
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	flags.BoolVar(&o.events, "events", false, "")
	flags.StringVar(&o.brokers, "brokers", "", "")
	flags.StringVar(&o.topic, "topic", "", "")
	flags.StringVar(&o.index, "index", "", "")
	flags.DurationVar(&o.work, "work", 0, "")
	flags.StringVar(&o.dir, "dir", "", "")
	flags.Int64Var(&o.maxBytes, "max", 0, "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	application.TuneRuntime()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(io.Discard, nil)) // written as in the shop, and dropped

	db, err := database.OpenSQLite(filepath.Join(o.dir, "books.db"), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	books, err := catalog.Starter()
	if err != nil {
		return err
	}
	if _, err := db.SeedOnce(ctx, "starter", books); err != nil {
		return err
	}
	var index gateway.BookIndex = db
	if o.index == "memory" {
		if index, err = newMemoryIndex(ctx, db, o.work); err != nil {
			return err
		}
	}

	collectors := []prometheus.Collector{}
	var helper mq.Helper = none{}
	if o.events {
		queue, err := mq.NewKafkaQueue([]string{o.brokers}, o.topic, mq.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
		if err != nil {
			return err
		}
		spool, err := mq.OpenSpool(filepath.Join(o.dir, "spool"), queue, mq.SpoolOptions{MaxBytes: o.maxBytes})
		if err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			err = errors.Join(err, spool.Close(ctx))
		}()
		helper, collectors = spool, append(collectors, spool)
	}
	server, err := adapter.New(adapter.Options{
		Books: executor.NewBookOperator(db, helper, index, log), Health: nobody{}, Log: log,
		PageSize: 5, // the tutorial's
	})
	if err != nil {
		return err
	}
	ops, err := adapter.OpsServer(collectors...)
	if err != nil {
		return err
	}
	web := server.HTTPServer()
	var addresses [2]string
	for i, server := range []*http.Server{web, ops} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses[i] = listener.Addr().String()
		go func() { _ = server.Serve(listener) }()
	}
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		return err
	}
	if file := os.Getenv(profileVariable); file != "" && o.events {
		profile, err := os.Create(file)
		if err != nil {
			return err
		}
		defer profile.Close()
		if err := pprof.StartCPUProfile(profile); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	<-ctx.Done()
	return errors.Join(web.Close(), ops.Close())
}

// none sends no events.
type none struct{}

func (none) SendEvent(string, []byte, ...mq.Header) (bool, error) { return true, nil }

type nobody struct{}

func (nobody) Ping(context.Context) error   { return nil }
func (nobody) EventStats() model.EventStats { return model.EventStats{} }

// memoryIndex answers every search with the same few books, at once.
type memoryIndex struct {
	result *model.SearchResult
	rounds int // of spin
}

func newMemoryIndex(ctx context.Context, db gateway.BookIndex, work time.Duration) (*memoryIndex, error) {
	result, err := db.SearchBooks(ctx, model.Search{Keyword: "a", Sort: model.ByRelevance, Limit: 5})
	if err != nil {
		return nil, err
	}
	// Descriptions of a usual length: the value of the event has about 2 kB.
	for i, book := range result.Books {
		longer := *book
		longer.Description = strings.Repeat("A book that is read again and again. ", 7)
		result.Books[i] = &longer
	}
	return &memoryIndex{result, roundsOf(work)}, nil
}

func (m *memoryIndex) SearchBooks(context.Context, model.Search) (*model.SearchResult, error) {
	spin(m.rounds)
	return m.result, nil
}

// spin uses up processor time, however often it is interrupted: it counts
// rounds, not time.
func spin(rounds int) {
	x := uint64(1)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	runtime.KeepAlive(x)
}

// roundsOf returns how many rounds take so long, by the fastest of several
// tries, the least disturbed.
func roundsOf(work time.Duration) int {
	const rounds = 1_000_000
	best := time.Hour
	for range 20 {
		begun := time.Now()
		spin(rounds)
		best = min(best, time.Since(begun))
	}
	return int(rounds * work.Nanoseconds() / best.Nanoseconds())
}

// shop is a running server.
type shop struct {
	*testbed.Process
	address, ops string
}

func (s *station) startShop(ctx context.Context, o shopOptions) (*shop, error) {
	var err error
	if o.dir == "" {
		if o.dir, err = s.folder(); err != nil {
			return nil, err
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, o.arguments()...)
	command.Stderr = os.Stderr
	printed, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(printed)
	p := &shop{}
	if p.Process, err = testbed.Run(command); err != nil {
		return nil, err
	}
	var addresses [2]string
	if err := json.NewDecoder(lines).Decode(&addresses); err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	p.address, p.ops = addresses[0], addresses[1]
	return p, nil
}

func (p *shop) stop() error { return p.End(syscall.SIGTERM) }

// metrics are values of /metrics.
type metrics map[string]float64

func (p *shop) metrics() (metrics, error) {
	answer, err := http.Get("http://" + p.ops + "/metrics")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	m := metrics{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			m[name] = n
		}
	}
	return m, lines.Err()
}

const (
	cpuSeconds = "process_cpu_seconds_total"
	resident   = "process_resident_memory_bytes"
	fsyncs     = "event_books_spool_fsync_duration_seconds_count"
	waiting    = "event_books_spool_records"
	delivered  = "event_books_events_delivered_total"
)

// drained waits until everything is in Kafka. It looks often: what it sees late
// counts as time that the server took.
func (p *shop) drained(ctx context.Context) error {
	return testbed.EventuallyEvery(ctx, 5*time.Millisecond, 10*time.Minute, func() error {
		m, err := p.metrics()
		if err == nil && m[waiting] > 0 {
			err = fmt.Errorf("%.0f events wait", m[waiting])
		}
		return err
	})
}
