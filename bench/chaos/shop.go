//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

// build builds the shop, or the control program of that name in bench/control.
func build(ctx context.Context, program, control string, environ ...string) error {
	path := "literank.com/event-books"
	if control != "" {
		path += "/bench/control/" + control
	}
	command := exec.CommandContext(ctx, "go", "build", "-o", program, path)
	command.Env = append(os.Environ(), environ...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return nil
}

// shop is the program under test, on one data folder, over all its starts.
type shop struct {
	program, dir string
	environ      []string
	log          io.Writer // receives the output of all starts
	// died is called when the program exits unexpectedly.
	died func(error)

	mu      sync.Mutex
	process *testbed.Process
	printed *testbed.Output // output of the latest start
	up      chan struct{}   // closed while searches are answered
	url     string
	ops     string // host:port of /metrics, or ""
	starts  int
	uptime  time.Duration
	since   time.Time
}

func newShop(program, dir string, environ []string, log io.Writer, died func(error)) *shop {
	s := &shop{program: program, dir: dir, log: log, died: died, up: make(chan struct{})}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "EVENT_BOOKS_") { // ignore settings of the caller's environment
			s.environ = append(s.environ, entry)
		}
	}
	s.environ = append(s.environ, "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0")
	s.environ = append(s.environ, environ...)
	return s
}

// launch starts the program.
func (s *shop) launch() error {
	command := exec.Command(s.program)
	command.Dir, command.Env = s.dir, s.environ
	printed := &testbed.Output{}
	command.Stdout = io.MultiWriter(printed, s.log)
	command.Stderr = command.Stdout
	process, err := testbed.Run(command)
	if err != nil {
		return fmt.Errorf("start the shop: %w", err)
	}
	s.mu.Lock()
	s.process, s.printed = process, printed
	s.mu.Unlock()
	go func() {
		<-process.Exited()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.process == process { // it wasn't ended by end
			text := printed.String()
			s.died(fmt.Errorf("the shop exited unexpectedly: %s\n%s", process.ProcessState, text[max(0, len(text)-8192):]))
		}
	}()
	return nil
}

// ready waits until searches are answered.
func (s *shop) ready(ctx context.Context) error {
	var url string
	err := testbed.Eventually(ctx, time.Minute, func() error {
		if url = s.printed.URL(); url == "" {
			return errors.New("it doesn't listen")
		}
		response, err := http.Get(url + "/readyz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz: %s", response.Status)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("start the shop: %w\n%s", errors.Join(err, context.Cause(ctx)), s.printed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url, s.ops, s.since = url, s.printed.Attr("listening", "ops"), time.Now()
	s.starts++
	close(s.up)
	return nil
}

// end ends the program, if it runs, and returns its exit status.
func (s *shop) end(signal syscall.Signal) (status int, err error) {
	s.mu.Lock()
	process := s.process
	s.process = nil
	select {
	case <-s.up:
		s.up = make(chan struct{})
		s.uptime += time.Since(s.since)
	default:
	}
	s.mu.Unlock()
	if process == nil {
		return 0, nil
	}
	err = process.End(signal)
	return process.ProcessState.ExitCode(), err
}

// address waits until searches are answered. It returns the shop's URL and the number
// of the current start.
func (s *shop) address(ctx context.Context) (url string, start int, err error) {
	for {
		s.mu.Lock()
		up := s.up
		url, start = s.url, s.starts
		s.mu.Unlock()
		select {
		case <-up:
			return url, start, nil
		default:
		}
		select {
		case <-up:
		case <-ctx.Done():
			return "", 0, context.Cause(ctx)
		}
	}
}

const spoolRecords = "event_books_spool_records"

// spooled returns the number of waiting records that the shop reports.
func (s *shop) spooled(ctx context.Context) (int, error) {
	s.mu.Lock()
	ops := s.ops
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ops+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return gauge(response.Body, spoolRecords)
}

// gauge returns the value of a metric in Prometheus' text format.
func gauge(metrics io.Reader, name string) (int, error) {
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && (fields[0] == name || strings.HasPrefix(fields[0], name+"{")) {
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			return int(value), err
		}
	}
	return 0, errors.Join(errors.New("no metric "+name), lines.Err())
}
