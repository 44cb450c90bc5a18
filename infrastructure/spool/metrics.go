package spool

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics follow Prometheus' conventions: base units, and _total for
// counters.
var (
	recordsDesc      = desc("spool_records", "Events in the spool that are not settled.")
	bytesDesc        = desc("spool_bytes", "Approximate size on disk of the events in the spool.")
	oldestDesc       = desc("spool_oldest_age_seconds", "Age of the oldest event in the spool.")
	fillingDesc      = desc("spool_filling", "1 if half of the space for the spool is used, or events are not accepted.")
	connectedDesc    = desc("kafka_connected", "1 if Kafka confirms events.")
	acceptedDesc     = desc("events_accepted_total", "Events accepted into the spool.")
	deliveredDesc    = desc("events_delivered_total", "Events acknowledged by Kafka.")
	unconfirmedDesc  = desc("events_unconfirmed_total", "Events that may or may not be on disk.")
	deadLetteredDesc = desc("events_dead_lettered_total", "Events that Kafka rejected permanently.")
	lostDesc         = desc("events_lost_total", "Events of answered searches that are lost.")
	refusedDesc      = desc("events_refused_total", "Searches that were refused because their event found no space.")
)

const namespace = "event_books"

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil)
}

// metrics are the histograms; Collect takes the counters from EventStats.
type metrics struct {
	batch, delivery, sync prometheus.Histogram
}

func newMetrics() *metrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	}
	return &metrics{
		batch:    histogram("delivery_batch_records", "Events in a batch that Kafka acknowledged.", prometheus.ExponentialBuckets(1, 4, 6)),
		delivery: histogram("delivery_duration_seconds", "Time from sending a batch to its acknowledgement.", prometheus.ExponentialBuckets(0.001, 4, 8)),
		sync:     histogram("spool_fsync_duration_seconds", "Time that a sync of the spool takes.", prometheus.ExponentialBuckets(0.00005, 4, 9)),
	}
}

func (m *metrics) delivered(records int, took time.Duration) {
	m.batch.Observe(float64(records))
	m.delivery.Observe(took.Seconds())
}

func (m *metrics) synced(took time.Duration, _ int) { m.sync.Observe(took.Seconds()) }

// Describe makes the spool a prometheus.Collector.
func (s *Spool) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, descs) }

// Collect reads the present values.
func (s *Spool) Collect(metrics chan<- prometheus.Metric) {
	stats := s.EventStats()
	emit := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
		metrics <- prometheus.MustNewConstMetric(desc, kind, value)
	}
	flag := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	emit(recordsDesc, prometheus.GaugeValue, float64(stats.Waiting))
	emit(bytesDesc, prometheus.GaugeValue, float64(stats.WaitingBytes))
	emit(oldestDesc, prometheus.GaugeValue, stats.OldestSeconds)
	emit(fillingDesc, prometheus.GaugeValue, flag(stats.Filling))
	emit(connectedDesc, prometheus.GaugeValue, flag(stats.Connected))
	emit(acceptedDesc, prometheus.CounterValue, float64(stats.Accepted))
	emit(deliveredDesc, prometheus.CounterValue, float64(stats.Delivered))
	emit(unconfirmedDesc, prometheus.CounterValue, float64(stats.Unconfirmed))
	emit(deadLetteredDesc, prometheus.CounterValue, float64(stats.DeadLettered))
	emit(lostDesc, prometheus.CounterValue, float64(stats.Lost))
	emit(refusedDesc, prometheus.CounterValue, float64(stats.Refused))
	for _, histogram := range []prometheus.Histogram{s.metrics.batch, s.metrics.delivery, s.metrics.sync} {
		histogram.Collect(metrics)
	}
}
