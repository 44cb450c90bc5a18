//go:build unix

// Command trends measures how fast searches are counted, beside a reader that only decodes
// them, and how soon and how fast trends are answered. It writes the table into docs/trends.md,
// which explains it. It runs in the root of the repository: make trends. TRENDS_DSN names an
// empty database on MySQL or MariaDB to measure as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/trends.md", "trends")

func main() {
	log.SetFlags(log.Ltime)
	events := flag.Int("events", 300_000, "the number of events that are counted")
	only := flag.String("only", "", "measure only one part: counting or delay")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *events, *only); err != nil {
		log.Fatal("trends: ", err)
	}
}

// bench has what all measurements share.
type bench struct {
	program, dir string
	events       int
	spread       bool   // an event of each keyword was sent
	broker       string // host:port of the embedded broker
	rows         []string
	closers      testbed.Closers
}

func run(ctx context.Context, events int, only string) (err error) {
	b := &bench{events: events}
	defer func() { err = errors.Join(err, b.closers.Close()) }()
	if b.dir, err = os.MkdirTemp("", "event-books-trends-"); err != nil {
		return err
	}
	b.closers.Add(func() error { return os.RemoveAll(b.dir) })
	b.program = filepath.Join(b.dir, "event-books")
	if err := testbed.Build(ctx, b.program, ""); err != nil {
		return err
	}
	if only != "delay" {
		if err := b.measureCounting(ctx); err != nil {
			return err
		}
	}
	if only != "counting" {
		if err := b.measureDelay(ctx); err != nil {
			return err
		}
	}
	head := fmt.Sprintf("Measured on %s on %s; %s; %d events of five books each, whose keywords follow Zipf's law (1.1) over a million, by two million visitors; the embedded broker on the same machine.",
		time.Now().UTC().Format(time.DateOnly), testbed.Machine(), testbed.GoVersion(), events)
	return page.Report(head, "| figure | asked | reached |\n|---|---|---|\n"+strings.Join(b.rows, "\n"))
}

// measureCounting measures how fast a consumer counts, and answers about what it has counted.
func (b *bench) measureCounting(ctx context.Context) error {
	if err := b.startBroker(ctx); err != nil {
		return err
	}
	log.Printf("sending %d events", b.events)
	s, err := b.newSender(0)
	if err != nil {
		return err
	}
	err = s.send(ctx, b.events)
	s.producer.Close()
	if err != nil {
		return err
	}
	reading, err := b.read(ctx)
	if err != nil {
		return err
	}
	if err := b.measure(ctx, "SQLite", "", reading); err != nil {
		return err
	}
	if dsn := os.Getenv("TRENDS_DSN"); dsn != "" {
		if err := b.measure(ctx, "MariaDB", dsn, reading); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) row(figure, asked, reached string, values ...any) {
	row := fmt.Sprintf("| %s | %s | %s |", figure, asked, fmt.Sprintf(reached, values...))
	log.Print(row)
	b.rows = append(b.rows, row)
}

// launch starts the program in a folder of its own.
func (b *bench) launch(ctx context.Context, name string, environ []string, arguments ...string) (*testbed.Process, *testbed.Output, error) {
	output := &testbed.Output{}
	file, err := os.Create(filepath.Join(b.dir, name+".log"))
	if err != nil {
		return nil, nil, err
	}
	command := commandOf(b.program, filepath.Join(b.dir, name), environ, arguments...)
	command.Stdout = io.MultiWriter(output, file)
	command.Stderr = command.Stdout
	if err := os.MkdirAll(command.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	process, err := testbed.Run(command)
	if err != nil {
		return nil, nil, err
	}
	b.closers.Add(func() error { return process.End(syscall.SIGKILL) })
	return process, output, ctx.Err()
}

// startBroker starts the embedded broker, with room for all events.
func (b *bench) startBroker(ctx context.Context) error {
	_, output, err := b.launch(ctx, "broker", []string{"EVENT_BOOKS_MQ_LISTEN=127.0.0.1:0", "EVENT_BOOKS_MQ_BROKER_MAX_BYTES=4294967296"}, "broker")
	if err != nil {
		return err
	}
	return testbed.Eventually(ctx, time.Minute, func() error {
		if b.broker = output.Attr("broker: listening", "addr"); b.broker == "" {
			return errors.New("the broker doesn't listen")
		}
		return nil
	})
}
