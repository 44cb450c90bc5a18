//go:build unix

package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// EmbeddedBroker is the program's own broker in a process of its own, behind a forwarder.
// Only the caller uses it, so the caller may kill and freeze it.
type EmbeddedBroker struct {
	*Forwarder
	// Front is host:port of the forwarder. The broker leads all clients there.
	Front string

	program, dir string
	address      string // of the broker itself
	process      *Process
	printed      *Output
}

// NewEmbeddedBroker prepares the broker of a program, on an empty folder, without starting it.
func NewEmbeddedBroker(program, dir string) (*EmbeddedBroker, error) {
	port, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	b := &EmbeddedBroker{program: program, dir: dir, address: local(port), printed: &Output{}}
	if b.Forwarder, err = NewForwarder("127.0.0.1:0", b.address); err != nil {
		return nil, err
	}
	b.Front = b.Forwarder.Addr().String()
	return b, nil
}

// Start returns when the broker listens.
func (b *EmbeddedBroker) Start(ctx context.Context) (err error) {
	command := exec.Command(b.program, "broker")
	command.Dir = b.dir
	command.Env = append(os.Environ(), "EVENT_BOOKS_MQ_LISTEN="+b.address, "EVENT_BOOKS_MQ_ADVERTISE="+b.Front)
	b.printed = &Output{}
	command.Stdout, command.Stderr = b.printed, b.printed
	if b.process, err = Run(command); err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	return Eventually(ctx, time.Minute, func() error {
		if b.process.Ended() {
			return fmt.Errorf("start the embedded broker: %w\n%s", ErrEnded, b.printed)
		}
		conn, err := net.Dial("tcp", b.address)
		if err != nil {
			return err
		}
		conn.Close()
		_, err = b.child()
		return err
	})
}

// child is the process that speaks to clients. Another one watches it.
func (b *EmbeddedBroker) child() (pid int, err error) {
	text := cmp.Or(b.printed.Attr("broker: listening again", "pid"), b.printed.Attr("broker: listening", "pid"))
	if pid, err = strconv.Atoi(text); err != nil {
		return 0, fmt.Errorf("the process of the embedded broker is unknown: %w", err)
	}
	return pid, nil
}

// Kill kills the broker, if it runs.
func (b *EmbeddedBroker) Kill() error {
	if b.process == nil || b.process.Ended() {
		return nil
	}
	pid, err := b.child()
	if err := errors.Join(err, b.process.End(syscall.SIGKILL)); err != nil {
		return err
	}
	// It ends by itself, too, when the other process is gone.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the embedded broker: %w", err)
	}
	return nil
}

// Freeze stops the process that speaks to clients: connections stay open but get no answers.
// Thaw continues it.
func (b *EmbeddedBroker) Freeze() error { return b.signal(syscall.SIGSTOP) }
func (b *EmbeddedBroker) Thaw() error   { return b.signal(syscall.SIGCONT) }

func (b *EmbeddedBroker) signal(signal syscall.Signal) error {
	pid, err := b.child()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// Log is what the broker has printed since it was started.
func (b *EmbeddedBroker) Log() string { return b.printed.String() }

// Close kills the broker and closes the forwarder.
func (b *EmbeddedBroker) Close() error { return errors.Join(b.Kill(), b.Forwarder.Close()) }

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreePorts returns the first of n free ports on 127.0.0.1. They lie below the range from
// which systems choose, so no other program gets one while its server is down.
func FreePorts(n int) (first int, err error) {
	for range 100 {
		first = 10_000 + rand.IntN(20_000-n)
		if err = listenAll(first, n); err == nil {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d ports are free: %w", n, err)
}

func listenAll(first, n int) error {
	for port := first; port < first+n; port++ {
		listener, err := net.Listen("tcp", local(port))
		if err != nil {
			return err
		}
		defer listener.Close()
	}
	return nil
}
