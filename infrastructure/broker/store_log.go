package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// storeLog passes kfake's messages on and watches them for failed writes,
// which kfake tells nobody else about.
type storeLog struct {
	log    *slog.Logger
	broken chan error // of size 1: the first one counts
}

// Logf never returns for a failed write. It is called by the one goroutine
// that answers requests, so the client whose write failed gets no answer, and
// no other request finds the state that the failure left behind.
func (l *storeLog) Logf(level kfake.LogLevel, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	switch {
	case strings.HasPrefix(format, "persist ") && !strings.HasPrefix(format, "persist to disk"):
		l.fail(message)
		select {}
	case strings.HasSuffix(format, "truncate: %v"):
		// At a start: what is written behind a torn batch would be cut off
		// with it at the next one.
		l.fail(message)
	}
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	l.log.Log(context.Background(), to, "broker: "+message)
}

func (l *storeLog) fail(message string) {
	select {
	case l.broken <- errors.New("the broker can't write: " + message):
	default:
	}
}
