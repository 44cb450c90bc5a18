package mq

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a spool, in the naming of Prometheus: base units, _total for what
// only grows.
var (
	spoolRecords   = desc("spool_records", "Events in the spool that are not settled.")
	spoolBytes     = desc("spool_bytes", "About the size on disk of the events in the spool.")
	spoolOldest    = desc("spool_oldest_age_seconds", "How long ago the oldest event in the spool happened.")
	spoolFilling   = desc("spool_filling", "1 if the space for the spool is half used up, or events are not taken.")
	kafkaConnected = desc("kafka_connected", "1 if Kafka confirms events.")
	accepted       = desc("events_accepted_total", "Events taken into the spool.")
	delivered      = desc("events_delivered_total", "Events acknowledged by Kafka.")
	unconfirmed    = desc("events_unconfirmed_total", "Events of which it isn't known whether they are on disk.")
	deadLettered   = desc("events_dead_lettered_total", "Events that Kafka refused for good.")
	lost           = desc("events_lost_total", "Events of answered searches that are lost.")
	refusedEvents  = desc("events_refused_total", "Searches that were not answered for want of space for their event.")
)

const namespace = "event_books"

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil)
}

// spoolMetrics are what isn't a count of EventStats.
type spoolMetrics struct {
	batch, delivery, sync prometheus.Histogram
}

func newSpoolMetrics() *spoolMetrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	}
	return &spoolMetrics{
		batch:    histogram("delivery_batch_records", "Events sent to Kafka at once.", prometheus.ExponentialBuckets(1, 4, 6)),
		delivery: histogram("delivery_duration_seconds", "Time from sending a batch to its acknowledgement.", prometheus.ExponentialBuckets(0.001, 4, 8)),
		sync:     histogram("spool_fsync_duration_seconds", "Time that a sync of the spool takes.", prometheus.ExponentialBuckets(0.00005, 4, 9)),
	}
}

func (m *spoolMetrics) delivered(records int, took time.Duration) {
	m.batch.Observe(float64(records))
	m.delivery.Observe(took.Seconds())
}

func (m *spoolMetrics) synced(took time.Duration, _ int) { m.sync.Observe(took.Seconds()) }

// Describe makes the spool a prometheus.Collector.
func (s *Spool) Describe(descs chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, descs) }

// Collect reads the counts at the moment.
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
	emit(spoolRecords, prometheus.GaugeValue, float64(stats.Waiting))
	emit(spoolBytes, prometheus.GaugeValue, float64(stats.WaitingBytes))
	emit(spoolOldest, prometheus.GaugeValue, stats.OldestSeconds)
	emit(spoolFilling, prometheus.GaugeValue, flag(stats.Filling))
	emit(kafkaConnected, prometheus.GaugeValue, flag(stats.Connected))
	emit(accepted, prometheus.CounterValue, float64(stats.Accepted))
	emit(delivered, prometheus.CounterValue, float64(stats.Delivered))
	emit(unconfirmed, prometheus.CounterValue, float64(stats.Unconfirmed))
	emit(deadLettered, prometheus.CounterValue, float64(stats.DeadLettered))
	emit(lost, prometheus.CounterValue, float64(stats.Lost))
	emit(refusedEvents, prometheus.CounterValue, float64(stats.Refused))
	for _, histogram := range []prometheus.Histogram{s.metrics.batch, s.metrics.delivery, s.metrics.sync} {
		histogram.Collect(metrics)
	}
}
