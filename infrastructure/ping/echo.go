package ping

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"literank.com/event-books/infrastructure/mq"
)

// Echo answers pings. It is a member of a consumer group, so several echoes share the work.
// A ping may be answered twice, after a rebalance; who has asked ignores the second reply.
type Echo struct {
	kafka  mq.Kafka
	group  string
	topics Topics
	config mq.TopicConfig
	log    *slog.Logger
	odd    rate.Sometimes // log lines about records that are no pings

	metrics *echoMetrics
	trouble trouble
}

// NewEcho returns an echo. config says how to create the topics; Run runs it.
func NewEcho(kafka mq.Kafka, group string, topics Topics, config mq.TopicConfig, log *slog.Logger) *Echo {
	log = log.With("group", group)
	return &Echo{
		kafka: kafka, group: group, topics: topics, config: config, log: log,
		odd:     rate.Sometimes{First: 1, Interval: time.Minute},
		metrics: newEchoMetrics(),
		trouble: trouble{log: log, begins: "pings can't be answered; retrying", ends: "pings are answered again"},
	}
}

// Run answers pings until ctx ends. It joins the group again whenever it has lost it.
func (e *Echo) Run(ctx context.Context) {
	keep(ctx, e.hold, e.trouble.begin)
}

// hold answers pings until a connection fails.
func (e *Echo) hold(ctx context.Context) error {
	if err := mq.CreateTopics(e.kafka, e.config, e.log, e.topics.Ping, e.topics.Pong); err != nil {
		return err
	}
	sender, err := mq.OpenSender(e.kafka, e.topics.Pong)
	if err != nil {
		return err
	}
	defer sender.Close()
	return mq.Subscribe(ctx, e.kafka, mq.Subscription{
		Group: e.group, Topic: e.topics.Ping, MaxAge: Timeout, Joined: e.joined, Log: e.log,
	}, func(ctx context.Context, pings []*mq.Record) error { return e.answer(ctx, sender, pings) })
}

func (e *Echo) joined(partitions []int32) {
	e.trouble.end()
	e.log.Info("pings are answered", "partitions", partitions)
}

// answer sends the replies to some pings, and waits until Kafka has them.
func (e *Echo) answer(ctx context.Context, sender *mq.Sender, pings []*mq.Record) error {
	sent := make(chan error, len(pings))
	waiting := 0
	var failed error
	for _, p := range pings {
		id, err := idOf(p)
		if err != nil {
			e.metrics.skipped.Inc()
			e.odd.Do(func() {
				e.log.Warn("a record in the topic of pings is skipped", "partition", p.Partition, "offset", p.Offset, "error", err)
			})
			continue
		}
		if failed = sender.Send(ctx, newReply(id), func(err error) { e.count(err); sent <- err }); failed != nil {
			e.count(failed)
			break
		}
		waiting++
	}
	for range waiting {
		select {
		case err := <-sent:
			if failed == nil {
				failed = err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return failed
}

// count counts a reply, or that it failed.
func (e *Echo) count(err error) {
	if err != nil {
		e.metrics.failed.Inc()
		return
	}
	e.metrics.answered.Inc()
}
