package adapter

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// OpsServer serves /metrics with the collectors' metrics and those of the Go
// process. It has no authentication, so only operators may reach its address.
func OpsServer(of ...prometheus.Collector) (*http.Server, error) {
	registry := prometheus.NewRegistry()
	of = append(of, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, collector := range of {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}, nil
}

// requestMetrics measures the requests to the shop.
type requestMetrics struct {
	duration *prometheus.HistogramVec // its count is the number of requests
	inFlight prometheus.Gauge
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "event_books_http_request_duration_seconds", Help: "Time from the headers of a request to the end of its answer, by route, method and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "event_books_http_requests_in_flight", Help: "Requests that are being answered.",
		}),
	}
}

// Describe implements prometheus.Collector.
func (m *requestMetrics) Describe(ch chan<- *prometheus.Desc) {
	m.duration.Describe(ch)
	m.inFlight.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *requestMetrics) Collect(ch chan<- prometheus.Metric) {
	m.duration.Collect(ch)
	m.inFlight.Collect(ch)
}

// Metrics returns the metrics of the requests.
func (s *Server) Metrics() prometheus.Collector { return s.metrics }

// measure measures a request. Clients choose neither the route nor, beyond a few, the
// method, so the number of time series is bounded.
func (s *Server) measure(c *gin.Context) {
	begun := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	c.Next()
	route, method := c.FullPath(), c.Request.Method
	if route == "" {
		route, method = "none", "any"
	}
	s.metrics.duration.WithLabelValues(route, method, strconv.Itoa(c.Writer.Status())).Observe(time.Since(begun).Seconds())
}
