package index

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	duration         prometheus.Histogram
	running, waiting prometheus.Gauge
	refused, failed  prometheus.Counter
	foundNothing     prometheus.Counter
	all              []prometheus.Collector
}

func newMetrics() *metrics {
	m := &metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "event_books_search_duration_seconds", Help: "Time that the index took for answered searches, without waiting.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		running:      gauge("event_books_searches_running", "Searches that the index is working on."),
		waiting:      gauge("event_books_searches_waiting", "Searches that wait for their turn."),
		refused:      counter("event_books_searches_refused_total", "Searches that were refused because too many were waiting."),
		failed:       counter("event_books_searches_failed_total", "Searches that the index couldn't answer."),
		foundNothing: counter("event_books_searches_found_nothing_total", "Answered searches for a keyword, without filters, that found no book."),
	}
	m.all = []prometheus.Collector{m.duration, m.running, m.waiting, m.refused, m.failed, m.foundNothing}
	return m
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// Describe implements prometheus.Collector.
func (g *Gate) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range g.metrics.all {
		m.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (g *Gate) Collect(ch chan<- prometheus.Metric) {
	for _, m := range g.metrics.all {
		m.Collect(ch)
	}
}
