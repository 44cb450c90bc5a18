package broker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// startTimeout covers waiting for a previous broker and reading full partitions of
	// DefaultMaxBytes.
	startTimeout = 30 * time.Second
	// endTimeout is slightly longer than the child's own timeout.
	endTimeout = closeTimeout + 2*time.Second
	// steadyAfter is the uptime after which a child's exit resets the pause between
	// restarts.
	steadyAfter = time.Minute
)

// Supervisor runs a broker in a child process: this program, started with
// ChildCommand. It restarts the child on the same address whenever it exits, so
// clients see only a short outage.
type Supervisor struct {
	opts    Options
	program string // empty: this program
	flags   []string
	log     *slog.Logger

	pauses *backoff.ExponentialBackOff // between restarts

	stop, kill context.CancelFunc // stop asks the child to end, kill forces it
	done       chan struct{}
	err        error // the last child's error; valid once done is closed
}

// NewSupervisor prepares a broker; Start starts it. The flags are appended to the
// child's command line, for options that this package doesn't know, such as the log
// format. The child logs to this process's standard error.
func NewSupervisor(opts Options, log *slog.Logger, flags ...string) *Supervisor {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 100 * time.Millisecond
	pauses.Multiplier = 2
	pauses.MaxInterval = 15 * time.Second
	return &Supervisor{opts: opts, flags: flags, log: log, pauses: pauses}
}

// Start starts the broker and returns its address once it answers. If the
// configuration must change, the error is a *SetupError. The context bounds only the
// start; use Close to end the broker. Call Start at most once.
func (s *Supervisor) Start(ctx context.Context) (addr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.startTimeout())
	defer cancel()
	first, addr, err := s.spawn(ctx)
	if err != nil {
		return "", err
	}
	s.opts.Listen = addr
	s.log.Info("broker: listening", "addr", addr, "dir", s.opts.Dir, "pid", first.cmd.Process.Pid)

	stopped, stop := context.WithCancel(context.Background())
	killed, kill := context.WithCancel(context.Background())
	s.stop, s.kill, s.done = stop, kill, make(chan struct{})
	go s.supervise(stopped, killed, first)
	return addr, nil
}

// startTimeout grows with the bound of partitions, because a start reads them.
func (s *Supervisor) startTimeout() time.Duration {
	return startTimeout * time.Duration(max(1, s.opts.maxBytes()/DefaultMaxBytes))
}

// Close ends the child properly, or kills it when ctx ends first. It does nothing if
// the broker was never started.
func (s *Supervisor) Close(ctx context.Context) error {
	if s.done == nil {
		return nil
	}
	s.stop()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.kill()
		<-s.done
	}
	s.kill() // releases the context
	return s.err
}

// supervise restarts the child until stopped ends.
func (s *Supervisor) supervise(stopped, killed context.Context, c *child) {
	defer close(s.done)
	for {
		since := time.Now()
		select {
		case <-stopped.Done():
			s.err = c.end(killed)
			return
		case <-c.ended:
		}
		s.log.Error("broker: exited unexpectedly, restarting", "error", c.err)
		if time.Since(since) > steadyAfter {
			s.pauses.Reset()
		}
		if c = s.restart(stopped); c == nil {
			return
		}
		s.log.Info("broker: listening again", "addr", s.opts.Listen, "pid", c.cmd.Process.Pid)
	}
}

// restart retries until a child runs, or returns nil when ctx ends. It retries after
// every error: a program that took the address may release it again.
func (s *Supervisor) restart(ctx context.Context) *child {
	var last string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.pauses.NextBackOff()):
		}
		starting, cancel := context.WithTimeout(ctx, s.startTimeout())
		c, _, err := s.spawn(starting)
		cancel()
		switch {
		case err == nil:
			return c
		case ctx.Err() == nil && err.Error() != last:
			last = err.Error()
			s.log.Error("broker: restart failed, retrying", "error", err)
		}
	}
}

// spawn starts a child and waits for its report. If it fails, it leaves no child
// running.
func (s *Supervisor) spawn(ctx context.Context) (*child, string, error) {
	c, err := s.startChild()
	if err != nil {
		return nil, "", fmt.Errorf("start the broker's process: %w", err)
	}
	select {
	case r, ok := <-c.report:
		if ok && r.Error == "" {
			return c, r.Addr, nil
		}
		_ = c.end(ctx) // the report has the better error
		if err = r.err(); !ok {
			err = fmt.Errorf("the broker's process ended before it was ready: %w", c.err)
		}
	case <-ctx.Done():
		err = fmt.Errorf("wait for the broker: %w", context.Cause(ctx))
		_ = c.end(ctx)
	}
	return nil, "", err
}

// child is a started process.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer     // closing it asks the child to end
	report chan report   // closed without a value if the child sends no report
	ended  chan struct{} // closed when the process is gone
	err    error         // valid once ended is closed
}

func (s *Supervisor) startChild() (*child, error) {
	program := s.program
	if program == "" {
		var err error
		if program, err = executable(); err != nil {
			return nil, err
		}
	}
	args := append([]string{ChildCommand, "--dir", s.opts.Dir, "--listen", s.opts.Listen,
		"--advertise", s.opts.Advertise, "--max-bytes", strconv.Itoa(s.opts.maxBytes())}, s.flags...)
	cmd := exec.Command(program, args...)
	cmd.Args[0] = os.Args[0] // the name that ps shows
	cmd.Stderr = os.Stderr   // the handle itself, so the child can log after this process is gone
	ownGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}

	c := &child{cmd: cmd, stdin: stdin, report: make(chan report, 1), ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadBytes('\n'); err == nil {
			var r report
			if err := json.Unmarshal(line, &r); err != nil {
				r.Error = fmt.Sprintf("the broker's process wrote %.100q instead of a report", line)
			}
			c.report <- r
		}
		_, _ = io.Copy(io.Discard, lines) // until the child exits
		c.err = cmd.Wait()
		if c.err == nil {
			c.err = errors.New("exit status 0")
		}
		close(c.report)
	}()
	return c, nil
}

// end asks the child to exit and waits. It kills the child when killed ends or after
// endTimeout. It returns an error if the child's exit status isn't 0.
func (c *child) end(killed context.Context) error {
	_ = c.stdin.Close() // the child may be gone already
	select {
	case <-c.ended:
	case <-killed.Done():
	case <-time.After(endTimeout):
	}
	select {
	case <-c.ended:
	default:
		_ = killGroup(c.cmd.Process) // fails if the child has just exited
		<-c.ended
	}
	if c.cmd.ProcessState.Success() {
		return nil
	}
	return fmt.Errorf("the broker's process: %w", c.err)
}

// executable returns the path of this program. On Linux it is a link to the running
// program, which works even if the file was removed, as after `go run` or an upgrade.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}
