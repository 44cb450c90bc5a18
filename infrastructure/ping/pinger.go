package ping

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	// maxInFlight bounds the pings that wait at once.
	maxInFlight = 2000
	// late is how long a reply takes until the Pinger asks Kafka whether it reads everything,
	// and checkEvery is the time between two such questions.
	late         = 2 * time.Second
	checkEvery   = time.Second
	checkTimeout = 3 * time.Second
	// lastWait is how long pings still wait when the process stops.
	lastWait = time.Second
	// retryAfter is the time after which there may be room for a ping again.
	retryAfter = time.Second
)

var (
	errNoReply  = errors.New("no reply came in time")
	errStopping = errors.New("the process is stopping")
)

// Pinger sends pings and reads the replies. It reads all partitions of their topic without a
// consumer group, so that each of several processes sees every reply, and ignores those to
// other processes. It reads from the end of the topic, which it knows before it sends the
// first ping.
type Pinger struct {
	kafka   mq.Kafka
	topics  Topics
	config  mq.TopicConfig
	metrics *metrics
	timeout time.Duration
	most    int

	// lines is the trouble with connections, and silence that with replies.
	lines, silence trouble

	mu       sync.Mutex
	inFlight int
	waiting  map[string]*waiting // by id
	line     *line               // nil while there is none
	failure  error               // of the last attempt to connect; nil while the first one lasts
	changed  chan struct{}       // closed, and made anew, when line or failure changes
	stopping chan struct{}
	stopped  sync.Once

	from mq.Position // where hold reads replies from; its Next may be nil
}

// waiting is a ping without a reply.
type waiting struct {
	since    time.Time
	answered chan struct{} // closed by the reply
	failed   chan error    // has room for one error of sending
}

// line is a connection by which pings go out and replies come in.
type line struct {
	*mq.Sender
	broke context.CancelCauseFunc // ends the connection
}

var _ gateway.Pinger = (*Pinger)(nil)

// New returns a Pinger. config says how to create the topics. Ping works while Run runs.
func New(kafka mq.Kafka, topics Topics, config mq.TopicConfig, log *slog.Logger) *Pinger {
	return &Pinger{
		kafka: kafka, topics: topics, config: config, metrics: newMetrics(), timeout: Timeout, most: maxInFlight,
		lines:   trouble{log: log, begins: "pings can't be sent; retrying", ends: "pings are sent again"},
		silence: trouble{log: log, begins: "pings get no reply: no echo runs, or Kafka is slow", ends: "pings get replies again"},
		waiting: map[string]*waiting{}, changed: make(chan struct{}), stopping: make(chan struct{}),
	}
}

// Ping implements gateway.Pinger.
func (p *Pinger) Ping(ctx context.Context) (string, error) {
	if !p.enter() {
		p.metrics.failed.WithLabelValues(overloaded).Inc()
		return "", &model.Error{Code: model.Overloaded, Message: "there are too many pings at the moment", RetryAfter: retryAfter}
	}
	defer p.leave()
	begun := time.Now()
	bounded, cancel := context.WithTimeoutCause(ctx, p.timeout, errNoReply)
	defer cancel()
	text, err := p.roundTrip(bounded)
	switch {
	case err == nil:
		p.metrics.duration.Observe(time.Since(begun).Seconds())
		p.silence.end()
		return text, nil
	case errors.Is(err, errNoReply), errors.Is(err, context.DeadlineExceeded):
		p.metrics.failed.WithLabelValues(timedOut).Inc()
		p.silence.begin(errNoReply)
		return "", &model.Error{Code: model.TimedOut, Message: "no reply to the ping came in time", Cause: err}
	case ctx.Err() == nil: // otherwise the client has gone
		p.metrics.failed.WithLabelValues(unavailable).Inc()
	}
	return "", &model.Error{Code: model.UnavailableNow, Message: "pings can't be sent at the moment", Cause: err}
}

// roundTrip sends a ping and waits for its reply.
func (p *Pinger) roundTrip(ctx context.Context) (string, error) {
	l, err := p.connected(ctx)
	if err != nil {
		return "", err
	}
	id := uuid.NewString()
	w := p.expect(id)
	defer p.forget(id)
	err = l.Send(ctx, newPing(id), func(err error) {
		if err != nil {
			l.broke(err)
			w.failed <- err
		}
	})
	if err != nil {
		return "", err
	}
	var last <-chan time.Time
	for stopping := p.stopping; ; {
		select {
		case <-w.answered:
			return reply(id), nil
		case err := <-w.failed:
			return "", err
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-stopping:
			stopping, last = nil, time.After(lastWait)
		case <-last:
			return "", errStopping
		}
	}
}

