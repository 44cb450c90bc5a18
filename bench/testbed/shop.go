//go:build unix

package testbed

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
)

// Build builds the shop, or the control program of that name in bench/control.
func Build(ctx context.Context, program, control string, environ ...string) error {
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

// Import imports a file into a database, or into the data folder of dir if dsn is empty.
func Import(ctx context.Context, program, dir, dsn, file string) (took time.Duration, err error) {
	command := exec.CommandContext(ctx, program, "import", file)
	command.Dir = dir
	command.Env = append(os.Environ(), "EVENT_BOOKS_DB_DSN="+dsn)
	begun := time.Now()
	if output, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("import %s: %w\n%s", file, err, output)
	}
	return time.Since(begun), nil
}

// Shop is the program under test, on one data folder, over all its starts. Its methods may
// be called concurrently.
type Shop struct {
	// Program is the program's file, Dir its working directory, and Environ its whole
	// environment.
	Program, Dir string
	Environ      []string
	// Arguments are the command and its flags. None is the shop as a whole.
	Arguments []string
	log       io.Writer // receives the output of all starts
	// died is called when the program exits unexpectedly.
	died func(error)

	mu      sync.Mutex
	process *Process
	printed *Output       // output of the latest start
	up      chan struct{} // closed while searches are answered
	url     string
	ops     string // host:port of /metrics, or ""
	starts  int
	uptime  time.Duration
	since   time.Time
}

// NewShop prepares a shop that ignores the settings in this process's environment.
// environ has its settings, log gets the output of all its starts, and died is called when
// the program exits unexpectedly.
func NewShop(program, dir string, environ []string, log io.Writer, died func(error)) *Shop {
	s := &Shop{Program: program, Dir: dir, log: log, died: died, up: make(chan struct{})}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "EVENT_BOOKS_") { // ignore settings of the caller's environment
			s.Environ = append(s.Environ, entry)
		}
	}
	s.Environ = append(s.Environ, "EVENT_BOOKS_APP_LISTEN=127.0.0.1", "EVENT_BOOKS_APP_PORT=0", "EVENT_BOOKS_APP_OPS_LISTEN=127.0.0.1:0")
	s.Environ = append(s.Environ, environ...)
	return s
}

// Launch starts the program.
func (s *Shop) Launch() error {
	command := exec.Command(s.Program, s.Arguments...)
	command.Dir, command.Env = s.Dir, s.Environ
	printed := &Output{}
	command.Stdout = io.MultiWriter(printed, s.log)
	command.Stderr = command.Stdout
	process, err := Run(command)
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
		if s.process == process { // it wasn't ended by End
			text := printed.String()
			s.died(fmt.Errorf("the shop exited unexpectedly: %s\n%s", process.ProcessState, text[max(0, len(text)-8192):]))
		}
	}()
	return nil
}

// Ready waits until searches are answered.
func (s *Shop) Ready(ctx context.Context) error {
	var url string
	err := Eventually(ctx, time.Minute, func() error {
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

// End ends the program, if it runs, and returns its exit status.
func (s *Shop) End(signal syscall.Signal) (status int, err error) {
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

// Signal sends a signal that doesn't end the program.
func (s *Shop) Signal(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return ErrEnded
	}
	return s.process.Process.Signal(signal)
}

// Address waits until searches are answered. It returns the shop's URL and the number
// of the current start.
func (s *Shop) Address(ctx context.Context) (url string, start int, err error) {
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

// Uptime is the time for which searches were answered.
func (s *Shop) Uptime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uptime
}

// Gauge returns the value of a metric that the program reports.
func (s *Shop) Gauge(ctx context.Context, name string) (int, error) {
	s.mu.Lock()
	ops, printed := s.ops, s.printed
	s.mu.Unlock()
	if ops == "" && printed != nil { // a consumer alone doesn't listen for searches
		ops = printed.Attr("counting searches", "ops")
	}
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
	return gauge(response.Body, name)
}

// gauge returns the value of a metric in Prometheus' text format, summed over its labels.
func gauge(metrics io.Reader, name string) (sum int, err error) {
	found := false
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && (fields[0] == name || strings.HasPrefix(fields[0], name+"{")) {
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				return 0, err
			}
			sum += int(value)
			found = true
		}
	}
	if !found {
		return 0, errors.Join(errors.New("no metric "+name), lines.Err())
	}
	return sum, lines.Err()
}
