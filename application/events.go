package application

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/spool"
)

// Events is the path of events to one topic of Kafka: a spool, and the producers that it
// sends by.
type Events struct {
	*spool.Spool
	brokers     []string
	topic, dead *mq.Producer
}

// Brokers returns the addresses that events are sent to.
func (e *Events) Brokers() []string { return e.brokers }

// stream is a topic of events with its spool. name tells spools apart, and is empty for
// searches.
type stream struct{ name, dir, topic string }

const clicksName = "clicks"

func searchStream(c *config.Config) stream { return stream{"", SpoolDir(c), c.MQ.SearchTopic()} }

func clickStream(c *config.Config) stream {
	return stream{clicksName, ClickSpoolDir(c), c.MQ.ClickTopic()}
}

// SpoolDir returns the folder of a shop's spool of searches.
func SpoolDir(c *config.Config) string { return filepath.Join(c.App.DataDir, "spool") }

// ClickSpoolDir returns the folder of a shop's spool of clicks.
func ClickSpoolDir(c *config.Config) string { return filepath.Join(c.App.DataDir, "spool-clicks") }

// streamIn returns the stream of a spool's folder. The folder names its topic, by which clicks
// are recognised; if it doesn't, its own name counts.
func streamIn(dir string, c *config.Config) stream {
	s := searchStream(c)
	topic := spool.Topic(dir)
	ofClicks := strings.HasSuffix(topic, config.ClickTopicName) && topic != s.topic
	if ofClicks || topic == "" && filepath.Base(dir) == filepath.Base(ClickSpoolDir(c)) {
		s = clickStream(c)
	}
	s.dir = dir
	return s
}

// OpenEvents opens the spool in dir, which a shop left, and begins to send it.
// Its error wraps spool.ErrInUse if another process uses the folder.
func OpenEvents(dir string, c *config.Config, log *slog.Logger) (*Events, error) {
	return openEvents(streamIn(dir, c), c, Brokers(c), log, nil)
}

// openEvents replaces the topic of events if replace isn't nil: see Parts.
func openEvents(s stream, c *config.Config, brokers []string, log *slog.Logger, replace func(spool.Broker, []string, string) spool.Broker) (_ *Events, err error) {
	e := &Events{brokers: brokers}
	defer func() {
		if err != nil {
			e.closeProducers()
		}
	}()
	deadName := mq.DeadLetterTopic(s.topic)
	options, err := producerOptions(c, topicConfig(c), log)
	if err != nil {
		return nil, err
	}
	if e.topic, err = mq.NewProducer(brokers, s.topic, options...); err != nil {
		return nil, err
	}
	if e.dead, err = newDeadProducer(c, brokers, s.topic, log); err != nil {
		return nil, err
	}
	var topic spool.Broker = e.topic
	if replace != nil {
		topic = replace(topic, brokers, s.topic)
	}
	onFull := spool.OnFull(c.MQ.OnFull)
	if s.name == clicksName {
		onFull = spool.Answer // a reader gets the book in any case
	}
	e.Spool, err = spool.Open(s.dir, topic, e.dead, spool.Options{
		Topic: s.topic, DeadTopic: deadName, Name: s.name, Instance: c.App.Instance, MaxBytes: int64(c.MQ.SpoolMaxBytes),
		Unsynced: c.MQ.Durability == "os", OnFull: onFull, Log: log,
	})
	if err != nil {
		return nil, err
	}
	e.topic.Connect()
	return e, nil
}

// topicConfig is how the topics of events are created.
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

// newDeadProducer returns a producer for the dead letters of a topic. It connects, and creates
// their topic, when there is one to send.
func newDeadProducer(c *config.Config, brokers []string, topic string, log *slog.Logger, more ...mq.Option) (*mq.Producer, error) {
	options, err := producerOptions(c, topicConfig(c), log)
	if err != nil {
		return nil, err
	}
	return mq.NewProducer(brokers, mq.DeadLetterTopic(topic), append(append(options, mq.OnDemand()), more...)...)
}

// Close sends what waits in the spool until ctx ends or Kafka is away. The next
// start sends the rest.
func (e *Events) Close(ctx context.Context) error {
	err := e.Spool.Close(ctx)
	e.closeProducers()
	return err
}

// closeAll closes spools at the same time, so that none takes the time of another.
func closeAll(ctx context.Context, all ...*Events) error {
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, e := range all {
		if e != nil {
			group.Go(func() { errs[i] = e.Close(ctx) })
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func (e *Events) closeProducers() {
	for _, p := range []*mq.Producer{e.topic, e.dead} {
		if p != nil {
			p.Close()
		}
	}
}
