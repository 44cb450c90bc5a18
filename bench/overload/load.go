//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
)

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *shop) get(ctx context.Context, client *http.Client, path string) (a answer) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		panic(err) // the paths are ours
	}
	response, err := client.Do(request)
	if err != nil {
		return a
	}
	defer response.Body.Close()
	a.body, err = io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	a.status, a.header = response.StatusCode, response.Header
	return a
}

// words returns words of titles all over the catalogue, for ordinary searches.
func (s *shop) words(ctx context.Context) (words []string, err error) {
	for offset := 0; offset < s.books; offset += s.books / 50 {
		var books []model.Book
		a := s.get(ctx, http.DefaultClient, "/api/books?limit=20&o="+strconv.Itoa(offset))
		if err := json.Unmarshal(a.body, &books); err != nil {
			return nil, err
		}
		for _, b := range books {
			for _, word := range strings.Fields(b.Title) {
				if utf8.RuneCountInString(word) > 4 {
					words = append(words, url.QueryEscape(word))
					break
				}
			}
		}
	}
	if len(words) == 0 {
		return nil, errors.New("the catalogue has no titles")
	}
	return words, nil
}

// load is what closed-loop clients got.
type load struct{ answered, refused, failed atomic.Int64 }

func (l *load) add(other *load) {
	l.answered.Add(other.answered.Load())
	l.refused.Add(other.refused.Load())
	l.failed.Add(other.failed.Load())
}

func (l *load) rate(d time.Duration) float64 { return float64(l.answered.Load()) / d.Seconds() }

// rounds is how often the best load and ten times as much alternate.
const rounds = 3

// press runs connections, each of which sends one request after the other for a time. A
// client that is refused waits as long as Retry-After says.
func (s *shop) press(ctx context.Context, connections int, d time.Duration, path func(i int) string) *load {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	l := &load{}
	var next atomic.Int64
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				a := s.get(ctx, client, path(int(next.Add(1))))
				switch {
				case ctx.Err() != nil:
				case a.status == http.StatusOK:
					l.answered.Add(1)
				case a.status == http.StatusServiceUnavailable:
					l.refused.Add(1)
					seconds, _ := strconv.Atoi(a.header.Get("Retry-After"))
					select {
					case <-ctx.Done():
					case <-time.After(time.Duration(seconds) * time.Second):
					}
				default:
					l.failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return l
}

// watch asks for a path every 50 ms until ctx ends, and returns how long the answers took.
func (s *shop) watch(ctx context.Context, path string) (took []time.Duration) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		begun := time.Now()
		if a := s.get(ctx, client, path); a.status != http.StatusOK && ctx.Err() == nil {
			took = append(took, time.Hour) // a failure is worse than slow
		} else if ctx.Err() == nil {
			took = append(took, time.Since(begun))
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return took
}

func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)*99+99)/100-1]
}

// saturation returns the number of connections at which throughput stops rising.
func (s *shop) saturation(ctx context.Context, step time.Duration, path func(i int) string) int {
	const most = 32
	rates := map[int]float64{}
	best := 0.0
	for n := 1; n <= most; n *= 2 {
		rates[n] = s.press(ctx, n, step, path).rate(step)
		best = max(best, rates[n])
	}
	for n := 1; n < most; n *= 2 {
		if rates[n] >= 0.95*best {
			return n
		}
	}
	return most
}

func (s *shop) measure(ctx context.Context, step time.Duration, path func(i int) string, words []string) (r row, err error) {
	ordinary := func(d time.Duration) time.Duration {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		i := 0
		var took []time.Duration
		for ctx.Err() == nil {
			i++
			begun := time.Now()
			if a := s.get(ctx, http.DefaultClient, "/api/books?q="+words[i%len(words)]); a.status == http.StatusOK {
				took = append(took, time.Since(begun))
			}
		}
		return p99(took)
	}
	r.before = ordinary(step)
	r.n = s.saturation(ctx, step, path)

	// Alternating rounds see the same changes of a machine that others use, too.
	var best, over load
	var ready, page []time.Duration
	for range rounds {
		best.add(s.press(ctx, r.n, step, path))
		watching, stop := context.WithCancel(ctx)
		var watchers sync.WaitGroup
		watchers.Go(func() { ready = append(ready, s.watch(watching, "/readyz")...) })
		watchers.Go(func() { page = append(page, s.watch(watching, "/books/1")...) })
		cpu := processorTime()
		over.add(s.press(ctx, 10*r.n, step, path))
		r.loadCPU += (processorTime() - cpu).Seconds() / (rounds * step).Seconds()
		stop()
		watchers.Wait()
	}
	r.best, r.overloaded = best.rate(rounds*step), over.rate(rounds*step)
	r.refused = float64(over.refused.Load()) / float64(max(1, over.refused.Load()+over.answered.Load()))
	r.ready, r.page = p99(ready), p99(page)
	if failed := best.failed.Load() + over.failed.Load(); failed > 0 {
		return r, fmt.Errorf("%d requests failed", failed)
	}
	if err := testbed.Sleep(ctx, time.Second); err != nil {
		return r, err
	}
	r.after = ordinary(step)
	return r, nil
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
