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
	producers []*mq.Producer
}

// SpoolDir is the folder of a shop's spool.
func SpoolDir(c *config.Config) string { return filepath.Join(c.App.DataDir, "spool") }

// OpenEvents opens the spool in dir for the topic of searches. Its error wraps
// spool.ErrInUse if another process has the folder.
func OpenEvents(dir string, c *config.Config, brokers []string, log *slog.Logger) (*Events, error) {
	security, err := KafkaSecurity(c)
	if err != nil {
		return nil, err
	}
	topic, e := c.MQ.SearchTopic(), &Events{}
	for _, name := range []string{topic, mq.DeadLetterTopic(topic)} {
		producer, err := mq.NewProducer(brokers, name, mq.WithSecurity(security), mq.WithLogger(log),
			mq.WithTopicConfig(mq.TopicConfig{Partitions: c.MQ.Partitions, Replication: c.MQ.Replication, Retention: c.MQ.Retention}))
		if err != nil {
			return nil, err
		}
		e.producers = append(e.producers, producer)
	}
	e.Spool, err = spool.Open(dir, e.producers[0], e.producers[1], spool.Options{
		Topic: topic, Instance: c.App.Instance, MaxBytes: int64(c.MQ.SpoolMaxBytes),
		Unsynced: c.MQ.Durability == "os", OnFull: spool.OnFull(c.MQ.OnFull), Log: log,
	})
	if err != nil {
		return nil, err
	}
	e.producers[0].Connect()
	return e, nil
}

// Close sends what waits in the spool until ctx ends or Kafka is away. The next
// start sends the rest.
func (e *Events) Close(ctx context.Context) error {
	err := e.Spool.Close(ctx)
	for _, p := range e.producers {
		p.Close()
	}
	return err
}
