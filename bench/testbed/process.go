//go:build unix

package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// endTimeout bounds the time from a signal to the end of a process.
const endTimeout = 30 * time.Second

// Process is a child process.
type Process struct {
	*exec.Cmd
	exited chan struct{}
}

// Run starts a command in its own process group. Ctrl-C then reaches only the caller,
// which ends the process, even if it is frozen.
func Run(command *exec.Cmd) (*Process, error) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &Process{command, make(chan struct{})}
	go func() {
		_ = p.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Exited returns a channel that closes when the process is gone. ProcessState is set
// then.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Ended reports whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// End sends the signal and returns when the process is gone. If the process doesn't end
// within 30 s, End kills it and returns an error.
func (p *Process) End(signal os.Signal) error {
	if p.Ended() {
		return nil
	}
	if err := p.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(endTimeout):
	}
	if err := p.Process.Kill(); err != nil {
		return err
	}
	<-p.exited
	return fmt.Errorf("%s had to be killed", p.Path)
}

// ErrEnded means that a process ended before it answered.
var ErrEnded = errors.New("it ended")

// Eventually retries until try succeeds, the time is over, or try returns ErrEnded.
func Eventually(ctx context.Context, within time.Duration, try func() error) error {
	return EventuallyEvery(ctx, 50*time.Millisecond, within, try)
}

// EventuallyEvery is Eventually with another pause between two attempts.
func EventuallyEvery(ctx context.Context, pause, within time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := try()
		if err == nil || errors.Is(err, ErrEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", within, err)
		case <-time.After(pause):
		}
	}
}

// Sleep waits for d. It returns early, with an error, when ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
