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
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// startTimeout covers the wait for a predecessor and reading a full log.
	startTimeout = 30 * time.Second
	// endTimeout is a little more than the child allows itself.
	endTimeout = closeTimeout + 2*time.Second
	// steadyAfter is how long a child has to live for its end to count as the
	// first of its kind.
	steadyAfter = time.Minute
)

// Supervisor runs a broker in a child process, this program started again with
// ChildCommand, and starts it again, on the same address, whenever it ends. Its
// clients see a broker that is away for a moment.
type Supervisor struct {
	opts    Options
	program string // empty: this one
	flags   []string
	log     *slog.Logger

	pauses *backoff.ExponentialBackOff // between restarts

	stop, kill context.CancelFunc // ask the child to end, and make it
	done       chan struct{}
	err        error // how the last child ended, once done is closed
}

// NewSupervisor prepares a broker; Start starts it. The flags are added to the
// child's command line, for what this package doesn't know, such as the form
// of the log: the child's log is its standard error, which is ours.
func NewSupervisor(opts Options, log *slog.Logger, flags ...string) *Supervisor {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 100 * time.Millisecond
	pauses.Multiplier = 2
	pauses.MaxInterval = 15 * time.Second
	return &Supervisor{opts: opts, flags: flags, log: log, pauses: pauses}
}

// Start returns the address that the broker listens on once it answers, or the
// reason why it doesn't: a *SetupError when the configuration has to change.
// The context bounds the start alone; Close ends what was started. Start is
// called once.
func (s *Supervisor) Start(ctx context.Context) (addr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
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

// Close ends the child in order, and by force when ctx ends first. A broker
// that was never started is closed.
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
	s.kill() // releases its context
	return s.err
}

// supervise owns the child until stopped ends.
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
		s.log.Error("broker: ended unasked, starting it again", "error", c.err)
		if time.Since(since) > steadyAfter {
			s.pauses.Reset()
		}
		if c = s.restart(stopped); c == nil {
			return
		}
		s.log.Info("broker: listening again", "addr", s.opts.Listen, "pid", c.cmd.Process.Pid)
	}
}

// restart tries until there is a child or ctx ends, and returns nil then. No
// error is final now: whoever took the address meanwhile may leave it again.
func (s *Supervisor) restart(ctx context.Context) *child {
	var last string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.pauses.NextBackOff()):
		}
		starting, cancel := context.WithTimeout(ctx, startTimeout)
		c, _, err := s.spawn(starting)
		cancel()
		switch {
		case err == nil:
			return c
		case ctx.Err() == nil && err.Error() != last:
			last = err.Error()
			s.log.Error("broker: can't start again, trying on", "error", err)
		}
	}
}

// spawn starts a child and waits for its report. No child is left when it
// fails.
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
		_ = c.end(ctx) // the report says more
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
	stdin  io.Closer     // its end is the order to end
	report chan report   // closed without a report when there is none
	ended  chan struct{} // closed when the process is gone
	err    error         // how it ended, once ended is closed
}

func (s *Supervisor) startChild() (*child, error) {
	program := s.program
	if program == "" {
		var err error
		if program, err = executable(); err != nil {
			return nil, err
		}
	}
	args := append([]string{ChildCommand,
		"--dir", s.opts.Dir, "--listen", s.opts.Listen, "--advertise", s.opts.Advertise}, s.flags...)
	cmd := exec.Command(program, args...)
	cmd.Args[0] = os.Args[0] // what ps shows
	cmd.Stderr = os.Stderr   // the very handle: the child can log after we are gone
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
				r.Error = fmt.Sprintf("the broker's process wrote %.100q in place of a report", line)
			}
			c.report <- r
		}
		_, _ = io.Copy(io.Discard, lines) // until it ends
		c.err = cmd.Wait()
		if c.err == nil {
			c.err = errors.New("exit status 0")
		}
		close(c.report)
	}()
	return c, nil
}

// end asks the child to end and waits, but kills it when killed ends or it
// takes too long. The error tells that it didn't end well.
func (c *child) end(killed context.Context) error {
	_ = c.stdin.Close() // it may be gone already
	select {
	case <-c.ended:
	case <-killed.Done():
	case <-time.After(endTimeout):
	}
	select {
	case <-c.ended:
	default:
		_ = killGroup(c.cmd.Process) // fails when it just ended
		<-c.ended
	}
	if c.cmd.ProcessState.Success() {
		return nil
	}
	return fmt.Errorf("the broker's process: %w", c.err)
}

// executable names this program's file. On Linux it is the link to the running
// one, which holds when the file itself is gone, as after `go run` or an
// upgrade.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}
