package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// ChildCommand is the command of this program that calls Child. It takes Options
// in the flags --dir, --listen, --advertise and --max-bytes.
const ChildCommand = "broker-child"

// childMemory is a soft limit for the heap. Without it, a start that reads a long
// log would use several times the log's size.
const childMemory = 256 << 20

// ErrReported marks an error of Child that the parent has received. The parent logs
// or shows it, so the child must not print it again.
var ErrReported = errors.New("reported to the parent")

// report is the single line that a child writes to its standard output: its
// address, or the error that kept it from listening.
type report struct {
	Addr  string `json:"addr,omitempty"`
	Error string `json:"error,omitempty"`
	// Setup says that the error is a SetupError, and Taken that it wraps
	// syscall.EADDRINUSE.
	Setup bool `json:"setup,omitempty"`
	Taken bool `json:"taken,omitempty"`
}

func (r report) err() error {
	switch {
	case r.Error == "":
		return nil
	case r.Taken:
		return &SetupError{Reason: r.Error, Err: syscall.EADDRINUSE}
	case r.Setup:
		return &SetupError{Reason: r.Error}
	default:
		return errors.New(r.Error)
	}
}

// Child is the process that a Supervisor starts. It serves until ctx or stdin ends;
// stdin ends with the parent, even if the parent is killed. Child writes one line
// for the Supervisor to stdout; nothing else may write there. Signals don't end it,
// because terminals and service managers send them to parent and child at once, and
// the parent may still have events to deliver.
func Child(ctx context.Context, opts Options, stdin io.Reader, stdout io.Writer, log *slog.Logger) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	debug.SetMemoryLimit(childMemory)
	keepPrivate()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // after an error, too, the parent is gone
		cancel()
		time.Sleep(endTimeout)
		os.Exit(1) // Serve hangs, and no parent is left to kill this process
	}()

	var ready bool
	send := func(r report) {
		if err := json.NewEncoder(stdout).Encode(r); err != nil {
			cancel() // the parent is gone
		}
	}
	err := Serve(ctx, opts, func(addr string) {
		ready = true
		send(report{Addr: addr})
	}, log)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("embedded broker: %w", err)
	if ready {
		return err
	}
	var setup *SetupError
	r := report{Error: err.Error(), Taken: errors.Is(err, syscall.EADDRINUSE)}
	if errors.As(err, &setup) {
		r.Setup, r.Error = true, setup.Reason
	}
	send(r)
	return fmt.Errorf("%w: %w", err, ErrReported)
}
