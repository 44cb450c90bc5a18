package mq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// connectTimeout is longer than sarama's own attempts at a first contact take.
const connectTimeout = time.Minute

var (
	errSilent = errors.New("Kafka does not answer any more")
	errClosed = errors.New("the producer is closed")
)

// Producer sends batches of records to one Kafka topic, with acks=all and
// idempotence, in their order. It connects in the background, creates the topic
// if it is missing, and replaces a connection that is stuck. It keeps nothing:
// the caller holds records until they are acknowledged.
type Producer struct {
	kafka   Kafka
	topic   string
	options options
	pace    *pace // of Deliver

	connecting sync.Once
	reached    atomic.Bool // once, at least
	sessionMu  sync.Mutex
	session    *session      // nil while there is none
	failure    error         // of the last attempt to connect; nil if it succeeded
	changed    chan struct{} // closed, and made anew, when session or failure changes
	wanted     chan struct{} // has room for one call that wants a connection

	closing context.Context
	stop    context.CancelCauseFunc
	working sync.WaitGroup

	stateMu sync.Mutex
	state   State
	// calls counts Partitions and Deliver under way. failing is set from a call
	// that fails until the next acknowledgement.
	calls   int
	failing bool
}

// NewProducer prepares a producer for topic on the brokers (host:port). It does
// not connect: the error is about its arguments only.
func NewProducer(brokers []string, topic string, opts ...Option) (*Producer, error) {
	o, err := newOptions(brokers, topic, opts)
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	p := &Producer{
		kafka: Kafka{slices.Clone(brokers), o.security}, topic: topic, options: o,
		pace: newPace(topic, o.stuck), changed: make(chan struct{}), wanted: make(chan struct{}, 1),
	}
	p.closing, p.stop = context.WithCancelCause(context.Background())
	return p, nil
}

// Connect begins to connect in the background, so that the topic exists and the
// state is known before the first event. Partitions and Deliver call it, too. From
// then on the producer stays connected, unless it is made OnDemand.
func (p *Producer) Connect() {
	p.connecting.Do(func() { p.working.Go(p.keepConnected) })
}

// State returns what is known of Kafka at the moment.
func (p *Producer) State() State {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	return p.state
}

// Partitions returns how many partitions the topic has. Without a connection it
// waits for the next attempt to connect, and returns its error if it fails.
func (p *Producer) Partitions(ctx context.Context) (n int32, err error) {
	p.enter()
	defer func() { p.leave(ctx, err) }()
	s, err := p.connection(ctx)
	if err != nil {
		return 0, err
	}
	return s.partitionCount(ctx, p.topic)
}

// Deliver tries once to send one batch: the first events, as many as fit. The
// partition of an event is murmur2(key) modulo partitions, as in Kafka's Java
// client. An event that it returns may be in the topic all the same, and the next
// attempt then makes a copy. See spool.Broker for the whole contract.
func (p *Producer) Deliver(ctx context.Context, events []*Record, partitions int32, report func(event *Record, rejection error)) (left []*Record, err error) {
	p.enter()
	defer func() { p.leave(ctx, err) }()
	s, err := p.connection(ctx)
	if err != nil {
		return events, err
	}
	messages := p.pace.cut(events, s.batchBytes, partitions)
	batch := events[:len(messages)]
	begun := time.Now()
	errs := s.send(ctx, messages, p.options.slow, p.pace.stuck, func() { p.setState(Unreachable, errUnsettled) })
	p.learn(s, errs, time.Since(begun))
	again, err := p.settle(batch, messages, errs, report)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return append(again, events[len(batch):]...), err
}

// learn draws conclusions from a batch for the next one, and for the state.
func (p *Producer) learn(s *session, errs []error, took time.Duration) {
	acknowledged := slices.Contains(errs, nil)
	switch {
	case s.isDropped():
		p.pace.tookTooLong()
	case acknowledged:
		p.pace.took(took)
	case len(errs) > 0 && !rejects(errs[0]):
		s.drop() // sarama gave all of them up; another session may succeed
	}
	p.pace.fit(errs, s.batchBytes)
	// A Kafka that is always slow stays unreachable, instead of changing its
	// state with each batch.
	if acknowledged && (took < p.options.slow || p.State() == Unknown) {
		p.setState(Reachable, nil)
	}
}

// settle reports what is settled of a batch. It returns the events that must be
// sent again, and the last error that isn't a rejection.
func (p *Producer) settle(batch []*Record, messages []*sarama.ProducerMessage, errs []error, report func(event *Record, rejection error)) (again []*Record, err error) {
	waiting := map[string]bool{} // keys that have an event to be sent again
	overtaken := 0
	for i, r := range batch {
		rejected := rejects(errs[i])
		switch {
		case errs[i] == nil:
			if waiting[r.Key] {
				overtaken++
			}
			delete(p.pace.alone, r)
			p.pace.timestamps.took(r, messages[i].Timestamp)
			report(r, nil)
			continue
		case rejected && len(batch) == 1:
			if errors.Is(errs[i], sarama.ErrInvalidTimestamp) && p.restamp(r, messages[i].Timestamp) {
				break // it goes again
			}
			delete(p.pace.alone, r)
			report(r, errs[i])
			continue
		case rejected && errors.Is(errs[i], sarama.ErrMessageSizeTooLarge): // a smaller batch may pass
		case rejected:
			p.pace.alone[r] = true
			p.pace.timestamps.doubt(r, messages[i].Timestamp)
		default:
			err = errs[i]
		}
		again = append(again, r)
		waiting[r.Key] = true
	}
	if overtaken > 0 {
		// sarama split the batch into requests, and the first one failed with
		// an error that sarama doesn't retry.
		p.options.log.Warn("events overtook earlier events of their keyword", "events", overtaken, "error", err)
	}
	return again, err
}

