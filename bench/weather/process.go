//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// endTimeout is how long a process may take to end when it is asked to.
const endTimeout = 30 * time.Second

// process is a child of ours.
type process struct {
	*exec.Cmd
	exited chan struct{}
}

func run(command *exec.Cmd) (*process, error) {
	// Out of the terminal's reach: Ctrl-C is for us, who then end it, even if
	// it is frozen.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command, make(chan struct{})}
	go func() {
		_ = p.Wait()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// end returns when the process is gone.
func (p *process) end(signal os.Signal) error {
	if p.ended() {
		return nil
	}
	if err := p.Process.Signal(signal); err != nil {
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

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var listening = regexp.MustCompile(`listening.*?(http://127\.0\.0\.1:\d+)`)

// url is "" until the process has told where it listens.
func (o *output) url() string {
	if found := listening.FindStringSubmatch(o.String()); found != nil {
		return found[1]
	}
	return ""
}

// errEnded: a process ended instead of answering.
var errEnded = errors.New("it ended")

// eventually tries until it succeeds, for a certain time, or until there is
// nothing left to wait for.
func eventually(ctx context.Context, within time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := try()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", within, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// sleep returns early, with an error, when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
