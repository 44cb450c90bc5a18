//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

const (
	// leastShare and leastRate are what is asked of SQLite.
	leastShare, leastRate = 0.25, 10_000
	// loadRate is how many events a second arrive while trends are asked for, and loadTime for
	// how long.
	loadRate, loadTime = 1000, 20 * time.Second
)

// measure measures one kind of database.
func (b *bench) measure(ctx context.Context, name, dsn string, reading float64) error {
	environ := []string{"EVENT_BOOKS_MQ_BROKERS=" + b.broker, "EVENT_BOOKS_DB_DSN=" + dsn, "EVENT_BOOKS_TRENDS_MIN_VISITORS=1"}
	counting, output, err := b.launch(ctx, name, environ, "trends")
	if err != nil {
		return err
	}
	ops, err := opsOf(ctx, output)
	if err != nil {
		return err
	}
	var first time.Time
	var before float64
	err = awaitCounted(ctx, ops, b.events, func(n float64) {
		if n > 0 && first.IsZero() {
			first, before = time.Now(), n
		}
	})
	if err != nil {
		return err
	}
	rate := (float64(b.events) - before) / time.Since(first).Seconds()
	asked, askedRate := "stated", "stated"
	if dsn == "" {
		asked, askedRate = fmt.Sprintf("≥ %v", leastShare), fmt.Sprintf("≥ %d", leastRate)
	}
	b.row(name+": events counted a second", askedRate, "%.0f", rate)
	used, err := metric(ctx, ops, "process_cpu_seconds_total", "")
	if err != nil {
		return err
	}
	b.row(name+": processor time of the consumer for an event", "stated", "%.0f µs", used/float64(b.events)*1e6)
	b.row(name+": the same ÷ a reader that decodes", asked, "%.2f (%.0f a second)", rate/reading, reading)
	if dsn == "" {
		info, err := os.Stat(filepath.Join(b.dir, name, "data", "books.db"))
		if err != nil {
			return err
		}
		b.row(name+": size of the database", "stated", "%d MB", info.Size()>>20)
	}
	if err := b.sendEachKeyword(ctx); err != nil {
		return err
	}
	if err := awaitCounted(ctx, ops, b.events+keywords, func(float64) {}); err != nil {
		return err
	}
	if err := b.askForTrends(ctx, name, environ); err != nil {
		return err
	}
	return counting.End(syscall.SIGTERM)
}

// awaitCounted waits until so many events are counted, and calls seen with each number on the way.
func awaitCounted(ctx context.Context, ops string, events int, seen func(n float64)) error {
	return testbed.EventuallyEvery(ctx, 20*time.Millisecond, time.Hour, func() error {
		n, err := handled(ctx, ops)
		if err != nil {
			return err
		}
		if seen(n); int(n) < events {
			return fmt.Errorf("%d of %d events are counted", int(n), events)
		}
		return nil
	})
}

// sendEachKeyword sends an event of each keyword, once for all kinds of databases.
func (b *bench) sendEachKeyword(ctx context.Context) error {
	if b.spread {
		return nil
	}
	b.spread = true
	log.Printf("sending an event of each of %d keywords", keywords)
	s, err := b.newSender(2)
	if err != nil {
		return err
	}
	defer s.producer.Close()
	return s.sendEachKeyword(ctx)
}

// opsOf waits for the address of the metrics.
func opsOf(ctx context.Context, output *testbed.Output) (ops string, err error) {
	err = testbed.Eventually(ctx, time.Minute, func() error {
		if ops = output.Attr("counting searches", "ops"); ops == "" {
			return errors.New("the consumer doesn't count")
		}
		return nil
	})
	return ops, err
}

// handled reads from the metrics how many records were handled.
func handled(ctx context.Context, ops string) (float64, error) {
	return metric(ctx, ops, "event_books_consumer_records{", `outcome="handled"`)
}

// metric adds up a metric with some label.
func metric(ctx context.Context, ops, name, label string) (n float64, err error) {
	body, err := get(ctx, "http://"+ops+"/metrics")
	if err != nil {
		return 0, err
	}
	for scanner := bufio.NewScanner(strings.NewReader(body)); scanner.Scan(); {
		if line := scanner.Text(); strings.HasPrefix(line, name) && strings.Contains(line, label) {
			value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			if err != nil {
				return 0, err
			}
			n += value
		}
	}
	return n, nil
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return string(body), err
}

// askForTrends measures /api/trends of a web service while events arrive.
func (b *bench) askForTrends(ctx context.Context, name string, environ []string) error {
	web, output, err := b.launch(ctx, name, environ, "web")
	if err != nil {
		return err
	}
	var url string
	err = testbed.Eventually(ctx, 5*time.Minute, func() error {
		if url = output.URL(); url == "" {
			return errors.New("the web service doesn't listen")
		}
		_, err := get(ctx, url+"/api/trends?window=24h&ps=20")
		return err
	})
	if err != nil {
		return err
	}
	loading, stop := context.WithTimeout(ctx, loadTime)
	defer stop()
	sending := make(chan error, 1)
	go func() { sending <- b.trickle(loading) }()
	var times []time.Duration
	for loading.Err() == nil {
		begun := time.Now()
		if _, err := get(ctx, url+"/api/trends?window=24h&ps=20"); err != nil {
			return err
		}
		times = append(times, time.Since(begun))
		if err := testbed.Sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	if err := <-sending; err != nil {
		return err
	}
	slices.Sort(times)
	b.row(name+": `/api/trends` with a million keywords, while 1000 events a second arrive", "p99 < 10 ms", "p99 %.1f ms, median %.1f ms of %d", milli(times[len(times)*99/100]), milli(times[len(times)/2]), len(times))
	return web.End(syscall.SIGTERM)
}

// trickle sends loadRate events a second until ctx ends.
func (b *bench) trickle(ctx context.Context) error {
	s, err := b.newSender(1)
	if err != nil {
		return err
	}
	defer s.producer.Close()
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := s.send(ctx, loadRate/10); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
