package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// storeLog forwards kfake's log messages and watches for failed writes, which kfake
// reports only there.
type storeLog struct {
	log    *slog.Logger
	broken chan error // of size 1: only the first error counts
}

// Logf never returns after a failed write. The goroutine that calls it is the only one
// that answers requests. So the client gets no answer, and no other request sees the
// state after the failure.
func (l *storeLog) Logf(level kfake.LogLevel, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	switch {
	case strings.HasPrefix(format, "persist ") && !strings.HasPrefix(format, "persist to disk"):
		l.fail(message)
		select {}
	case strings.HasSuffix(format, "truncate: %v"):
		// This happens at a start. Later writes would follow the torn batch, and
		// the next start would cut them off with it.
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
