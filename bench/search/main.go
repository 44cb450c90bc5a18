//go:build unix

// Command search measures the speed of the search engine beside a stock Bleve index of the same
// books, and how fast it indexes. It writes the table into docs/search-speed.md, which explains it.
// It runs in the root of the repository: make search. The books are those of gutenberg.jsonl.gz in
// TEST_DATA_DIR, repeated with new ids if more are wanted.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

var page = testbed.NewPage("docs/search-speed.md", "search")

func main() {
	b := bench{dir: os.Getenv("TEST_DATA_DIR")}
	flag.IntVar(&b.wanted, "books", 100_000, "the `number` of books")
	flag.IntVar(&b.passes, "passes", 10, "the `number` of times that each query runs in a run")
	flag.IntVar(&b.runs, "runs", 3, "the `number` of runs, of which the median counts")
	flag.StringVar(&b.only, "only", "", "measure only the query set with this `name`, and write no page")
	flag.StringVar(&b.profile, "profile", "", "write CPU profiles to `file`.index and file.search")
	flag.StringVar(&b.kept, "keep", "", "keep the index in this `folder`, use the one that is there, and write no page")
	whole := flag.Bool("requests", false, "measure whole requests beside the tutorial's design instead; needs SEARCH_DSN and BENCH_KAFKA_LIBS")
	window := flag.Duration("window", 5*time.Second, "the `duration` of each measurement of requests")
	stock := flag.Bool("reference", true, "also measure a stock Bleve index")
	flag.Parse()
	log.SetFlags(log.Ltime)
	debug.SetGCPercent(400) // as the shop does
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if b.dir == "" {
		fmt.Println("skipped: TEST_DATA_DIR is not set")
		return
	}
	run := func() error { return b.run(ctx, *stock) }
	if *whole {
		run = func() error { return b.runRequests(ctx, *window) }
	}
	if err := run(); err != nil {
		stop()
		log.Fatal("search: ", err)
	}
}

func (b *bench) runRequests(ctx context.Context, window time.Duration) error {
	if err := b.load(); err != nil {
		return err
	}
	sets, err := b.draw()
	if err != nil {
		return err
	}
	return b.requests(ctx, sets, window)
}

func (b *bench) run(ctx context.Context, stock bool) error {
	if err := b.load(); err != nil {
		return err
	}
	sets, err := b.draw()
	if err != nil {
		return err
	}
	ours, err := b.product(ctx, sets)
	if err != nil {
		return fmt.Errorf("the search engine: %w", err)
	}
	var theirs *outcome
	if stock {
		if theirs, err = b.reference(ctx, sets); err != nil {
			return fmt.Errorf("the stock Bleve index: %w", err)
		}
	}
	head := ""
	if b.only == "" && b.kept == "" && stock {
		head = fmt.Sprintf("Measured on %s on %s; %s; Bleve %s; %d books, which are the %d of Gutenberg's catalogue repeated with new ids; runs: %d, passes: %d.",
			time.Now().Format("2006-01-02"), testbed.Machine(), testbed.GoVersion(), testbed.ModuleVersion("github.com/blevesearch/bleve/v2"), b.wanted, len(b.books), b.runs, b.passes)
	}
	return page.Report(head, table(sets, ours, theirs))
}
