package mq

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

const (
	// batchRecords and batchBytes bound the records of one transaction.
	batchRecords = 4000
	batchBytes   = 16 << 20
	// lastBatch is how long a batch may go on after its partition was taken away, or the
	// consumer stops.
	lastBatch = 3 * time.Second
	// fencedPause is the pause before a partition is claimed again that another process has taken.
	fencedPause = time.Second
	// watchEvery is how often a session looks whether the topic was created anew.
	watchEvery = 2 * time.Second
	// maxRejoinPause bounds the pause between two attempts to join the group.
	maxRejoinPause = 5 * time.Second
)

// Consumer reads a topic as a member of a consumer group, and gives each record to a handler
// exactly once, whatever happens to processes, brokers and the group.
//
// A batch of records, the position behind it and the memory of which events have arrived are
// stored in one transaction of gateway.Progress. Kafka's offsets follow for tools that show
// the lag; nothing depends on them. A partition is claimed in the database, and a claim ends
// the ones before it, so a member that was frozen stores nothing when it wakes up. Each claim
// checks whether the topic still has the record before its position. If not, it starts again
// at the oldest record, and what was handled before is recognised as copies.
type Consumer struct {
	kafka    Kafka
	group    string
	topic    string
	handlers gateway.Handlers
	progress gateway.Progress
	log      *slog.Logger

	stats    consumerStats
	trouble  atomic.Bool
	fenced   rate.Sometimes        // log lines
	observed func(r *model.Record) // of each record that was handled, after the commit
}

// NewConsumer returns a consumer of a topic. handlers say what becomes of records; those of
// other types are counted and left out.
func NewConsumer(kafka Kafka, group, topic string, handlers gateway.Handlers, progress gateway.Progress, log *slog.Logger) *Consumer {
	return &Consumer{
		kafka: kafka, group: group, topic: topic, handlers: handlers, progress: progress,
		log: log.With("group", group, "topic", topic), observed: func(*model.Record) {}, fenced: rate.Sometimes{Interval: time.Minute},
	}
}

// Group and Topic are those of NewConsumer.
func (c *Consumer) Group() string { return c.group }
func (c *Consumer) Topic() string { return c.topic }

// Observe makes the consumer call observed for each record, once it is handled and committed.
// It must be called before Run.
func (c *Consumer) Observe(observed func(r *model.Record)) { c.observed = observed }

// Run reads until ctx ends, and joins the group again whenever it has lost it. It finishes
// the batch under way, for which it takes 3 s at most. Run may be called once at a time.
func (c *Consumer) Run(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 200*time.Millisecond, maxRejoinPause
	for ctx.Err() == nil {
		begun := time.Now()
		err := c.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > 2*maxRejoinPause {
			pause.Reset()
		}
		c.failed(err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		}
	}
}

// succeeded logs the end of failures.
func (c *Consumer) succeeded() {
	if c.trouble.Load() && c.trouble.Swap(false) {
		c.log.Info("the topic is read again")
	}
}

// failed logs the first of several failures.
func (c *Consumer) failed(err error) {
	if err == nil || errors.Is(err, context.Canceled) || c.trouble.Swap(true) {
		return
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		c.log.Info("the topic doesn't exist yet; it is read as soon as it does")
		return
	}
	c.log.Warn("the topic can't be read; retrying", "error", err)
}

// connect reads with one connection until that fails or ctx ends.
func (c *Consumer) connect(ctx context.Context) error {
	config := newGroupConfig(c.kafka.Security)
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.ResetInvalidOffsets = false
	client, err := dial(c.kafka.Brokers, config)
	if err != nil {
		return err
	}
	defer client.Close()
	return takePartInGroup(ctx, client, c.group, c.topic, func() groupSession {
		return &member{Consumer: c, client: client, shards: map[int32]*shard{}}
	}, c.log)
}

// member is a session of a group: its partitions until the next rebalance. It implements
// groupSession.
type member struct {
	*Consumer
	client sarama.Client
	shards map[int32]*shard // those that could be claimed
	cause  atomic.Pointer[error]
	// reading ends with the session, or before it if the topic was created anew.
	reading context.Context
	stop    context.CancelFunc
}

// failure implements groupSession.
func (m *member) failure() error {
	if err := m.cause.Load(); err != nil {
		return *err
	}
	return nil
}

// Setup claims the partitions of the session, and says where to read them from. One that can't be
// read doesn't hold up the others.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.reading, m.stop = context.WithCancel(session.Context())
	reader, closeReader, err := newReader(m.client, m.topic)
	if err != nil {
		return err
	}
	defer closeReader()
	unread := int64(0)
	for _, partition := range session.Claims()[m.topic] {
		s := &shard{
			Shard:    model.Shard{Group: m.group, Stream: m.topic, Number: partition},
			Consumer: m.Consumer,
		}
		end, err := s.claim(session.Context(), reader)
		if session.Context().Err() != nil {
			return nil // another member goes on
		}
		if err != nil {
			m.failed(err)
			continue
		}
		unread += end - s.Next
		m.shards[partition] = s
		// Either moves the offset in one direction only.
		session.MarkOffset(m.topic, partition, s.Next, "")
		session.ResetOffset(m.topic, partition, s.Next, "")
	}
	if unread == 0 && len(m.shards) == len(session.Claims()[m.topic]) {
		m.succeeded()
	}
	m.log.Debug("partitions were assigned", "partitions", session.Claims()[m.topic])
	go m.watchTopic()
	return nil
}

