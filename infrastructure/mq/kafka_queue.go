package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"literank.com/event-books/domain/model"
)

var _ Helper = (*KafkaQueue)(nil)

const (
	// maxUnderway bounds the sends that are not settled.
	maxUnderway = 1000
	// maxUnderwayBytes bounds the memory that they take.
	maxUnderwayBytes = 256 << 20
)

// KafkaQueue sends events to one Kafka topic with acks=all, as an idempotent
// producer. It connects when it is first used, in the background, and creates
// the topic if it is missing.
//
// Its SendEvent waits at most one second for Kafka. After that the event counts
// as unconfirmed and goes on being sent for as long as the program lives; it
// moves to delivered if it is acknowledged after all, and to lost if it is
// refused. While Kafka is known to be away it doesn't wait at all. At most 1,000
// events and 256 MiB are under way, in memory; further ones are lost at once. A
// Spool in front of it does better.
type KafkaQueue struct {
	brokers []string
	topic   string
	options options
	source  string

	numberMu sync.Mutex // numbers events in the order in which they are sent
	sequence uint64
	pending  chan *underway
	places   chan struct{} // one for each event that isn't settled

	connecting sync.Once
	reached    atomic.Bool // once, at least
	starting   sync.Once
	producerMu sync.Mutex
	producer   *producer     // nil while there is none
	changed    chan struct{} // closed, and made anew, when producer changes

	closing context.Context
	giveUp  context.CancelCauseFunc
	working sync.WaitGroup
	doorMu  sync.RWMutex // held while an event comes in; Close shuts the door
	closed  bool

	delivered, unconfirmed, lost atomic.Int64
	underway                     atomic.Int64
	sending                      atomic.Int64 // senders at work
	bytes                        atomic.Int64 // of the values under way

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
	topic     TopicConfig
	security  Security
	instance  string
	log       *slog.Logger
	ackWait   time.Duration
	slowAfter time.Duration
	patience  time.Duration
	places    int
	// deadPatience is how long the topic of dead letters is tried.
	deadPatience time.Duration
	weak         weakness // of a test
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
		topic:        TopicConfig{Partitions: 3, Retention: 35 * 24 * time.Hour},
		log:          slog.New(slog.DiscardHandler),
		ackWait:      time.Second,
		slowAfter:    slowAfter,
		patience:     leastPatience,
		places:       maxUnderway,
		deadPatience: deadPatience,
		weak:         weakness(weakened),
	}
	for _, opt := range opts {
		opt(&o)
	}
	source, err := newSource(o.instance)
	if err != nil {
		return nil, err
	}
	q := &KafkaQueue{
		brokers: slices.Clone(brokers),
		topic:   topic,
		options: o,
		source:  source,
		places:  make(chan struct{}, o.places),
		pending: make(chan *underway, o.places),
		changed: make(chan struct{}),
	}
	q.closing, q.giveUp = context.WithCancelCause(context.Background())
	return q, nil
}

// Connect begins to connect in the background, so that the topic exists and
// the state is known before the first event.
func (q *KafkaQueue) Connect() {
	q.connecting.Do(func() { q.working.Go(q.keepConnected) })
}

func (q *KafkaQueue) SendEvent(key string, value []byte, headers ...Header) (bool, error) {
	settled, err := q.accept(key, value, headers)
	if err != nil {
		q.lost.Add(1)
		return false, err
	}
	if !q.isDown() { // or nobody has to wait
		patience := time.NewTimer(q.options.ackWait)
		defer patience.Stop()
		select {
		case err := <-settled:
			if errors.Is(err, ErrUnconfirmed) { // the queue was closed meanwhile
				q.unconfirmed.Add(1)
			}
			return err == nil, q.count(err)
		case <-patience.C:
			q.setState(down, errUnsettled)
		}
	}
	q.unconfirmed.Add(1)
	q.working.Go(func() {
		if err := q.count(<-settled); err == nil || errors.Is(err, ErrLost) {
			q.unconfirmed.Add(-1)
		}
	})
	return false, fmt.Errorf("%w: Kafka did not acknowledge it yet", ErrUnconfirmed)
}

