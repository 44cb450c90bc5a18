package application

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/tracing"
)

// lastTraces bounds the time for the last traces: they matter less than the last events.
const lastTraces = time.Second

// openTracing begins to send traces, if the environment names a collector.
func openTracing(ctx context.Context, log *slog.Logger) (*tracing.Tracing, error) {
	t, err := tracing.Open(ctx, log)
	if wrong, ok := errors.AsType[*tracing.VariableError](err); ok {
		return nil, &config.SettingError{Setting: wrong.Name, Origin: "environment", Reason: wrong.Reason}
	}
	return t, err
}

func closeTracing(ctx context.Context, t *tracing.Tracing) error {
	bounded, cancel := context.WithTimeout(ctx, lastTraces)
	defer cancel()
	return t.Close(bounded)
}
