package mq

import (
	"errors"
	"log/slog"
	"time"
)

// options are the settings of a Producer and a KafkaQueue.
type options struct {
	topic    TopicConfig
	security Security
	instance string
	log      *slog.Logger
	// slow is how long Kafka may take for a batch before it counts as
	// unreachable; stuck how long a session may take before another replaces it.
	slow, stuck time.Duration
	onDemand    bool
	quiet       bool
}

// Option changes how a Producer or a KafkaQueue is made.
type Option func(*options)

// WithTopicConfig says how the topic is created if it is missing. The default
// is 3 partitions, kept for 35 days, on up to 3 brokers.
func WithTopicConfig(c TopicConfig) Option { return func(o *options) { o.topic = c } }

// WithSecurity sets TLS and SASL. The default is plain text without
// authentication.
func WithSecurity(s Security) Option { return func(o *options) { o.security = s } }

// WithInstance names the instance in the ce_source of a KafkaQueue. The default
// is the host's name.
func WithInstance(name string) Option { return func(o *options) { o.instance = name } }

// WithLogger sets the logger for changes of state. The default drops them.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithTimeouts says how long Kafka may take to acknowledge a batch: after slow
// (5 s) it counts as unreachable, after stuck (15 s) the Producer replaces its
// connections and the batch has to be sent again. On a slow line stuck grows up
// to 2 minutes.
func WithTimeouts(slow, stuck time.Duration) Option {
	return func(o *options) { o.slow, o.stuck = slow, stuck }
}

// OnDemand makes a Producer connect again only for a call, not to know its state.
func OnDemand() Option { return func(o *options) { o.onDemand = true } }

// Quiet leaves it to the caller to log when Kafka is away, and when it is back.
func Quiet() Option { return func(o *options) { o.quiet = true } }

func newOptions(brokers []string, topic string, opts []Option) (options, error) {
	if len(brokers) == 0 || topic == "" {
		return options{}, errors.New("brokers and a topic are required")
	}
	o := options{
		topic: TopicConfig{Partitions: 3, Retention: 35 * 24 * time.Hour},
		log:   slog.New(slog.DiscardHandler),
		slow:  slowAfter,
		stuck: minStuck,
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o, nil
}