// count counts what became of an event.
func (q *KafkaQueue) count(err error) error {
	switch {
	case err == nil:
		q.delivered.Add(1)
	case errors.Is(err, ErrLost):
		q.lost.Add(1)
	}
	return err
}

// accept finds a place for an event and begins to send it. The channel tells
// once what became of it: nil, or an error that wraps ErrLost.
func (q *KafkaQueue) accept(key string, value []byte, headers []Header) (settled <-chan error, err error) {
	q.doorMu.RLock()
	defer q.doorMu.RUnlock()
	if q.closed {
		return nil, fmt.Errorf("%w: the queue is closed", ErrLost)
	}
	size := int64(len(value))
	if q.bytes.Add(size) > maxUnderwayBytes {
		q.bytes.Add(-size)
		q.overflow(true)
		return nil, fmt.Errorf("%w: %d MiB of events are under way already", ErrLost, maxUnderwayBytes>>20)
	}
	select {
	case q.places <- struct{}{}:
		if len(q.places) <= cap(q.places)*9/10 { // not at each place that becomes free
			q.overflow(false)
		}
	default:
		q.bytes.Add(-size)
		q.overflow(true)
		return nil, fmt.Errorf("%w: %d events are under way already", ErrLost, q.options.places)
	}
	q.underway.Add(1)
	q.Connect()
	q.starting.Do(func() { q.working.Go(q.sendPending) })
	u := &underway{event: newEvent(key, value, headers), settled: make(chan error, 1)}
	q.numberMu.Lock()
	defer q.numberMu.Unlock()
	q.sequence++
	u.number(q.source, q.sequence)
	q.pending <- u // there is a place for it
	return u.settled, nil
}

// underway is an event that has a place in the queue.
type underway struct {
	*event
	settled chan error
}

// sendPending sends what has come in, in that order, until the queue is given
// up.
func (q *KafkaQueue) sendPending() {
	sender := newSender(q)
	defer func() {
		for len(q.pending) > 0 {
			q.settle(<-q.pending, fmt.Errorf("%w: %w", ErrLost, errGaveUp))
		}
	}()
	for {
		var events []*event
		senders := map[*event]*underway{}
		add := func(u *underway) {
			events = append(events, u.event)
			senders[u.event] = u
		}
		select {
		case u := <-q.pending:
			add(u)
		case <-q.closing.Done():
			return
		}
		for more := true; more; {
			select {
			case u := <-q.pending:
				add(u)
			default:
				more = false
			}
		}
		gaveUp := sender.send(q.closing, events, func(e *event, refusal error) {
			if refusal != nil {
				q.options.log.Error("Kafka refused an event", "error", refusal)
				refusal = fmt.Errorf("%w: %w", ErrLost, refusal)
			}
			q.settle(senders[e], refusal)
			delete(senders, e)
		})
		for _, u := range senders {
			if u.tried {
				q.settle(u, fmt.Errorf("%w: %w", ErrUnconfirmed, gaveUp))
			} else {
				q.settle(u, fmt.Errorf("%w: %w", ErrLost, gaveUp))
			}
		}
	}
}

// settle gives the place of an event back and tells what became of it.
func (q *KafkaQueue) settle(u *underway, err error) {
	q.underway.Add(-1)
	q.bytes.Add(-int64(len(u.value)))
	u.settled <- err
	<-q.places
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
	q.options.log.Info("Kafka confirms events", "topic", q.topic)
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
	s := model.EventStats{
		Connected:   q.current() == up,
		Delivered:   q.delivered.Load(),
		Unconfirmed: q.unconfirmed.Load(),
		Lost:        q.lost.Load(),
		Waiting:     q.underway.Load(),
	}
	s.Accepted = s.Delivered
	return s
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
	q.giveUp(errGaveUp)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.working.Wait()
		q.producerMu.Lock()
		defer q.producerMu.Unlock()
		if q.producer != nil {
			<-q.producer.ended
		}
	}()
	select {
	case <-ended:
	case <-time.After(endWait): // sarama can't be stopped while it connects
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
