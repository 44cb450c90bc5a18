package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/model"
)

var _ Helper = (*KafkaQueue)(nil)

const (
	// ackWait is how long SendEvent waits for an acknowledgement.
	ackWait = time.Second
	// maxUnderway bounds the sends that are not settled.
	maxUnderway = 1000
	// maxUnderwayBytes bounds the memory that they take.
	maxUnderwayBytes = 256 << 20
	// endWait bounds the end of what was given up.
	endWait = time.Second
)

// KafkaQueue sends events to one Kafka topic with acks=all, as an idempotent
// producer. It connects when it is first used, in the background, and creates
// the topic if it is missing.
//
// A send waits at most one second. After that the event counts as unconfirmed
// and goes on being sent; it moves to delivered if it is acknowledged after
// all, and to lost if it is refused. While Kafka is known to be away sends
// don't wait at all. At most 1,000 sends and 256 MiB are under way; events
// beyond that are lost at once, as are those of more than 15 MiB, or of more than the topic takes.
//
// Events of one key keep their order if each is sent after the one before was
// acknowledged; those under way at the same time may overtake one another.
type KafkaQueue struct {
	brokers []string
	topic   string
	options options
	source  string

	sequence atomic.Uint64
	places   chan struct{} // one for each send under way

	connecting sync.Once
	connected  chan struct{} // closed once the producers are set
	normal     *producer
	large      *producer  // for events that need a batch of their own
	topicMu    sync.Mutex // one goroutine looks after a missing topic

	closing context.Context
	giveUp  context.CancelFunc
	working sync.WaitGroup
	doorMu  sync.RWMutex // held while an event comes in; Close shuts the door
	closed  bool

	delivered, unconfirmed, lost atomic.Int64
	underway                     atomic.Int64
	bytes                        atomic.Int64 // of the values under way
	lastAck                      atomic.Int64 // unix nanoseconds

	stateMu     sync.Mutex
	state       state
	overflowing bool
}

type state int

const (
	unknown state = iota // not tried yet
	up
	down
)

type options struct {
	topic    TopicConfig
	security Security
	instance string
	log      *slog.Logger
	ackWait  time.Duration
	places   int
}

// Option changes how a KafkaQueue is made.
type Option func(*options)

// WithTopicConfig says how the topic is made if it is missing. The default is
// 3 partitions kept for 35 days, on up to 3 brokers.
func WithTopicConfig(c TopicConfig) Option { return func(o *options) { o.topic = c } }

// WithSecurity says how the queue shows itself to Kafka.
func WithSecurity(s Security) Option { return func(o *options) { o.security = s } }

// WithInstance names the instance in ce_source. The default is the host's name.
func WithInstance(name string) Option { return func(o *options) { o.instance = name } }

// WithLogger takes the changes of state. The default drops them.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// NewKafkaQueue prepares a queue to topic on the brokers (host:port). It does
// not connect: the error is about its arguments only.
func NewKafkaQueue(brokers []string, topic string, opts ...Option) (*KafkaQueue, error) {
	if len(brokers) == 0 || topic == "" {
		return nil, errors.New("a Kafka queue needs brokers and a topic")
	}
	o := options{
		topic:   TopicConfig{Partitions: 3, Retention: 35 * 24 * time.Hour},
		log:     slog.New(slog.DiscardHandler),
		ackWait: ackWait,
		places:  maxUnderway,
	}
	for _, opt := range opts {
		opt(&o)
	}
	if o.instance == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		o.instance = host
	}
	start, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make an id of this start: %w", err)
	}
	q := &KafkaQueue{
		brokers:   slices.Clone(brokers),
		topic:     topic,
		options:   o,
		source:    "/event-books/" + o.instance + "/" + start.String(),
		places:    make(chan struct{}, o.places),
		connected: make(chan struct{}),
	}
	q.closing, q.giveUp = context.WithCancel(context.Background())
	return q, nil
}

// Connect begins to connect in the background, so that the topic exists and
// the state is known before the first event.
func (q *KafkaQueue) Connect() {
	q.connecting.Do(func() { q.working.Go(q.connect) })
}

