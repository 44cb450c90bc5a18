//go:build unix

// Command overload measures a shop with more searches than it can answer: how many it
// still answers, and how long /readyz and book pages take meanwhile. It writes the table
// into docs/overload.md, which explains it. It runs in the root of the repository: make
// overload.
//
// It starts shops of its own on SQLite, with and without the search index, and imports the
// catalogue gutenberg.jsonl.gz of TEST_DATA_DIR. OVERLOAD_DSN names an empty database on a
// MySQL or MariaDB server, whose search it measures, too.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/overload.md", "overload")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	if err := run(ctx); err != nil {
		stop()
		log.Fatal("overload: ", err)
	}
}

func run(ctx context.Context) (err error) {
	step := 8 * time.Second
	if text := os.Getenv("OVERLOAD_STEP"); text != "" {
		if step, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("OVERLOAD_STEP: %w", err)
		}
	}
	engines := []engine{{"the search index", "bleve", ""}, {"SQLite", "sql", ""}}
	if server := os.Getenv("OVERLOAD_DSN"); server != "" {
		engines = append(engines, engine{"a server", "sql", server})
	}
	var rows []row
	books := 0
	for _, e := range engines {
		measured, n, err := e.measure(ctx, step)
		if err != nil {
			return err
		}
		rows, books = append(rows, measured...), n
	}
	head := fmt.Sprintf("Measured on %s on %s, the load generator and all servers on the same machine; %s; %d books.",
		time.Now().Format("2006-01-02"), testbed.Machine(), testbed.GoVersion(), books)
	return page.Report(head, table(rows))
}

// engine is a search engine of the shop, on a database; no DSN means SQLite.
type engine struct{ name, setting, dsn string }

// measure measures a shop with the engine.
func (e engine) measure(ctx context.Context, step time.Duration) (rows []row, books int, err error) {
	dir, err := os.MkdirTemp("", "overload-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	s, err := startShop(ctx, dir, e)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, s.End(syscall.SIGTERM)) }()
	words, err := s.words(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, kind := range []struct {
		name string
		path func(i int) string
	}{
		{"`q=e&o=9900&limit=100&sort=title`", func(int) string { return "/api/books?q=e&o=9900&limit=100&sort=title" }},
		{"ordinary searches", func(i int) string { return "/api/books?q=" + words[i%len(words)] }},
	} {
		log.Print(e.name, ": ", kind.name)
		r, err := s.measure(ctx, step, kind.path, words)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", kind.name, err)
		}
		r.engine, r.name = e.name, kind.name
		rows = append(rows, r)
	}
	return rows, s.books, nil
}

// shop is the running program.
type shop struct {
	*testbed.Process
	url   string
	books int
}

func startShop(ctx context.Context, dir string, e engine) (*shop, error) {
	data := os.Getenv("TEST_DATA_DIR")
	if data == "" {
		return nil, errors.New("set TEST_DATA_DIR to the folder of gutenberg.jsonl.gz")
	}
	program := filepath.Join(dir, "event-books")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, output)
	}
	command := func(arguments ...string) *exec.Cmd {
		c := exec.Command(program, arguments...)
		c.Dir = dir
		c.Env = append(os.Environ(), "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_OPS_LISTEN=",
			"EVENT_BOOKS_MQ_LISTEN=127.0.0.1:0", "EVENT_BOOKS_DB_DSN="+e.dsn, "EVENT_BOOKS_INDEX_ENGINE="+e.setting)
		return c
	}
	log.Print("importing")
	if output, err := command("import", filepath.Join(data, "gutenberg.jsonl.gz")).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("import: %w\n%s", err, output)
	}
	printed := &testbed.Output{}
	web := command()
	web.Stdout, web.Stderr = printed, printed
	process, err := testbed.Run(web)
	if err != nil {
		return nil, err
	}
	s := &shop{Process: process}
	err = testbed.Eventually(ctx, 5*time.Minute, func() error { // it may build an index
		if s.Ended() {
			return fmt.Errorf("%w\n%s", testbed.ErrEnded, printed)
		}
		if s.url = printed.URL(); s.url == "" {
			return errors.New("it doesn't listen")
		}
		if ready := s.get(ctx, http.DefaultClient, "/readyz"); !bytes.Contains(ready.body, []byte(`"ok"`)) {
			return fmt.Errorf("%s", ready.body)
		}
		answer := s.get(ctx, http.DefaultClient, "/api/books?limit=1")
		s.books, _ = strconv.Atoi(answer.header.Get("X-Total-Count"))
		if answer.status != http.StatusOK {
			return fmt.Errorf("status %d", answer.status)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, s.End(syscall.SIGKILL))
	}
	return s, nil
}

// row is a line of the table.
type row struct {
	engine, name     string
	n                int
	best, overloaded float64 // answered searches in a second
	refused          float64 // share of the requests
	ready, page      time.Duration
	before, after    time.Duration // p99 of an ordinary search
	loadCPU          float64       // processors that the load generator used
}

func table(rows []row) string {
	var b strings.Builder
	fmt.Fprintln(&b, "| engine | searches | N | best/s | at 10 N/s | ÷ best | refused | p99 /readyz | p99 book page | p99 before | p99 a second after | load generator |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f | %.1f | %.2f | %.0f %% | %d ms | %d ms | %d ms | %d ms | %.2f processors |\n", r.engine, r.name, r.n, r.best,
			r.overloaded, r.overloaded/r.best, 100*r.refused, r.ready.Milliseconds(), r.page.Milliseconds(), r.before.Milliseconds(), r.after.Milliseconds(), r.loadCPU)
	}
	return b.String()
}
