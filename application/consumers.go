package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"literank.com/event-books/application/consumer"
	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/relay"
)

// consumed is a topic that a group of consumers reads, with the handlers of its events.
type consumed struct {
	group, topic string
	handlers     gateway.Handlers
}

// trendGroup is the consumer group that counts searches.
func trendGroup(c *config.Config) string { return c.MQ.GroupPrefix + "trends" }

// Each topic is read by groups of its own: so trouble with one of them never holds up another.

// trendTopics are the topics that trends are counted from.
func trendTopics(c *config.Config) []consumed {
	return []consumed{
		{trendGroup(c), c.MQ.SearchTopic(), gateway.Handlers{
			model.SearchEventType: consumer.CountSearches,
			"":                    consumer.CountSearches, // records of other programs, such as the tutorial's
		}},
		{trendGroup(c) + "-clicks", c.MQ.ClickTopic(), gateway.Handlers{
			model.ClickEventType:         consumer.CountClicks,
			model.VisitorErasedEventType: consumer.EraseVisitors,
		}},
	}
}

// interestTopics are the topics that recommendations are made of.
func interestTopics(c *config.Config) []consumed {
	return []consumed{{c.MQ.GroupPrefix + "interests", c.MQ.ClickTopic(), gateway.Handlers{
		model.ClickEventType:         consumer.CountOpenings,
		model.VisitorErasedEventType: consumer.EraseInterests,
	}}}
}

// consumedTopics are all topics that are counted.
func consumedTopics(c *config.Config) []consumed { return append(trendTopics(c), interestTopics(c)...) }

// consumers are the consumers of this process.
type consumers struct {
	all   []*mq.Consumer
	dead  []deadRelay
	keep  []func(ctx context.Context) error // delete what is old
	log   *slog.Logger
	delay prometheus.Histogram
}

// deadRelay sends what the handlers of a group have rejected to the topic of dead letters.
type deadRelay struct {
	*relay.DeadLetters
	producer *mq.Producer
}

func (d deadRelay) run(ctx context.Context) {
	defer d.producer.Close()
	d.Run(ctx)
}

// newConsumers makes the consumers of some topics.
func newConsumers(c *config.Config, db *catalogue, topics []consumed, brokers []string, log *slog.Logger, parts Parts) (*consumers, error) {
	kafka, err := kafkaAt(c, brokers)
	if err != nil {
		return nil, err
	}
	k := &consumers{
		log: log,
		keep: []func(ctx context.Context) error{
			func(ctx context.Context) error { return db.DropDays(ctx, trendGroup(c), c.Trends.KeepDays) },
			db.DropOpenings,
		},
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "event_books", Name: "count_delay_seconds", Help: "Time from a search or click to its count.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600},
		}),
	}
	var progress gateway.Progress = db
	if parts.Progress != nil {
		progress = parts.Progress(progress)
	}
	for _, of := range topics {
		one := mq.NewConsumer(kafka, of.group, of.topic, of.handlers, progress, log)
		one.Observe(func(r *model.Record) { k.delay.Observe(time.Since(r.Time).Seconds()) })
		k.all = append(k.all, one)
		producer, err := newDeadProducer(c, brokers, of.topic, log, mq.Quiet())
		if err != nil {
			return nil, err
		}
		k.dead = append(k.dead, deadRelay{relay.NewDeadLetters(db, producer, of.group, of.topic, log), producer})
	}
	return k, nil
}

// run counts until ctx ends. It may be called once.
func (k *consumers) run(ctx context.Context) {
	var running sync.WaitGroup
	for _, c := range k.all {
		running.Go(func() { c.Run(ctx) })
	}
	for _, d := range k.dead {
		running.Go(func() { d.run(ctx) })
	}
	running.Go(func() { k.dropDays(ctx) })
	running.Wait()
}

// dropDaysEvery is how often old days are looked for.
const dropDaysEvery = time.Hour

// dropDays deletes old days until ctx ends.
func (k *consumers) dropDays(ctx context.Context) {
	tick := time.NewTicker(dropDaysEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, keep := range k.keep {
			if err := keep(ctx); err != nil && ctx.Err() == nil && model.ErrorCode(err) != model.UnavailableNow {
				k.log.Warn("old days of trends or interests were not deleted", "error", err)
			}
		}
	}
}

// collectors are the metrics of the consumers.
func (k *consumers) collectors() []prometheus.Collector {
	return []prometheus.Collector{k.delay, consumerMetrics{k.all}}
}

// consumerMetrics are the metrics of each partition that this process reads.
type consumerMetrics struct{ all []*mq.Consumer }

var (
	lagMetric     = consumerMetric("lag_records", "Records of a partition that are not handled yet.", "group", "topic", "partition")
	recordsMetric = consumerMetric("records", "What became of the records of a partition since its first one.", "group", "topic", "partition", "outcome")
)

func consumerMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("event_books_consumer_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (consumerMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- lagMetric
	descriptions <- recordsMetric
}

// Collect implements prometheus.Collector.
func (m consumerMetrics) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.all {
		for _, s := range c.Stats() {
			partition := fmt.Sprint(s.Partition)
			gauge := func(d *prometheus.Desc, value int64, labels ...string) {
				metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), append([]string{c.Group(), c.Topic(), partition}, labels...)...)
			}
			gauge(lagMetric, s.Lag)
			for outcome, n := range map[string]int64{
				"handled": s.Handled, "copy": s.Copies, "dead": s.Dead, "ignored": s.Ignored, "missed": s.Missed, "late": s.Late,
			} {
				gauge(recordsMetric, n, outcome)
			}
		}
	}
}

// RunTrends counts searches until ctx ends, in a process of its own.
func RunTrends(ctx context.Context, c *config.Config, log *slog.Logger, parts Parts) error {
	return runConsumers(ctx, c, "searches", trendTopics(c), log, parts)
}

// RunInterests counts which books are opened together until ctx ends, in a process of its own.
func RunInterests(ctx context.Context, c *config.Config, log *slog.Logger, parts Parts) error {
	return runConsumers(ctx, c, "interests", interestTopics(c), log, parts)
}

func runConsumers(ctx context.Context, c *config.Config, what string, topics []consumed, log *slog.Logger, parts Parts) (err error) {
	if err := makeDataDir(c); err != nil {
		return err
	}
	db, err := openCatalogue(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	brokers := Brokers(c)
	k, err := newConsumers(c, db, topics, brokers, log, parts)
	if err != nil {
		return err
	}
	ops, stop, err := serveOps(c, k.collectors(), log)
	if err != nil {
		return err
	}
	defer stop()
	log.Info("counting "+what, "topic", topics[0].topic, "brokers", brokers, "ops", ops)
	if err := db.awaitMigration(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	k.run(ctx)
	return nil
}
