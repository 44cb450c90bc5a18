//go:build unix

package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"literank.com/event-books/bench/testbed"
)

// figure is a measured value.
type figure struct {
	name, asked, reached string
	missed               bool
}

// figureTable returns figures in Markdown.
func figureTable(figures []figure) string {
	if len(figures) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString("| figure | asked | reached |\n|---|---|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", f.name, f.asked, f.reached)
	}
	return text.String()
}

// readVersion asks for the server's version.
func (s *station) readVersion(ctx context.Context) error {
	db, err := sql.Open("mysql", s.server)
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.version)
	s.version, _, _ = strings.Cut(s.version, "-")
	return err
}

const catalogueFile = "gutenberg.jsonl.gz"

// measure measures the figures that are wanted.
func (s *station) measure(ctx context.Context, set settings) (figures []figure, err error) {
	file := ""
	if dir := os.Getenv("TEST_DATA_DIR"); dir != "" {
		file = filepath.Join(dir, catalogueFile)
	}
	for _, part := range []struct {
		name      string
		needsFile bool
		measure   func(ctx context.Context, set settings, file string) ([]figure, error)
	}{
		{"visible", false, s.measureVisible},
		{"import", true, s.measureImports},
		{"relay", true, s.measureRelay},
		{"cache", true, s.measureCache},
		{"sweep", false, s.measureSweep},
	} {
		if !set.wants(part.name) {
			continue
		}
		if part.needsFile && file == "" {
			log.Printf("%s is skipped: TEST_DATA_DIR names no folder of %s", part.name, catalogueFile)
			continue
		}
		log.Print(part.name)
		measured, err := part.measure(ctx, set, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		for _, f := range measured {
			log.Printf("%s: asked %s, reached %s", f.name, f.asked, f.reached)
		}
		figures = append(figures, measured...)
	}
	return figures, nil
}

// median of an odd number of values.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile returns the percentile p, from 0 to 1, of durations in ascending order.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// ratio is a figure of several rounds: the median of their ratios, which should be at
// least least.
func ratio(name string, ratios []float64, least float64, absolute string) figure {
	m := median(ratios)
	f := figure{name: name, asked: "stated", missed: m < least}
	if least > 0 {
		f.asked = fmt.Sprintf("≥ %.1f", least)
	}
	f.reached = fmt.Sprintf("%.2f (%s; %d rounds, from %.2f to %.2f)", m, absolute, len(ratios), slices.Min(ratios), slices.Max(ratios))
	return f
}

// pair launches two instances on one database.
func (s *station) pair(ctx context.Context, name, dsn, prefix string, programs [instances]string, closers *testbed.Closers, died func(error)) (shops [instances]*testbed.Shop, err error) {
	for i := range instances {
		if shops[i], err = s.launch(name, programs[i], i, environ(i, dsn, s.brokers, prefix), closers, died); err != nil {
			return shops, err
		}
	}
	for _, shop := range shops {
		if err := shop.Ready(ctx); err != nil {
			return shops, err
		}
	}
	return shops, nil
}

// newPrefix returns a prefix for new topics.
func newPrefix(name string) string { return fmt.Sprintf("changes-%s-%d-", name, time.Now().UnixNano()) }
