package application

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

func TestMain(m *testing.M) { mqtest.Main(m) }

// spanCollector is a collector of OpenTelemetry that keeps what it gets.
type spanCollector struct {
	mu    sync.Mutex
	raw   strings.Builder
	spans []*traces.Span
}

func (c *spanCollector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &request) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// trace returns the spans of the trace that a span with this name belongs to, by name.
func (c *spanCollector) trace(name string) map[string]*traces.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]*traces.Span{}
	for _, root := range c.spans {
		for _, span := range c.spans {
			if root.Name == name && string(span.TraceId) == string(root.TraceId) {
				found[span.Name] = span
			}
		}
	}
	return found
}

func (c *spanCollector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// One trace shows the way of a search: the request, the search engine, the spool, Kafka, the
// consumer, and its transaction. Nothing in it says who searched for what.
func TestOneTrace(t *testing.T) {
	collected := &spanCollector{}
	server := httptest.NewServer(collected)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	c := settings(t)
	c.MQ.Brokers, c.MQ.TopicPrefix = []string{mqtest.Shared(t)}, mqtest.NewTopic()+"."
	w, err := NewWireHelper(t.Context(), c, false, quiet, Parts{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	running := sync.WaitGroup{}
	running.Go(func() { assert.NoError(t, w.Run(ctx)) })
	kafka, err := Kafka(c)
	require.NoError(t, err)
	var handled sync.Map
	handlers := gateway.Handlers{model.SearchEventType: func(_ context.Context, records []*model.Record, _ gateway.Transaction) error {
		for _, r := range records {
			handled.Store(r.Key, r.Header("traceparent"))
		}
		return nil
	}}
	running.Go(func() {
		mq.NewConsumer(kafka, c.MQ.TopicPrefix+"test", c.MQ.SearchTopic(), handlers, w.db.DB, quiet).Run(ctx)
	})

	const keyword, browser, client = "zqkeywordqz", "zqbrowserqz/1.0", "203.0.113.77"
	request, err := http.NewRequest(http.MethodGet, "http://"+w.listener.Addr().String()+"/api/books?q="+keyword, nil)
	require.NoError(t, err)
	request.Header.Set("User-Agent", browser)
	request.Header.Set("X-Forwarded-For", client)
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Eventually(t, func() bool {
		response, err := http.DefaultClient.Do(request)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, time.Minute, 10*time.Millisecond)

	topic := c.MQ.SearchTopic()
	names := []string{"GET /api/books", "search", "spool " + topic, "send " + topic, "process " + topic, "transaction"}
	var spans map[string]*traces.Span
	require.Eventually(t, func() bool {
		spans = collected.trace("process " + topic)
		for _, name := range names {
			if spans[name] == nil {
				return false
			}
		}
		return true
	}, time.Minute, 10*time.Millisecond)
	root := spans["GET /api/books"]
	assert.Empty(t, root.ParentSpanId, "the client didn't choose the trace")
	for _, name := range names[1:5] {
		assert.Equal(t, root.SpanId, spans[name].ParentSpanId, name)
	}
	assert.Equal(t, spans["process "+topic].SpanId, spans["transaction"].ParentSpanId)
	parent, _ := handled.Load(keyword)
	assert.Contains(t, parent, "00-")
	for i := range names[2:] { // each step begins after the one before
		assert.LessOrEqual(t, spans[names[i]].StartTimeUnixNano, spans[names[i+1]].StartTimeUnixNano, names[i])
	}

	stop()
	running.Wait()
	require.NoError(t, w.Close())
	for _, secret := range []string{keyword, "zqbrowserqz", client, "127.0.0.1", c.App.DataDir} {
		assert.NotContains(t, collected.text(), secret)
	}
}

func TestTracingThatIsNotSupported(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	_, err := NewWireHelper(t.Context(), settings(t), false, quiet, Parts{})
	var wrong *config.SettingError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, `environment: OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, not "grpc"`, wrong.Error())
}

// A collector that is away, or silent, slows neither a search nor the stop.
func TestCollectorThatIsAway(t *testing.T) {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer server.Close()
	defer close(silent)
	for name, address := range map[string]string{"away": "http://" + mqtest.Nowhere(t), "silent": server.URL} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
			w, err := NewWireHelper(t.Context(), settings(t), false, quiet, Parts{})
			require.NoError(t, err)
			for range 10 {
				answer := httptest.NewRecorder()
				begun := time.Now()
				w.server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/openapi.yaml", nil))
				assert.Equal(t, http.StatusOK, answer.Code)
				assert.Less(t, time.Since(begun), time.Second)
			}
			begun := time.Now()
			require.NoError(t, w.Close())
			assert.Less(t, time.Since(begun), 5*time.Second)
		})
	}
}
