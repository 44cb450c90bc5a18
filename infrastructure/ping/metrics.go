package ping

import "github.com/prometheus/client_golang/prometheus"

// The reasons of failures in the metrics.
const (
	timedOut    = "timeout"
	overloaded  = "overloaded"
	unavailable = "unavailable"
)

type metrics struct {
	duration prometheus.Histogram
	inFlight prometheus.Gauge
	failed   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "event_books_ping_duration_seconds", Help: "Time from a ping to its reply, through Kafka.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "event_books_pings_in_flight", Help: "Pings that wait for their reply."}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "event_books_pings_failed_total", Help: "Pings without a reply: none came in time, too many waited, or Kafka was away.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{timedOut, overloaded, unavailable} {
		m.failed.WithLabelValues(reason)
	}
	return m
}

// Describe implements prometheus.Collector.
func (p *Pinger) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(p, descs) }

// Collect implements prometheus.Collector.
func (p *Pinger) Collect(found chan<- prometheus.Metric) {
	p.metrics.duration.Collect(found)
	p.metrics.inFlight.Collect(found)
	p.metrics.failed.Collect(found)
}

// echoMetrics count what became of the pings that an Echo has read.
type echoMetrics struct{ answered, failed, skipped prometheus.Counter }

func newEchoMetrics() *echoMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "event_books_" + name, Help: help})
	}
	return &echoMetrics{
		answered: counter("pings_answered_total", "Pings that this process has answered."),
		failed:   counter("pings_unanswered_total", "Pings whose reply Kafka did not take. Those that are still young enough are answered later."),
		skipped:  counter("pings_skipped_total", "Records in the topic of pings that are no pings."),
	}
}

// Describe implements prometheus.Collector.
func (e *Echo) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(e, descs) }

// Collect implements prometheus.Collector.
func (e *Echo) Collect(found chan<- prometheus.Metric) {
	e.metrics.answered.Collect(found)
	e.metrics.failed.Collect(found)
	e.metrics.skipped.Collect(found)
}
