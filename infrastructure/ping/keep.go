package ping

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxPause bounds the pause between two attempts to connect.
	maxPause = 5 * time.Second
	// steady is how long a connection must last until the next pause is short again.
	steady = 10 * time.Second
	// endTimeout is how long a stop waits for brokers that don't answer.
	endTimeout = time.Second
)

// keep calls hold, which holds a connection, again and again until ctx ends. Then it returns
// after endTimeout at most. It calls failed with the reason why a connection ended.
func keep(ctx context.Context, hold func(ctx context.Context) error, failed func(error)) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, maxPause
	for ctx.Err() == nil {
		begun := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- hold(ctx) }()
		var err error
		select {
		case err = <-ended:
		case <-ctx.Done():
			select {
			case <-ended:
			case <-time.After(endTimeout): // it ends in the background
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > steady {
			pause.Reset()
		}
		failed(err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// trouble logs the first of several failures, and their end.
type trouble struct {
	log          *slog.Logger
	begins, ends string

	mu sync.Mutex
	in bool
}

func (t *trouble) begin(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.in && err != nil {
		t.in = true
		t.log.Warn(t.begins, "error", err)
	}
}

func (t *trouble) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in {
		t.in = false
		t.log.Info(t.ends)
	}
}
