package application

import (
	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/application/trends"
)

// completenessMetrics say how many events of searches are counted, of all instances together.
// There are none before the board has read that.
type completenessMetrics struct{ board *trends.Board }

var (
	eventsMetric = prometheus.NewDesc("event_books_search_events",
		"What became of the events of searches, of all instances, within 35 days.", []string{"state"}, nil)
	unknownMetric = prometheus.NewDesc("event_books_sources_unknown",
		"Starts of shops that have been silent for a minute without having ended.", nil, nil)
)

// Describe implements prometheus.Collector.
func (completenessMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- eventsMetric
	descriptions <- unknownMetric
}

// Collect implements prometheus.Collector.
func (m completenessMetrics) Collect(metrics chan<- prometheus.Metric) {
	c, err := m.board.Completeness()
	if err != nil {
		return
	}
	for state, n := range map[string]int64{
		"accepted": c.Accepted, "counted": c.Counted, "dead": c.Dead, "waiting": c.Waiting, "lost": c.Lost, "missed": c.Missed, "late": c.Late,
	} {
		metrics <- prometheus.MustNewConstMetric(eventsMetric, prometheus.GaugeValue, float64(n), state)
	}
	metrics <- prometheus.MustNewConstMetric(unknownMetric, prometheus.GaugeValue, float64(c.Unknown))
}
