package mq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// rebalanceTimeout is how long a group waits for its members to join again. A batch under
	// way takes lastBatch at most. Who comes later joins once more.
	rebalanceTimeout = 8 * time.Second
	// groupReadTimeout is how long a member waits for an answer. A group answers a request to
	// join when all members have joined, or after rebalanceTimeout; the embedded broker begins
	// to wait anew when a member comes or goes. So members that give up too early, and try
	// again, may keep each other waiting for ever for one that was killed.
	groupReadTimeout = 20 * time.Second
)

// newGroupConfig returns the settings of a member of a group.
func newGroupConfig(security Security) *sarama.Config {
	config := newConfig(security)
	config.Net.ReadTimeout = groupReadTimeout
	config.ChannelBufferSize = batchRecords
	config.Metadata.RefreshFrequency = 30 * time.Second // for added partitions
	config.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	config.Consumer.Return.Errors = true
	return config
}

// takePartInGroup joins a consumer group on a client, and joins again after each rebalance,
// until that fails, a session ends with an error, or ctx ends. session makes what handles
// the partitions of a session; its failure may be nil.
func takePartInGroup(ctx context.Context, client sarama.Client, group, topic string, session func() groupSession, log *slog.Logger) error {
	members, err := sarama.NewConsumerGroupFromClient(group, client)
	if err != nil {
		return fmt.Errorf("join the group %s: %w", group, err)
	}
	var draining sync.WaitGroup
	draining.Go(func() {
		for err := range members.Errors() {
			log.Debug("a partition can't be read; joining the group again", "error", err)
		}
	})
	defer draining.Wait()
	defer members.Close()
	for ctx.Err() == nil {
		s := session()
		if err := members.Consume(ctx, []string{topic}, s); err != nil {
			return fmt.Errorf("read as a member of the group %s: %w", group, err)
		}
		if err := s.failure(); err != nil {
			return err
		}
	}
	return nil
}

// groupSession handles the partitions of one session.
type groupSession interface {
	sarama.ConsumerGroupHandler
	// failure is why the session ended, or nil.
	failure() error
}

// Subscription says what Subscribe reads.
type Subscription struct {
	Group, Topic string
	// MaxAge bounds the age of the records that a new member reads: those that have waited
	// for longer, or came before there was a member, are skipped.
	MaxAge time.Duration
	// Joined is called when partitions are assigned. It may be nil.
	Joined func(partitions []int32)
	Log    *slog.Logger
}

// Subscribe reads a topic as a member of a consumer group, with one connection, until that
// fails or ctx ends, which is no error. It may block for as long as brokers don't answer:
// see dial. The group's offsets are in Kafka: a record may be
// handled more than once, and is handled at least once unless it is older than MaxAge. A
// Consumer handles each record exactly once, with a database.
//
// handle gets records of one partition, in order, and is called for several partitions at
// once. Its records are marked as read when it has succeeded. If it fails, Subscribe ends
// with its error. When the session ends, ctx of handle ends.
func Subscribe(ctx context.Context, kafka Kafka, s Subscription, handle func(ctx context.Context, records []*Record) error) error {
	config := newGroupConfig(kafka.Security)
	config.Consumer.Offsets.Initial = sarama.OffsetNewest
	client, err := dial(kafka.Brokers, config)
	if err != nil {
		return err
	}
	defer client.Close()
	return takePartInGroup(ctx, client, s.Group, s.Topic, func() groupSession {
		return &subscriber{Subscription: s, client: client, handle: handle}
	}, s.Log)
}

// subscriber is a session of a Subscription.
type subscriber struct {
	Subscription
	client sarama.Client
	handle func(ctx context.Context, records []*Record) error

	mu     sync.Mutex
	failed error // of handle
}

// Setup moves the group's offsets behind the records that are too old, and into the topic if
// it was created anew.
func (s *subscriber) Setup(session sarama.ConsumerGroupSession) error {
	partitions := session.Claims()[s.Topic]
	for _, partition := range partitions {
		newest, err := s.client.GetOffset(s.Topic, partition, sarama.OffsetNewest)
		if err != nil {
			return fmt.Errorf("read topic %s: partition %d: %w", s.Topic, partition, err)
		}
		oldest, err := offsetAt(s.client, s.Topic, partition, time.Now().Add(-s.MaxAge))
		if err != nil {
			return fmt.Errorf("read topic %s: partition %d: %w", s.Topic, partition, err)
		}
		// Either moves the offset in one direction only.
		session.ResetOffset(s.Topic, partition, newest, "")
		session.MarkOffset(s.Topic, partition, min(oldest, newest), "")
	}
	if s.Joined != nil {
		s.Joined(partitions)
	}
	return nil
}

// Cleanup implements sarama.ConsumerGroupHandler.
func (s *subscriber) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim handles one partition until it is taken away.
func (s *subscriber) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		batch := gatherRecords(session.Context(), claim.Messages())
		if len(batch) == 0 {
			return nil
		}
		if err := s.handle(session.Context(), batch); err != nil {
			if session.Context().Err() == nil {
				s.fail(err)
			}
			return err
		}
		session.MarkOffset(s.Topic, claim.Partition(), batch[len(batch)-1].Offset+1, "")
	}
}

func (s *subscriber) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
}

func (s *subscriber) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}
