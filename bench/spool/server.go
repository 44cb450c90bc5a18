//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// serveCommand makes this program the server of a measurement. The server is a separate
// process, so its memory and processor time can be measured.
const serveCommand = "serve"

// profileVariable names a file for a CPU profile of the server with events.
const profileVariable = "BENCH_PROFILE"

// shopOptions configure a server.
type shopOptions struct {
	// events turns on events, which go through the spool to Kafka at brokers.
	events  bool
	brokers string
	topic   string
	// consumers counts the events in the same process.
	consumers bool
	// index is "memory", or "real" for the catalogue in SQLite.
	index string
	// work is the processor time of each search in the memory index.
	work     time.Duration
	dir      string
	maxBytes int64
}

func (o shopOptions) arguments() []string {
	return []string{
		serveCommand, "-events=" + strconv.FormatBool(o.events), "-consumers=" + strconv.FormatBool(o.consumers), "-brokers", o.brokers, "-topic", o.topic,
		"-index", o.index, "-work", o.work.String(), "-dir", o.dir, "-max", strconv.FormatInt(o.maxBytes, 10),
	}
}

func serve(arguments []string) (err error) {
	o, err := parseOptions(arguments)
	if err != nil {
		return err
	}
	c, err := o.config()
	if err != nil {
		return err
	}
	application.TuneRuntime()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// Each log line is formatted, because that costs time in a shop, too; only warnings
	// are printed.
	log := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(io.Discard, nil), slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	shop, err := application.NewWireHelper(ctx, c, o.consumers, log, o.parts())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
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
	return shop.Run(ctx)
}

// parseOptions is the reverse of arguments.
func parseOptions(arguments []string) (o shopOptions, err error) {
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	flags.BoolVar(&o.events, "events", false, "")
	flags.BoolVar(&o.consumers, "consumers", false, "")
	flags.StringVar(&o.brokers, "brokers", "", "")
	flags.StringVar(&o.topic, "topic", "", "")
	flags.StringVar(&o.index, "index", "", "")
	flags.DurationVar(&o.work, "work", 0, "")
	flags.StringVar(&o.dir, "dir", "", "")
	flags.Int64Var(&o.maxBytes, "max", 0, "")
	return o, flags.Parse(arguments)
}

// config returns the configuration of a shop that listens on free ports.
func (o shopOptions) config() (*config.Config, error) {
	c, err := config.ParseDefault()
	if err != nil {
		return nil, err
	}
	c.App.Listen, c.App.Port, c.App.OpsListen = "127.0.0.1", 0, "127.0.0.1:0"
	c.App.PageSize = 5 // the tutorial's page size
	c.App.DataDir = o.dir
	c.App.ShutdownTimeout = 2 * time.Second
	c.MQ.Brokers = []string{cmp.Or(o.brokers, "127.0.0.1:1")}
	c.MQ.Topic = o.topic
	if o.maxBytes > 0 {
		c.MQ.SpoolMaxBytes = int(o.maxBytes)
	}
	return c, nil
}

// parts replaces parts of the shop that aren't measured.
func (o shopOptions) parts() (p application.Parts) {
	if !o.events {
		p.Helper = func([]string, string) (mq.Helper, error) { return none{}, nil }
	}
	if o.index == "memory" {
		p.Index = func(db gateway.BookIndex) gateway.BookIndex { return newMemoryIndex(db, o.work) }
		p.Books = newMemoryBooks
	}
	return p
}

// none drops every event.
type none struct{}

func (none) SendEvent(string, []byte, ...mq.Header) (bool, error) { return true, nil }

// memoryIndex answers every search with the same few books.
type memoryIndex struct {
	gateway.NoCapabilities
	result func(context.Context) (*model.SearchResult, error)
	rounds int // for spin
}