// restamp chooses another timestamp for a record that Kafka refused with sent. It reports
// false if there is none.
func (p *Producer) restamp(r *Record, sent time.Time) bool {
	t := &p.pace.timestamps
	if sent.Equal(r.Time) && !t.isRefused(r) {
		p.options.log.Warn("Kafka refuses the time of an event: this machine's clock is ahead, or the event waited for too long. Such events go with another timestamp, and ce_time stays", "topic", p.topic, "time", r.Time)
	}
	return t.refuse(r, sent)
}

func (p *Producer) enter() {
	p.Connect()
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.calls++
}

func (p *Producer) leave(ctx context.Context, err error) {
	if ctx.Err() != nil {
		err = nil // the caller's decision says nothing about Kafka
	}
	if err != nil {
		p.setState(Unreachable, err)
	}
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.calls--
	p.failing = p.failing || err != nil
}

// setState logs a change.
func (p *Producer) setState(now State, cause error) {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.failing = p.failing && now != Reachable
	if p.state == now {
		return
	}
	p.state = now
	if p.options.quiet {
		return
	}
	if now == Unreachable {
		p.options.log.Warn("Kafka does not confirm events", "topic", p.topic, "error", cause)
		return
	}
	p.options.log.Info("Kafka confirms events", "topic", p.topic)
}

// connected counts a new connection as reachable, unless a call is under way or
// the last one failed: then an acknowledgement decides.
func (p *Producer) connected() {
	p.stateMu.Lock()
	decide := p.calls == 0 && !p.failing
	p.stateMu.Unlock()
	if decide {
		p.setState(Reachable, nil)
	}
}

// keepConnected holds a session until the producer is closed, and makes another
// one whenever it was dropped.
func (p *Producer) keepConnected() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	for p.closing.Err() == nil {
		lasted, err := p.holdSession()
		if err != nil && p.closing.Err() == nil {
			p.setState(Unreachable, err)
		}
		if lasted > minStuck {
			pause.Reset()
		}
		select {
		case <-p.closing.Done():
		case <-time.After(pause.NextBackOff()):
		}
		if p.options.onDemand {
			select {
			case <-p.closing.Done():
			case <-p.wanted:
			}
		}
	}
}

// holdSession connects and returns when the session is dropped or the producer
// closed, with the time that the session lasted. The error says why there is no
// connection.
func (p *Producer) holdSession() (lasted time.Duration, err error) {
	s, err := p.connect()
	if err != nil {
		p.use(nil, err)
		return 0, err
	}
	begun := time.Now()
	p.connected()
	p.use(s, nil)
	select {
	case <-s.dropped:
		p.use(nil, nil)
	case <-p.closing.Done():
		s.drop()
	}
	return time.Since(begun), nil
}

// use replaces the session; nil means that there is none, perhaps because of a
// failure.
func (p *Producer) use(s *session, failure error) {
	p.sessionMu.Lock()
	defer p.sessionMu.Unlock()
	p.session, p.failure = s, failure
	close(p.changed)
	p.changed = make(chan struct{})
}

// connection returns the session. Without one it waits for the next attempt to
// connect, until ctx ends or the producer is closed.
func (p *Producer) connection(ctx context.Context) (*session, error) {
	for waited := false; ; waited = true {
		p.sessionMu.Lock()
		s, failure, changed := p.session, p.failure, p.changed
		p.sessionMu.Unlock()
		if s != nil && !s.isDropped() {
			return s, nil
		}
		if waited && failure != nil {
			return nil, failure
		}
		select {
		case p.wanted <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.closing.Done():
			return nil, context.Cause(p.closing)
		}
	}
}

// connect makes a session. After a minute, or when the producer is closed, it
// gives up; what it began then ends in the background.
func (p *Producer) connect() (*session, error) {
	ctx, cancel := context.WithTimeoutCause(p.closing, connectTimeout, errSilent)
	defer cancel()
	type made struct {
		*session
		error
	}
	result := make(chan made, 1)
	go func() {
		s, err := p.newSession()
		result <- made{s, err}
	}()
	select {
	case r := <-result:
		return r.session, r.error
	case <-ctx.Done():
		go func() {
			if r := <-result; r.session != nil {
				r.session.drop()
			}
		}()
		return nil, fmt.Errorf("connect to Kafka: %w", context.Cause(ctx))
	}
}

// newSession first looks for Kafka and the topic with a client that retries
// little, because the session's own client retries for minutes.
func (p *Producer) newSession() (*session, error) {
	probe, err := dial(p.kafka.Brokers, newConfig(p.kafka.Security))
	if errors.Is(err, io.EOF) && p.reached.Load() {
		return nil, errors.New("connect to Kafka: it closes the connection") // the settings were right before
	}
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	p.reached.Store(true)
	if err := ensureTopic(probe, p.topic, p.options.topic, p.options.log); err != nil {
		return nil, err
	}
	return newSession(p.kafka, topicBatchBytes(probe, p.topic))
}

// Close ends the producer. Calls under way fail, and so do later ones. It
// returns after a second at most, even if sarama still waits for a connection.
func (p *Producer) Close() {
	p.connecting.Do(func() {}) // nothing connects from here on
	p.stop(errClosed)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.working.Wait()
		p.sessionMu.Lock()
		defer p.sessionMu.Unlock()
		if p.session != nil {
			<-p.session.ended
		}
	}()
	select {
	case <-ended:
	case <-time.After(endTimeout):
	}
}
