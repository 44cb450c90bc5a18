//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load is the result of searching in a server.
type load struct {
	searches  int
	took      time.Duration
	latencies []time.Duration
	started   time.Time
	// moments are the times of the answers since started.
	moments []time.Duration
}

func (l *load) perSecond() float64 { return float64(l.searches) / l.took.Seconds() }

// between returns the searches per second that were answered in a part of the time.
func (l *load) between(from, to time.Duration) float64 {
	n := 0
	for _, moment := range l.moments {
		if from <= moment && moment < to {
			n++
		}
	}
	return float64(n) / (to - from).Seconds()
}

// percentile returns a latency; p is from 0 to 100.
func (l *load) percentile(p float64) time.Duration {
	if len(l.latencies) == 0 {
		return 0
	}
	sorted := slices.Clone(l.latencies)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p/100))]
}

// search searches over several connections until ctx ends, one search at a time on each.
// It implements only the HTTP that it needs, because it shares the processors with the
// server.
func search(ctx context.Context, address string, connections int) (*load, error) {
	l := &load{started: time.Now()}
	var mu sync.Mutex
	var clients sync.WaitGroup
	var failed error
	for c := range connections {
		clients.Go(func() {
			latencies, moments, err := searchOn(ctx, address, c, l.started)
			mu.Lock()
			defer mu.Unlock()
			l.searches += len(latencies)
			l.latencies = append(l.latencies, latencies...)
			l.moments = append(l.moments, moments...)
			failed = errors.Join(failed, err)
		})
	}
	clients.Wait()
	l.took = time.Since(l.started)
	return l, failed
}

func searchOn(ctx context.Context, address string, client int, begun time.Time) (latencies, moments []time.Duration, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	for n := 0; ctx.Err() == nil; n++ {
		request := fmt.Appendf(nil, "GET /api/books?q=keyword+%d HTTP/1.1\r\nHost: shop\r\nUser-Agent: bench\r\n\r\n", (client*31+n)%1000)
		sent := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, nil, err
		}
		if err := readAnswer(answers); err != nil {
			return nil, nil, err
		}
		latencies = append(latencies, time.Since(sent))
		moments = append(moments, time.Since(begun))
	}
	return latencies, moments, nil
}

// readAnswer reads an answer with status 200 and a Content-Length.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answered %s", bytes.TrimSpace(line))
	}
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("answered without a length")
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return err
}
