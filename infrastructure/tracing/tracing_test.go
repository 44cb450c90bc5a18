package tracing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func start(t *testing.T) (*Tracing, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracing, err := Start(t.Context(), sdktrace.NewSimpleSpanProcessor(Discreet(spans)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, tracing.Close(context.Background())) })
	return tracing, spans
}

func TestWhenTracesAreSent(t *testing.T) {
	for environ, want := range map[string]string{
		"": "off",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318":                                                                   "on",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c/traces":                                                          "on",
		"OTEL_TRACES_EXPORTER=otlp":                                                                                   "on",
		"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://c":                                              "off",
		"OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=http://c":                                                 "off",
		"OTEL_SERVICE_NAME=shop OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c":                                         "off",
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                                                            "off",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf":                              "on",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                                       `OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, not "grpc"`,
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf": "on",
		"OTEL_TRACES_EXPORTER=zipkin":                                                                                 `OTEL_TRACES_EXPORTER: must be otlp or none, not "zipkin"`,
	} {
		variables := map[string]string{}
		for _, variable := range strings.Fields(environ) {
			name, value, _ := strings.Cut(variable, "=")
			variables[name] = value
		}
		on, err := configured(func(name string) string { return variables[name] })
		got := map[bool]string{true: "on", false: "off"}[on]
		if err != nil {
			got = err.Error()
			assert.False(t, on)
		}
		assert.Equal(t, want, got, environ)
	}
}

func TestWithoutTracing(t *testing.T) {
	require.False(t, On())
	var none *Tracing
	assert.Nil(t, none.Provider())
	assert.NoError(t, none.Close(t.Context()))
	same, end := Span(t.Context(), "x")
	assert.Equal(t, t.Context(), same)
	end(errors.New("x"))
	assert.Empty(t, Parent(t.Context()))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, end := Span(t.Context(), "x")
		end(nil)
		_, end = Messages(t.Context(), "x", Sends, "topic", nil)
		end(nil)
	}))
}

func TestMessagesContinueATrace(t *testing.T) {
	_, spans := start(t)
	var parents []string
	for i := range 3 {
		ctx, end := Span(t.Context(), fmt.Sprint("request ", i))
		parents = append(parents, Parent(ctx))
		assert.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", parents[i])
		end(nil)
	}
	notSampled := strings.TrimSuffix(parents[2], "1") + "0"
	ctx, end := Messages(t.Context(), "process", Handles, "topic", []string{"", "rubbish", notSampled, parents[0], parents[1], parents[0]})
	_, endChild := Span(ctx, "transaction")
	endChild(errors.New("Duplicate entry 'secret keyword'"))
	end(nil)
	found := spans.GetSpans()
	require.Len(t, found, 5)
	child, batch := found[3], found[4]
	assert.Equal(t, "process topic", batch.Name)
	assert.Equal(t, trace.SpanKindConsumer, batch.SpanKind)
	assert.Equal(t, found[0].SpanContext.TraceID(), batch.SpanContext.TraceID(), "it continues the first trace")
	assert.Equal(t, found[0].SpanContext.SpanID(), batch.Parent.SpanID())
	require.Len(t, batch.Links, 1)
	assert.Equal(t, found[1].SpanContext.TraceID(), batch.Links[0].SpanContext.TraceID())
	assert.Equal(t, batch.SpanContext.SpanID(), child.Parent.SpanID())
	assert.Equal(t, sdktrace.Status{Code: codes.Error}, child.Status)

	spans.Reset()
	_, end = Messages(t.Context(), "process", Handles, "topic", []string{"", notSampled})
	end(nil)
	assert.Empty(t, spans.GetSpans(), "nobody wants it")
	_, end = Messages(t.Context(), "send", Sends, "topic", many(t, 1000))
	end(nil)
	assert.Len(t, spans.GetSpans()[1000].Links, maxLinks)
}

func many(t *testing.T, n int) (parents []string) {
	for range n {
		ctx, end := Span(t.Context(), "request")
		parents = append(parents, Parent(ctx))
		end(nil)
	}
	return parents
}

// Whatever a library adds to a span, only what is allowed leaves the process.
func TestSpansAreDiscreet(t *testing.T) {
	tracing, spans := start(t)
	_, span := tracing.Provider().Tracer("a library").Start(t.Context(), "GET /api/books", trace.WithAttributes(
		attribute.String("http.route", "/api/books"), attribute.String("url.query", "q=secret"), attribute.String("url.path", "/secret"),
		attribute.String("client.address", "secret"), attribute.String("user_agent.original", "secret"),
	))
	span.AddEvent("secret")
	span.RecordError(errors.New("secret"))
	span.SetStatus(codes.Error, "secret")
	span.End()
	found := spans.GetSpans()[0]
	assert.Equal(t, []attribute.KeyValue{attribute.String("http.route", "/api/books")}, found.Attributes)
	assert.Empty(t, found.Events)
	assert.Equal(t, sdktrace.Status{Code: codes.Error}, found.Status)
	assert.NotContains(t, fmt.Sprintf("%+v", found), "secret")
	service, _ := found.Resource.Set().Value("service.name")
	assert.Equal(t, "event-books", service.AsString())
}
