// Package tracing sends spans to an OpenTelemetry collector, if the standard variables
// (OTEL_…) name one. Otherwise its functions do nothing, and cost next to nothing. Only this
// package and the adapter's middleware know OpenTelemetry.
//
// One process has one tracing, as OpenTelemetry itself has: what spans are made of runs
// everywhere, and passing a tracer to all of it would say nothing.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

const (
	// serviceName is the service.name unless the environment has another one.
	serviceName = "event-books"
	// maxLinks is the number of traces that a batch is linked to.
	maxLinks = 100
)

// VariableError is a variable with a value that can't be used.
type VariableError struct{ Name, Reason string }

func (e *VariableError) Error() string { return e.Name + ": " + e.Reason }

// Tracing sends the spans of this process. A nil Tracing sends none.
type Tracing struct{ provider *sdktrace.TracerProvider }

// current makes the spans of this process; nil if tracing is off.
var current atomic.Pointer[trace.Tracer]

// Open begins to send spans as the environment says. It returns nil if that names no
// collector, and a *VariableError if it asks for something that isn't supported. It doesn't
// wait for the collector.
func Open(ctx context.Context, log *slog.Logger) (*Tracing, error) {
	on, err := configured(os.Getenv)
	if err != nil || !on {
		return nil, err
	}
	failures := rate.Sometimes{First: 1, Interval: time.Minute}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failures.Do(func() { log.Warn("traces can't be sent", "error", err) })
	}))
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return Start(ctx, sdktrace.NewBatchSpanProcessor(Discreet(exporter)))
}

// configured reports whether variables ask for traces.
func configured(variable func(string) string) (on bool, err error) {
	if strings.EqualFold(variable("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	exporter := variable("OTEL_TRACES_EXPORTER")
	switch exporter {
	case "none":
		return false, nil
	case "", "otlp":
	default:
		return false, &VariableError{"OTEL_TRACES_EXPORTER", fmt.Sprintf("must be otlp or none, not %q", exporter)}
	}
	on = exporter == "otlp"
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
		on = on || variable(prefix+"ENDPOINT") != ""
	}
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
		if protocol := variable(prefix + "PROTOCOL"); on && protocol != "" {
			if protocol != "http/protobuf" {
				err = &VariableError{prefix + "PROTOCOL", fmt.Sprintf("must be http/protobuf, not %q", protocol)}
			}
			break // the first one counts
		}
	}
	return on && err == nil, err
}

// Start passes the spans of this process to a processor, until Close. Tests use it.
func Start(ctx context.Context, processor sdktrace.SpanProcessor) (*Tracing, error) {
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", serviceName)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	t := &Tracing{sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithSpanProcessor(processor))}
	tracer := t.provider.Tracer("literank.com/event-books")
	current.Store(&tracer)
	return t, nil
}

// Provider returns what makes spans, or nil.
func (t *Tracing) Provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.provider
}

// Close sends what is left until ctx ends. No more spans are made.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	current.Store(nil)
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// On reports whether spans are made.
func On() bool { return current.Load() != nil }

// Span begins a span below the one in ctx. end ends it; an error marks it as failed. Names
// and attributes must say nothing about shoppers.
func Span(ctx context.Context, name string) (_ context.Context, end func(failed error)) {
	tracer := current.Load()
	if tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := (*tracer).Start(ctx, name)
	return ctx, ending(span)
}

// ending leaves the error's text out: it may have a keyword.
func ending(span trace.Span) func(error) {
	return func(failed error) {
		if failed != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Role is what a process does with messages.
type Role trace.SpanKind

const (
	Sends   = Role(trace.SpanKindProducer)
	Handles = Role(trace.SpanKindConsumer)
)

// Messages begins a span about messages of a topic, given the traceparent of each, which may
// be empty. It continues the trace of the first one that is sampled, and has links to the
// others. If none is, there is no span.
func Messages(ctx context.Context, name string, role Role, topic string, traceparents []string) (_ context.Context, end func(failed error)) {
	tracer := current.Load()
	var parent trace.SpanContext
	var links []trace.Link
	for _, traceparent := range traceparents {
		if traceparent == "" || tracer == nil || len(links) >= maxLinks {
			continue
		}
		switch of := parse(traceparent); {
		case !of.IsSampled():
		case !parent.IsValid():
			parent = of
		case !parent.Equal(of):
			links = append(links, trace.Link{SpanContext: of})
		}
	}
	if !parent.IsValid() {
		return ctx, func(error) {}
	}
	ctx, span := (*tracer).Start(trace.ContextWithRemoteSpanContext(ctx, parent), name+" "+topic, trace.WithSpanKind(trace.SpanKind(role)), trace.WithLinks(links...),
		trace.WithAttributes(attribute.String(topicKey, topic), attribute.Int(countKey, len(traceparents))))
	return ctx, ending(span)
}

// carrier has one field.
type carrier string

func (c *carrier) Get(key string) string {
	if key == "traceparent" {
		return string(*c)
	}
	return ""
}

func (c *carrier) Set(key, value string) {
	if key == "traceparent" {
		*c = carrier(value)
	}
}

func (c *carrier) Keys() []string { return []string{"traceparent"} }

// parse returns the span that a traceparent (W3C) names. It is invalid if that is no
// traceparent.
func parse(traceparent string) trace.SpanContext {
	c := carrier(traceparent)
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), &c))
}

// Parent returns the traceparent (W3C) of the span in ctx, or "" if there is none.
func Parent(ctx context.Context) string {
	if !On() {
		return ""
	}
	var c carrier
	propagation.TraceContext{}.Inject(ctx, &c)
	return string(c)
}