// enter makes room for a ping, if there is some.
func (p *Pinger) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight >= p.most {
		return false
	}
	p.inFlight++
	p.metrics.inFlight.Inc()
	return true
}

func (p *Pinger) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	p.metrics.inFlight.Dec()
}

func (p *Pinger) expect(id string) *waiting {
	w := &waiting{since: time.Now(), answered: make(chan struct{}), failed: make(chan error, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[id] = w
	return w
}

func (p *Pinger) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// settle wakes the ping that a record replies to. Most records reply to other processes.
func (p *Pinger) settle(r *mq.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.waiting[r.Key]; w != nil && answers(r, r.Key) {
		close(w.answered)
		delete(p.waiting, r.Key)
	}
	return nil
}

// waitLonger reports whether a ping has waited for longer than d.
func (p *Pinger) waitLonger(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting {
		if time.Since(w.since) > d {
			return true
		}
	}
	return false
}

// connected returns the line. Without one it waits for the attempt to connect that is under
// way, unless the one before has failed.
func (p *Pinger) connected(ctx context.Context) (*line, error) {
	for {
		p.mu.Lock()
		l, failure, changed := p.line, p.failure, p.changed
		p.mu.Unlock()
		if l != nil || failure != nil {
			return l, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.stopping:
			return nil, errStopping
		}
	}
}

// use replaces the line; nil means that there is none, perhaps because of a failure.
func (p *Pinger) use(l *line, failure error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.failure = l, failure
	close(p.changed)
	p.changed = make(chan struct{})
}

// Stopping gives the pings that wait one more second.
func (p *Pinger) Stopping() { p.stopped.Do(func() { close(p.stopping) }) }

// Run connects to Kafka, and connects again after a failure, until ctx ends.
func (p *Pinger) Run(ctx context.Context) { keep(ctx, p.hold, p.lines.begin) }

// hold keeps a line until it breaks or ctx ends.
func (p *Pinger) hold(ctx context.Context) error {
	sender, replies, from, err := p.open(ctx)
	if err != nil {
		p.use(nil, err)
		return err
	}
	defer sender.Close()
	defer replies.Close()
	ctx, broke := context.WithCancelCause(ctx)
	defer broke(nil)
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error { return replies.Follow(reading, from, p.settle) })
	group.Go(func() error { return p.check(reading, replies) })
	p.use(&line{sender, broke}, nil)
	p.lines.end()
	err = group.Wait()
	p.use(nil, nil)
	if err == nil {
		err = context.Cause(ctx)
	}
	if at := replies.Position(); at.Next != nil {
		p.from = at
	}
	if errors.Is(err, mq.ErrBehind) {
		p.from = mq.Position{}
	}
	return err
}

// open connects, and finds the position to read replies from. If pings wait, that is where
// the line before has ended.
func (p *Pinger) open(ctx context.Context) (_ *mq.Sender, _ *mq.Stream, from mq.Position, err error) {
	if err := mq.CreateTopics(p.kafka, p.config, p.lines.log, p.topics.Ping, p.topics.Pong); err != nil {
		return nil, nil, from, err
	}
	replies, err := mq.OpenStream(p.kafka, p.topics.Pong)
	if err != nil {
		return nil, nil, from, err
	}
	if from = p.from; from.Next == nil || !p.waitLonger(0) {
		from, err = replies.End(ctx)
	}
	if err != nil {
		replies.Close()
		return nil, nil, from, err
	}
	sender, err := mq.OpenSender(p.kafka, p.topics.Ping)
	if err != nil {
		replies.Close()
		return nil, nil, from, err
	}
	return sender, replies, from, nil
}

// check looks, while replies are late, whether all of the topic is read. It returns why not:
// the topic has other partitions, was created anew, or can't be read.
func (p *Pinger) check(ctx context.Context, replies *mq.Stream) error {
	for {
		select {
		case <-time.After(checkEvery):
		case <-ctx.Done():
			return nil
		}
		if !p.waitLonger(late) {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, checkTimeout)
		err := replies.Confirm(bounded)
		cancel()
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}
