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

// ChildCommand is the command of this program that calls Child, with the flags
// --dir, --listen and --advertise for Options.
const ChildCommand = "broker-child"

// childMemory makes the collector work harder, rather than let a start that
// reads a long log grow to several times that log.
const childMemory = 256 << 20

// ErrReported marks an error of Child that its parent has been told, and will
// log or show: a child that prints it as well says it twice.
var ErrReported = errors.New("reported to the parent")

// report is the one line that a child writes to its standard output: its
// address, or why it has none.
type report struct {
	Addr  string `json:"addr,omitempty"`
	Error string `json:"error,omitempty"`
	// Setup and Taken carry a SetupError over, and whether it wraps
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

// Child is the other end of a Supervisor: it serves until ctx or stdin ends,
// and stdin ends with the parent, however that dies. It writes one line to
// stdout, for the Supervisor, and nothing else may be written there. Signals
// don't end it: a terminal or a service manager sends them to parent and child
// alike, and the parent may have events left to deliver.
func Child(ctx context.Context, opts Options, stdin io.Reader, stdout io.Writer, log *slog.Logger) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	debug.SetMemoryLimit(childMemory)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // however it ends, the parent is gone
		cancel()
		time.Sleep(endTimeout)
		os.Exit(1) // it hangs, and nobody is left to kill it
	}()

	var ready bool
	tell := func(r report) {
		if err := json.NewEncoder(stdout).Encode(r); err != nil {
			cancel() // nobody listens
		}
	}
	err := Serve(ctx, opts, func(addr string) {
		ready = true
		tell(report{Addr: addr})
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
	tell(r)
	return fmt.Errorf("%w: %w", err, ErrReported)
}