func newMemoryIndex(db gateway.BookIndex, work time.Duration) *memoryIndex {
	few := func(ctx context.Context) (*model.SearchResult, error) {
		return db.SearchBooks(ctx, model.Search{Keyword: "a", Sort: model.ByRelevance, Limit: 5})
	}
	filled := func(r *model.SearchResult) bool { return r.Total > 0 } // the catalogue may still be empty
	return &memoryIndex{rounds: roundsOf(work), result: once(few, filled)}
}

// memoryBooks has the few books of a memoryIndex, with descriptions of typical length, so
// that an event's value has about 2 kB.
type memoryBooks struct {
	gateway.BookManager
	books func(context.Context) ([]*model.Book, error)
	ids   atomic.Pointer[[]uint]
}

func newMemoryBooks(db gateway.BookManager) gateway.BookManager {
	m := &memoryBooks{BookManager: db}
	read := func(ctx context.Context) ([]*model.Book, error) {
		books, err := db.GetBooks(ctx, *m.ids.Load())
		for _, book := range books {
			book.Description = strings.Repeat("A book that is read again and again. ", 7)
		}
		return books, err
	}
	m.books = once(read, func(books []*model.Book) bool { return len(books) > 0 })
	return m
}

func (m *memoryBooks) GetBooks(ctx context.Context, ids []uint) ([]*model.Book, error) {
	m.ids.Store(&ids)
	return m.books(ctx)
}

// once keeps the first result that is good.
func once[T any](load func(context.Context) (T, error), good func(T) bool) func(context.Context) (T, error) {
	var mu sync.Mutex
	var loaded atomic.Pointer[T]
	return func(ctx context.Context) (T, error) {
		if result := loaded.Load(); result != nil {
			return *result, nil
		}
		mu.Lock()
		defer mu.Unlock()
		result, err := load(ctx)
		if err == nil && good(result) {
			loaded.Store(&result)
		}
		return result, err
	}
}

func (m *memoryIndex) SearchBooks(ctx context.Context, _ model.Search) (*model.SearchResult, error) {
	spin(m.rounds)
	return m.result(ctx)
}

// spin uses processor time. It counts rounds, not time, so interruptions don't shorten it.
func spin(rounds int) {
	x := uint64(1)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	runtime.KeepAlive(x)
}

// roundsOf returns the number of rounds that take that long, from the fastest of several
// attempts.
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
	p := &shop{}
	if p.Process, err = testbed.Run(command); err != nil {
		return nil, err
	}
	if err := testbed.EventuallyEvery(ctx, 10*time.Millisecond, time.Minute, func() error { return p.find(o.dir) }); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server: %w", err), p.stop())
	}
	return p, nil
}

// find reads the server's addresses and succeeds once it has its catalogue.
func (p *shop) find(dir string) error {
	if p.Ended() {
		return testbed.ErrEnded
	}
	content, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		return err
	}
	var run struct{ Processes []struct{ URL, Ops string } }
	if err := json.Unmarshal(content, &run); err != nil {
		return err
	}
	if len(run.Processes) != 1 {
		return fmt.Errorf("run.json lists %d processes", len(run.Processes))
	}
	p.address, p.ops = strings.TrimPrefix(run.Processes[0].URL, "http://"), run.Processes[0].Ops
	answer, err := http.Get("http://" + p.address + "/api/books?limit=1")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if total := answer.Header.Get("X-Total-Count"); total == "" || total == "0" {
		return errors.New("the catalogue is empty")
	}
	return nil
}

// stop ends the server, if it was started.
func (p *shop) stop() error {
	if p == nil {
		return nil
	}
	return p.End(syscall.SIGTERM)
}

// metrics are the values of /metrics by name.
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
			name, _, _ = strings.Cut(name, "{") // sums over labels
			m[name] += n
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

// drained waits until all events are in Kafka. It polls often, because its delay counts as
// time of the server.
func (p *shop) drained(ctx context.Context) error {
	return testbed.EventuallyEvery(ctx, 5*time.Millisecond, 10*time.Minute, func() error {
		m, err := p.metrics()
		if err == nil && m[waiting] > 0 {
			err = fmt.Errorf("%.0f events wait", m[waiting])
		}
		return err
	})
}
