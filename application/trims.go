package application

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

// trimWatch watches the topics that the shop writes.
func trimWatch(c *config.Config, brokers []string, log *slog.Logger) (*mq.TrimWatch, error) {
	kafka, err := kafkaAt(c, brokers)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, topic := range []string{c.MQ.SearchTopic(), c.MQ.ClickTopic()} {
		topics = append(topics, topic, mq.DeadLetterTopic(topic))
	}
	return mq.NewTrimWatch(kafka, topics, c.MQ.Retention, log), nil
}

func trimmedRecords(watch *mq.TrimWatch) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "event_books", Name: "topic_trimmed_records_total",
		Help: "Records that Kafka deleted before mq.retention was over, because the topic reached its bound in bytes.",
	}, func() float64 { return float64(watch.Trimmed()) })
}