func (q *KafkaQueue) SendEvent(key string, value []byte, headers ...Header) (bool, error) {
	s, err := q.accept(key, value, headers)
	if err != nil {
		q.lost.Add(1)
		return false, err
	}
	if q.isDown() {
		// The send goes on by itself; nobody has to wait for it.
		if err, settled := s.abandon(); settled {
			return err == nil, err
		}
		return false, fmt.Errorf("%w: Kafka is away", ErrUnconfirmed)
	}
	patience := time.NewTimer(q.options.ackWait)
	defer patience.Stop()
	select {
	case err := <-s.done:
		return err == nil, err
	case <-patience.C:
	}
	if err, settled := s.abandon(); settled {
		return err == nil, err
	}
	if q.lastAck.Load() < s.begun.UnixNano() {
		q.setState(down, fmt.Errorf("no acknowledgement within %s", q.options.ackWait))
	}
	return false, fmt.Errorf("%w: no acknowledgement within %s", ErrUnconfirmed, q.options.ackWait)
}

func (q *KafkaQueue) isDown() bool { return q.current() == down }

func (q *KafkaQueue) current() state {
	q.stateMu.Lock()
	defer q.stateMu.Unlock()
	return q.state
}

// setState notes and logs a change.
func (q *KafkaQueue) setState(now state, cause error) {
	q.stateMu.Lock()
	defer q.stateMu.Unlock()
	if q.state == now {
		return
	}
	q.state = now
	if now == down {
		q.options.log.Warn("Kafka does not confirm events", "topic", q.topic, "error", cause)
		return
	}
	q.options.log.Info("Kafka confirms events", "topic", q.topic,
		"delivered", q.delivered.Load(), "unconfirmed", q.unconfirmed.Load(), "lost", q.lost.Load())
}

// overflow notes and logs when events begin and cease to be lost for want of
// places.
func (q *KafkaQueue) overflow(now bool) {
	q.stateMu.Lock()
	defer q.stateMu.Unlock()
	if q.overflowing == now {
		return
	}
	q.overflowing = now
	if now {
		q.options.log.Error("events are being lost: too many are under way", "bound", q.options.places, "bound_bytes", int64(maxUnderwayBytes))
		return
	}
	q.options.log.Info("events find a place again", "lost", q.lost.Load())
}

// EventStats counts what became of the events so far.
func (q *KafkaQueue) EventStats() model.EventStats {
	return model.EventStats{
		Connected:   q.current() == up,
		Delivered:   q.delivered.Load(),
		Unconfirmed: q.unconfirmed.Load(),
		Lost:        q.lost.Load(),
		Underway:    int(q.underway.Load()),
	}
}

// Close takes no more events, waits for those under way until ctx ends, and
// gives up the rest, which takes a second at most. Its error tells how many
// events since the start are not known to be delivered.
func (q *KafkaQueue) Close(ctx context.Context) error {
	q.doorMu.Lock()
	again := q.closed
	q.closed = true
	q.doorMu.Unlock()
	if again {
		return nil
	}
	q.connecting.Do(func() {}) // from here on nobody connects
	settled := make(chan struct{})
	go func() {
		q.waitUnderway()
		close(settled)
	}()
	select {
	case <-settled:
	case <-ctx.Done():
	}
	q.giveUp() // after which those that were never sent end at once
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.working.Wait()
		q.disconnect()
	}()
	select {
	case <-ended:
	case <-time.After(endWait): // sarama can't be stopped while it retries
	}
	if s := q.EventStats(); s.Unconfirmed > 0 || s.Lost > 0 {
		return fmt.Errorf("close queue: of the events since the start %d were never confirmed and %d are lost", s.Unconfirmed, s.Lost)
	}
	return nil
}

// waitUnderway takes every place, which all sends have to return first.
func (q *KafkaQueue) waitUnderway() {
	for range cap(q.places) {
		select {
		case q.places <- struct{}{}:
		case <-q.closing.Done():
			return
		}
	}
}

func (q *KafkaQueue) disconnect() {
	select {
	case <-q.connected:
	default:
		return
	}
	if err := errors.Join(q.normal.close(), q.large.close()); err != nil {
		q.options.log.Warn("close producer", "error", err)
	}
}
