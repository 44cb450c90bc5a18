package adapter

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"literank.com/event-books/infrastructure/tracing"
)

func TestTracesOfRequests(t *testing.T) {
	const parent, id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"
	spans := tracetest.NewInMemoryExporter()
	traced, err := tracing.Start(t.Context(), sdktrace.NewSimpleSpanProcessor(tracing.Discreet(spans)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, traced.Close(context.Background())) })
	with := func(proxies ...string) *shop {
		return newShop(t, func(with *setup) { with.Tracer, with.TrustedProxies = traced.Provider(), proxies })
	}
	take := func() tracetest.SpanStubs {
		defer spans.Reset()
		return spans.GetSpans()
	}

	s := with()
	for _, target := range []string{"/livez", "/readyz", "/robots.txt", "/static/shop.css"} {
		s.get(target)
	}
	assert.Empty(t, take(), "operations and files have no spans")
	s.get("/api/books?q=secretword", "User-Agent", "secret agent", "X-Forwarded-For", "203.0.113.77", "Traceparent", parent)
	s.get("/nowhere/secretword")
	s.do("SECRETWORD", "/books/1", "")
	found := take()
	require.Len(t, found, 3)
	assert.Equal(t, "GET /api/books", found[0].Name)
	assert.NotEqual(t, id, found[0].SpanContext.TraceID().String(), "a client can't choose the trace")
	event := s.events.take()[0]
	assert.Contains(t, event.headers["traceparent"], found[0].SpanContext.TraceID().String())
	for _, span := range found {
		text := fmt.Sprintf("%+v", span)
		for _, secret := range []string{"secretword", "SECRETWORD", "secret agent", "203.0.113.77", "192.0.2.1"} {
			assert.NotContains(t, text, secret)
		}
	}

	with("192.0.2.1").get("/api/books", "Traceparent", parent) // the address of httptest's requests
	assert.Equal(t, id, take()[0].SpanContext.TraceID().String(), "a trusted proxy chooses it")

	newShop(t).get("/api/books?q=x")
	assert.Empty(t, take(), "no tracer, no spans")
}
