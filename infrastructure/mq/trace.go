package mq

import (
	"context"

	"literank.com/event-books/infrastructure/tracing"
)

// traceHeader is the header by which a record carries its trace (W3C Trace Context).
const traceHeader = "traceparent"

// TraceParent returns the value of the header traceparent for events that ctx leads to, or ""
// if there is no trace.
func TraceParent(ctx context.Context) string { return tracing.Parent(ctx) }

// TraceSend begins a span that says how long it takes to send records to a topic: see
// tracing.Messages.
func TraceSend(ctx context.Context, name, topic string, records []*Record) (_ context.Context, end func(failed error)) {
	return tracing.Messages(ctx, name, tracing.Sends, topic, traceparents(records))
}

// TraceEvent does the same for one event with the given headers, outside of any call.
func TraceEvent(name, topic string, headers []Header) (end func(failed error)) {
	if !tracing.On() {
		return nothing
	}
	_, end = TraceSend(context.Background(), name, topic, []*Record{{Headers: headers}})
	return end
}

func nothing(error) {}

// traceparents returns the header of each record, or nil if there are no traces.
func traceparents(records []*Record) []string {
	if !tracing.On() {
		return nil
	}
	found := make([]string, len(records))
	for i, r := range records {
		found[i] = r.Header(traceHeader)
	}
	return found
}
