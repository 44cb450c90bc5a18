//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

const (
	// probes is how many searches are timed, one after the other.
	probes = 300
	// probeKeyword finds a book of the starter catalogue.
	probeKeyword = "moby dick"
	browser      = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
)

// measureDelay measures the time from the answer of a search to its count in /api/trends, with
// everything in one process.
func (b *bench) measureDelay(ctx context.Context) error {
	shop, output, err := b.launch(ctx, "all", []string{"EVENT_BOOKS_MQ_LISTEN=127.0.0.1:0", "EVENT_BOOKS_TRENDS_MIN_VISITORS=1"}, "all")
	if err != nil {
		return err
	}
	var url string
	err = testbed.Eventually(ctx, time.Minute, func() error {
		if url = output.URL(); url == "" {
			return errors.New("the shop doesn't listen")
		}
		if n, err := counted(ctx, url); err != nil || n > 0 {
			return err
		}
		if err := searchOnce(ctx, url); err != nil {
			return err
		}
		return errors.New("nothing is counted yet")
	})
	if err != nil {
		return err
	}
	log.Printf("timing %d searches", probes)
	before, err := settled(ctx, url)
	if err != nil {
		return err
	}
	var times []time.Duration
	for i := range probes {
		if err := searchOnce(ctx, url); err != nil {
			return err
		}
		answered := time.Now()
		err := testbed.EventuallyEvery(ctx, 5*time.Millisecond, time.Minute, func() error {
			n, err := counted(ctx, url)
			if err == nil && n < before+int64(i)+1 {
				err = fmt.Errorf("%d of %d searches are counted", n, before+int64(i)+1)
			}
			return err
		})
		if err != nil {
			return err
		}
		times = append(times, time.Since(answered))
	}
	slices.Sort(times)
	b.row("from the answer of a search to its count in `/api/trends`, all in one process", "p99 < 1 s", "p99 %.0f ms, median %.0f ms of %d", milli(times[len(times)*99/100]), milli(times[len(times)/2]), len(times))
	return shop.End(syscall.SIGTERM)
}

// settled waits until no search of the start is on its way, and returns how many are counted.
func settled(ctx context.Context, url string) (n int64, err error) {
	err = testbed.EventuallyEvery(ctx, time.Second, time.Minute, func() error {
		before := n
		if n, err = counted(ctx, url); err == nil && n != before {
			err = errors.New("searches are still being counted")
		}
		return err
	})
	return n, err
}

func searchOnce(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/books?q=moby+dick", nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", browser)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("search: %s", answer.Status)
	}
	return nil
}

// counted returns how many requests /api/trends shows for the keyword.
func counted(ctx context.Context, url string) (requests int64, err error) {
	body, err := get(ctx, url+"/api/trends?window=24h")
	if err != nil {
		return 0, err
	}
	var entries []struct {
		Query    string `json:"query"`
		Requests int64  `json:"requests"`
	}
	if err := json.Unmarshal([]byte(body), &entries); err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Query == probeKeyword {
			requests = e.Requests
		}
	}
	return requests, nil
}