// watchTopic ends reading when the topic was created anew. Kafka doesn't say so to a reader whose
// offset exists in the new topic, too. The next session claims the partitions, and begins at their
// oldest records.
func (m *member) watchTopic() {
	topic := &topicReader{client: m.client, topic: m.topic}
	for {
		pauseUntil(m.reading, watchEvery)
		if m.reading.Err() != nil {
			return
		}
		id, _, err := topic.describe()
		if err != nil || id == "" { // while Kafka is away, reading fails anyway
			continue
		}
		for _, s := range m.shards {
			if s.claimed != "" && id != s.claimed {
				m.stop()
			}
		}
	}
}

// Cleanup ends the session.
func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.stop()
	for partition := range m.shards {
		m.stats.drop(partition)
	}
	return nil
}

// ConsumeClaim handles one partition until it is taken away.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	s := m.shards[claim.Partition()]
	if s == nil { // the next session tries again
		pauseUntil(m.reading, maxRejoinPause)
		return nil
	}
	m.stats.follow(claim.Partition(), claim.HighWaterMarkOffset)
	ctx, cancel := after(session.Context(), lastBatch)
	defer cancel()
	for {
		batch := gatherRecords(m.reading, claim.Messages())
		if len(batch) == 0 {
			return nil
		}
		if err := s.handle(ctx, session.Context(), batch); err != nil {
			if session.Context().Err() != nil {
				return nil // another member goes on
			}
			if errors.Is(err, gateway.ErrFenced) { // if the group still gives it to this process, it claims it again
				m.fenced.Do(func() { m.log.Warn("another process has claimed the partition", "partition", s.Number) })
				pauseUntil(session.Context(), fencedPause)
				return nil
			}
			m.cause.CompareAndSwap(nil, &err)
			return err
		}
		m.succeeded()
		session.MarkOffset(m.topic, claim.Partition(), s.Next, "")
		m.stats.set(s)
	}
}

// pauseUntil waits for a time, or until ctx ends.
func pauseUntil(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// gatherRecords waits for a record and takes those that are there already. It returns none if
// the messages end, or ctx.
func gatherRecords(ctx context.Context, messages <-chan *sarama.ConsumerMessage) (batch []*Record) {
	size := 0
	add := func(message *sarama.ConsumerMessage) {
		batch = append(batch, newRecord(message))
		size += batch[len(batch)-1].Size()
	}
	select {
	case message, ok := <-messages:
		if !ok || ctx.Err() != nil {
			return nil
		}
		add(message)
	case <-ctx.Done():
		return nil
	}
	for len(batch) < batchRecords && size < batchBytes {
		select {
		case message, ok := <-messages:
			if !ok {
				return batch
			}
			add(message)
		default:
			return batch
		}
	}
	return batch
}

// after returns a context that ends some time after another one has ended.
func after(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer atomic.Pointer[time.Timer]
	stop := context.AfterFunc(ctx, func() { timer.Store(time.AfterFunc(grace, cancel)) })
	return later, func() {
		stop()
		if t := timer.Load(); t != nil {
			t.Stop()
		}
		cancel()
	}
}

// ShardStats says how far a consumer has read one partition.
type ShardStats struct {
	Partition int32
	// Lag is the number of records that it has not read yet.
	Lag int64
	model.Tally
}

// consumerStats are the partitions of a consumer, by number.
type consumerStats struct {
	mu     sync.Mutex
	shards map[int32]*shardState
}

type shardState struct {
	next  int64
	end   int64        // when the partition was claimed
	known func() int64 // the end as the last answer of Kafka said, 0 before the first one
	model.Tally
}

// begin notes that a partition was claimed.
func (s *consumerStats) begin(of *shard, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shards == nil {
		s.shards = map[int32]*shardState{}
	}
	s.shards[of.Number] = &shardState{next: of.Next, end: end, known: func() int64 { return 0 }, Tally: of.Tally}
}

// follow says how to find out the end of a partition.
func (s *consumerStats) follow(partition int32, end func() int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards[partition].known = end
}

// set notes how far a partition is handled.
func (s *consumerStats) set(of *shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards[of.Number].next, s.shards[of.Number].Tally = of.Next, of.Tally
}

func (s *consumerStats) drop(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.shards, partition)
}

// Stats returns what is known of the partitions that this consumer reads.
func (c *Consumer) Stats() []ShardStats {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	list := make([]ShardStats, 0, len(c.stats.shards))
	for partition, s := range c.stats.shards {
		list = append(list, ShardStats{Partition: partition, Lag: max(0, max(s.end, s.known())-s.next), Tally: s.Tally})
	}
	return list
}

// passing reports errors of the database that a later attempt may not have.
func passing(err error) bool {
	e, ok := errors.AsType[*model.Error](err)
	return ok && e.Code == model.UnavailableNow || errors.Is(err, context.DeadlineExceeded)
}
