package mq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxRecordBytes is the largest record. A hundred books with ordinary
	// descriptions have a tenth of it. Topics that we create take records of
	// this size; the embedded broker takes requests of 16 MiB.
	maxRecordBytes = 15 << 20
	// maxPartitionBytes is the most that one request carries for a partition, unless
	// the topic takes less. unknownBatchBytes applies if the topic doesn't say:
	// it fits into topics with Kafka's default of 1 MiB.
	maxPartitionBytes = 4 << 20
	unknownBatchBytes = 1_000_000
	// maxRequestBytes is the most that one request carries for all partitions.
	maxRequestBytes = 8 << 20
	// endTimeout is how long closing waits for what sarama has begun.
	endTimeout = time.Second
	// metadataAge is how soon a session sees added partitions.
	metadataAge = 30 * time.Second
	// flushPause is how long sarama waits for more records of a call. It has all
	// of them by then, even on a busy machine. A full batch doesn't wait.
	flushPause = 50 * time.Millisecond
	// goneAfter is how long a batch waits until its session asks whether the topic still
	// exists, and then between two such questions.
	goneAfter = 2 * time.Second
)

// errUnsettled: Kafka's answer is missing, and the record may be in the topic.
var errUnsettled = errors.New("Kafka did not acknowledge in time")

// session is an idempotent producer on a client of its own. Until it is dropped, it
// retries every record that Kafka doesn't reject. If it gave up earlier, a later
// record of the key could overtake.
type session struct {
	client   sarama.Client
	producer sarama.SyncProducer
	// batchBytes is how much the topic takes at once for a partition.
	batchBytes int
	// dropped is closed when the session is given up, ended when it has ended.
	dropped, ended chan struct{}
	callsMu        sync.Mutex
	calls          sync.WaitGroup // of SendMessages
}

// sessionConfig makes sarama retry for longer than a Producer waits, so that the
// Producer drops the session before sarama gives a record up.
func sessionConfig(security Security) *sarama.Config {
	config := newConfig(security)
	config.Metadata.RefreshFrequency = metadataAge
	config.Metadata.Retry.Max = 600
	config.Metadata.Retry.Backoff = 250 * time.Millisecond
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1 // sarama requires it of an idempotent producer
	config.Producer.Retry.Max = 1200
	config.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		pause := min(100*time.Millisecond<<min(retries, 4), time.Second)
		return pause/2 + rand.N(pause)
	}
	config.Producer.Timeout = 5 * time.Second
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.MaxMessageBytes = maxRecordBytes
	// One call becomes one request for each broker, so that Kafka takes or
	// rejects the records of a partition together: see gather.
	config.ChannelBufferSize = maxBatchRecords + 24
	config.Producer.Flush.Messages = maxBatchRecords
	config.Producer.Flush.Frequency = flushPause
	return config
}

func newSession(kafka Kafka, batchBytes int) (*session, error) {
	client, err := dial(kafka.Brokers, sessionConfig(kafka.Security))
	if err != nil {
		return nil, err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make producer: %w", err), client.Close())
	}
	return &session{client: client, producer: producer, batchBytes: batchBytes, dropped: make(chan struct{}), ended: make(chan struct{})}, nil
}

// partitionCount returns how many partitions the topic has. sarama answers from its
// cache. If the topic is gone, sarama would retry for minutes, so the session is
// dropped after slowAfter.
func (s *session) partitionCount(ctx context.Context, topic string) (int32, error) {
	type answer struct {
		ids []int32
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		ids, err := s.client.Partitions(topic)
		answered <- answer{ids, err}
	}()
	err := error(sarama.ErrLeaderNotAvailable)
	select {
	case a := <-answered:
		if a.err == nil && len(a.ids) > 0 {
			return slices.Max(a.ids) + 1, nil
		}
		err = cmp.Or(a.err, err)
	case <-time.After(slowAfter):
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.drop()
	return 0, fmt.Errorf("partitions of topic %s: %w", topic, err)
}

// drop ends the session in the background. Calls under way fail, unless they
// hang. The client must be closed first, or sarama goes on retrying; the
// producer only after the last call, or sarama panics.
func (s *session) drop() {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.isDropped() {
		return
	}
	close(s.dropped)
	go func() {
		defer close(s.ended)
		_ = s.client.Close()
		s.calls.Wait()
		_ = s.producer.Close()
	}()
}

// begin enters a call, unless the session was dropped.
func (s *session) begin() bool {
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.isDropped() {
		return false
	}
	s.calls.Add(1)
	return true
}

func (s *session) isDropped() bool {
	select {
	case <-s.dropped:
		return true
	default:
		return false
	}
}

// send tries once to send messages, in their order within each partition, and
// returns an error for each message: nil if Kafka acknowledged it. After stuck,
// or when ctx ends, it drops the session; messages without an answer then get
// errUnsettled. So it does if the topic is gone. It calls onSlow once if there is no
// answer after slow.
func (s *session) send(ctx context.Context, messages []*sarama.ProducerMessage, slow, stuck time.Duration, onSlow func()) []error {
	if !s.begin() {
		return slices.Repeat([]error{errUnsettled}, len(messages))
	}
	gather(messages)
	sent := make(chan error, 1)
	go func() {
		defer s.calls.Done()
		sent <- s.producer.SendMessages(messages)
	}()
	sending, stop := context.WithCancel(ctx)
	defer stop()
	gone := s.watchTopic(sending, messages[0].Topic)
	giveUp := time.NewTimer(stuck)
	defer giveUp.Stop()
	late := time.NewTimer(slow)
	defer late.Stop()
	for {
		select {
		case err := <-sent:
			return errorOfEach(messages, err)
		case <-late.C:
			onSlow()
			continue
		case <-gone:
		case <-giveUp.C:
		case <-ctx.Done():
		}
		s.drop()
		select {
		case err := <-sent:
			return errorOfEach(messages, err)
		case <-time.After(endTimeout):
			return slices.Repeat([]error{errUnsettled}, len(messages))
		}
	}
}

// watchTopic closes gone when Kafka says that the topic doesn't exist. sarama would retry for
// minutes; another session makes the topic anew. It asks until ctx ends.
func (s *session) watchTopic(ctx context.Context, topic string) (gone <-chan struct{}) {
	found := make(chan struct{})
	go func() {
		for {
			select {
			case <-time.After(goneAfter):
			case <-ctx.Done():
				return
			}
			admin, err := sarama.NewClusterAdminFromClient(s.client) // closing it would close the client
			if err != nil {
				continue
			}
			topics, err := admin.DescribeTopics([]string{topic})
			if err == nil && len(topics) == 1 && topics[0].Err == sarama.ErrUnknownTopicOrPartition {
				close(found)
				return
			}
		}
	}()
	return found
}

// errorOfEach spreads the error of a call over its messages.
func errorOfEach(messages []*sarama.ProducerMessage, err error) []error {
	errs := make([]error, len(messages))
	if err == nil {
		return errs
	}
	failed, ok := errors.AsType[sarama.ProducerErrors](err)
	if !ok {
		return slices.Repeat([]error{err}, len(messages))
	}
	places := make(map[*sarama.ProducerMessage]int, len(messages))
	for i, m := range messages {
		places[m] = i
	}
	for _, f := range failed {
		errs[places[f.Msg]] = f.Err
	}
	return errs
}
