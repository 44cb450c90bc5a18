package application

import (
	"context"
	"log/slog"
	"path/filepath"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/spool"
)

// Events is the path of events to Kafka: a spool, and the producers that it
// sends by.
type Events struct {
	*spool.Spool
	brokers     []string
	topic, dead *mq.Producer
}

// Brokers returns the addresses that events are sent to.
func (e *Events) Brokers() []string { return e.brokers }

// SpoolDir returns the folder of a shop's spool.
func SpoolDir(c *config.Config) string { return filepath.Join(c.App.DataDir, "spool") }

// OpenEvents opens the spool in dir, which a shop left, and begins to send it.
// Its error wraps spool.ErrInUse if another process uses the folder.
func OpenEvents(dir string, c *config.Config, log *slog.Logger) (*Events, error) {
	return openEvents(dir, c, Brokers(c), log, nil)
}

// openEvents replaces the topic of events if replace isn't nil: see Parts.
func openEvents(dir string, c *config.Config, brokers []string, log *slog.Logger, replace func(spool.Broker, []string, string) spool.Broker) (_ *Events, err error) {
	e := &Events{brokers: brokers}
	defer func() {
		if err != nil {
			e.closeProducers()
		}
	}()
	name := c.MQ.SearchTopic()
	deadName := mq.DeadLetterTopic(name)
	options, err := producerOptions(c, topicConfig(c), log)
	if err != nil {
		return nil, err
	}
	if e.topic, err = mq.NewProducer(brokers, name, options...); err != nil {
		return nil, err
	}
	if e.dead, err = mq.NewProducer(brokers, deadName, append(options, mq.OnDemand())...); err != nil {
		return nil, err
	}
	var topic spool.Broker = e.topic
	if replace != nil {
		topic = replace(topic, brokers, name)
	}
	e.Spool, err = spool.Open(dir, topic, e.dead, spool.Options{
		Topic: name, DeadTopic: deadName, Instance: c.App.Instance, MaxBytes: int64(c.MQ.SpoolMaxBytes),
		Unsynced: c.MQ.Durability == "os", OnFull: spool.OnFull(c.MQ.OnFull), Log: log,
	})
	if err != nil {
		return nil, err
	}
	e.topic.Connect()
	return e, nil
}

// topicConfig is how the topics of searches are created.
func topicConfig(c *config.Config) mq.TopicConfig {
	return mq.TopicConfig{Partitions: c.MQ.Partitions, Replication: c.MQ.Replication, Retention: c.MQ.Retention}
}

// producerOptions are the settings of a producer.
func producerOptions(c *config.Config, topic mq.TopicConfig, log *slog.Logger) ([]mq.Option, error) {
	security, err := kafkaSecurity(c)
	if err != nil {
		return nil, err
	}
	return []mq.Option{mq.WithSecurity(security), mq.WithLogger(log), mq.WithTopicConfig(topic)}, nil
}

// Close sends what waits in the spool until ctx ends or Kafka is away. The next
// start sends the rest.
func (e *Events) Close(ctx context.Context) error {
	err := e.Spool.Close(ctx)
	e.closeProducers()
	return err
}

func (e *Events) closeProducers() {
	for _, p := range []*mq.Producer{e.topic, e.dead} {
		if p != nil {
			p.Close()
		}
	}
}
