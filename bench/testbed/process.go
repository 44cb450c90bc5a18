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

// endTimeout is how long a process may take to end when it is asked to.
const endTimeout = 30 * time.Second

// Process is a child of ours.
type Process struct {
	*exec.Cmd
	exited chan struct{}
}

// Run starts a command, out of the terminal's reach: Ctrl-C is for us, who
// then end it, even if it is frozen.
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

// Exited is closed once the process is gone; ProcessState is set then.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Ended tells whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// End returns when the process is gone. One that doesn't heed the signal
// within 30 s is killed, which is an error.
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

// ErrEnded: a process ended instead of answering.
var ErrEnded = errors.New("it ended")

// Eventually tries until it succeeds, for a certain time, or until there is
// nothing left to wait for: ErrEnded.
func Eventually(ctx context.Context, within time.Duration, try func() error) error {
	return EventuallyEvery(ctx, 50*time.Millisecond, within, try)
}

// EventuallyEvery is Eventually with another pause between two tries.
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

// Sleep returns early, with an error, when ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
