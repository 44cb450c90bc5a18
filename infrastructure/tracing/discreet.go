package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	topicKey = "messaging.destination.name"
	countKey = "messaging.batch.message_count"
)

// allowed are the attributes that leave the process. Libraries add others, such as the
// client's address, the User-Agent and the path, which may have anything in it.
var allowed = map[attribute.Key]bool{
	"http.request.method": true, "http.route": true, "http.response.status_code": true, "http.response.body.size": true,
	"url.scheme": true, "network.protocol.version": true,
	topicKey: true, countKey: true,
}

// Discreet returns an exporter that protects visitors. It passes on only the attributes that are
// allowed. It drops the events of spans, such as errors, and the text of a status.
func Discreet(exporter sdktrace.SpanExporter) sdktrace.SpanExporter { return discreet{exporter} }

type discreet struct{ sdktrace.SpanExporter }

func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		clean[i] = discreetSpan{span}
	}
	return d.SpanExporter.ExportSpans(ctx, clean)
}

type discreetSpan struct{ sdktrace.ReadOnlySpan }

func (s discreetSpan) Attributes() (kept []attribute.KeyValue) {
	for _, a := range s.ReadOnlySpan.Attributes() {
		if allowed[a.Key] {
			kept = append(kept, a)
		}
	}
	return kept
}

func (s discreetSpan) Events() []sdktrace.Event { return nil }

func (s discreetSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
