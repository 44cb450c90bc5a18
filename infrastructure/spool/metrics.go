package spool

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	namespace = "event_books"
	// searches is the label of the spool without a name.
	searches = "searches"
)

// metrics are the histograms, and the descriptions of the values that Collect takes from
// EventStats. They follow Prometheus' conventions: base units, and _total for counters. The
// label spool tells the spools of a process apart.
type metrics struct {
	records, bytes, oldest, filling, connected                       *prometheus.Desc
	accepted, acknowledged, unconfirmed, deadLettered, lost, refused *prometheus.Desc
	batch, delivery, sync                                            prometheus.Histogram
}

func newMetrics(spool string) *metrics {
	labels := prometheus.Labels{"spool": cmp.Or(spool, searches)}
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets, ConstLabels: labels})
	}
	return &metrics{
		records:      desc("spool_records", "Events in the spool that are not settled."),
		bytes:        desc("spool_bytes", "Approximate size on disk of the events in the spool."),
		oldest:       desc("spool_oldest_age_seconds", "Age of the oldest event in the spool."),
		filling:      desc("spool_filling", "1 if half of the space for the spool is used, or events are not accepted."),
		connected:    desc("kafka_connected", "1 if Kafka confirms events."),
		accepted:     desc("events_accepted_total", "Events accepted into the spool."),
		acknowledged: desc("events_delivered_total", "Events acknowledged by Kafka."),
		unconfirmed:  desc("events_unconfirmed_total", "Events that may or may not be on disk."),
		deadLettered: desc("events_dead_lettered_total", "Events that Kafka rejected permanently."),
		lost:         desc("events_lost_total", "Events of answered requests that are lost."),
		refused:      desc("events_refused_total", "Searches that were refused because their event found no space."),
		batch:        histogram("delivery_batch_records", "Events in a batch that Kafka acknowledged.", prometheus.ExponentialBuckets(1, 4, 6)),
		delivery:     histogram("delivery_duration_seconds", "Time from sending a batch to its acknowledgement.", prometheus.ExponentialBuckets(0.001, 4, 8)),
		sync:         histogram("spool_fsync_duration_seconds", "Time that a sync of the spool takes.", prometheus.ExponentialBuckets(0.00005, 4, 9)),
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
	m, stats := s.metrics, s.EventStats()
	emit := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
		metrics <- prometheus.MustNewConstMetric(desc, kind, value)
	}
	flag := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	emit(m.records, prometheus.GaugeValue, float64(stats.Waiting))
	emit(m.bytes, prometheus.GaugeValue, float64(stats.WaitingBytes))
	emit(m.oldest, prometheus.GaugeValue, stats.OldestSeconds)
	emit(m.filling, prometheus.GaugeValue, flag(stats.Filling))
	emit(m.connected, prometheus.GaugeValue, flag(stats.Connected))
	emit(m.accepted, prometheus.CounterValue, float64(stats.Accepted))
	emit(m.acknowledged, prometheus.CounterValue, float64(stats.Delivered))
	emit(m.unconfirmed, prometheus.CounterValue, float64(stats.Unconfirmed))
	emit(m.deadLettered, prometheus.CounterValue, float64(stats.DeadLettered))
	emit(m.lost, prometheus.CounterValue, float64(stats.Lost))
	emit(m.refused, prometheus.CounterValue, float64(stats.Refused))
	for _, histogram := range []prometheus.Histogram{m.batch, m.delivery, m.sync} {
		histogram.Collect(metrics)
	}
}
