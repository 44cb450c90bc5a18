package mq

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// ErrBehind: records after the position are gone, because they were deleted before they
// were read, or because the topic was created anew. What was built from the topic must be
// built again.
var ErrBehind = errors.New("the topic no longer has the records after the position")

// ErrPartitions: the topic has other partitions than Follow reads. Following again from
// the same position reads all of them.
var ErrPartitions = errors.New("the topic has other partitions now")

// Position says how far a topic was read.
type Position struct {
	// Topic is the topic's id (KIP-516), or "" if the broker gives none.
	Topic string
	// Next is the next offset of each partition. A partition that is missing is read from
	// its oldest record.
	Next map[int32]int64
}

// Stream reads all partitions of a topic, without a consumer group, from a position that
// its user keeps. Follow may run once at a time; the other methods may be called
// concurrently. They may block for as long as brokers don't answer: see dial.
// Before the first Follow, the position is the zero value.
type Stream struct {
	*topicReader
	mu      sync.Mutex
	at      Position
	passed  chan struct{} // closed, and made anew, when at changes
	waiting bool          // for passed
}

// OpenStream connects to Kafka. The topic need not exist.
func OpenStream(kafka Kafka, topic string) (*Stream, error) {
	t, err := openTopic(kafka, topic)
	if err != nil {
		return nil, err
	}
	return &Stream{topicReader: t, passed: make(chan struct{})}, nil
}

// Close ends the stream.
func (s *Stream) Close() { s.close() }

// End returns the position behind the last record that the topic has now. The error wraps
// ErrNoTopic if there is no topic.
func (s *Stream) End(ctx context.Context) (Position, error) {
	id, partitions, err := s.describe()
	if err != nil {
		return Position{}, err
	}
	end := Position{Topic: id, Next: make(map[int32]int64, len(partitions))}
	for _, partition := range partitions {
		if end.Next[partition], err = s.offset(ctx, partition, Start{}); err != nil {
			return Position{}, s.failed(partition, err)
		}
	}
	return end, nil
}

// Position returns the position behind the last record that Follow's handle has handled.
func (s *Stream) Position() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Position{Topic: s.at.Topic, Next: maps.Clone(s.at.Next)}
}

// Follow calls handle for one record after the other, from a position on, until ctx ends,
// which is no error, or handle fails. Records of one partition keep their order. The error
// wraps ErrBehind if there is no continuing.
func (s *Stream) Follow(ctx context.Context, from Position, handle func(*Record) error) error {
	id, partitions, err := s.describe()
	if err != nil {
		return err
	}
	if from.Topic != "" && from.Topic != id {
		return fmt.Errorf("read topic %s: it was created anew: %w", s.topic, ErrBehind)
	}
	start := make(map[int32]int64, len(partitions))
	for _, partition := range partitions {
		next, known := from.Next[partition]
		if !known {
			if next, err = s.offset(ctx, partition, Start{Beginning: true}); err != nil {
				return s.failed(partition, err)
			}
		}
		start[partition] = next
	}
	s.move(func() { s.at = Position{Topic: id, Next: maps.Clone(start)} })
	reader, closeReader, err := s.reader()
	if err != nil {
		return err
	}
	defer closeReader()
	gone := func(_ context.Context, partition int32) (sarama.PartitionConsumer, error) {
		return nil, s.failed(partition, ErrBehind)
	}
	return reader.follow(ctx, start, nil, gone, func(r *Record) error {
		if err := handle(r); err != nil {
			return err
		}
		s.move(func() { s.at.Next[r.Partition] = r.Offset + 1 })
		return nil
	})
}

// move changes the position, and wakes those who wait for that.
func (s *Stream) move(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.waiting {
		close(s.passed)
		s.passed, s.waiting = make(chan struct{}), false
	}
}

// Confirm asks Kafka for the end of the topic, and waits until Follow has come there. After
// it, everything is handled that was written before the call. The error wraps ErrBehind or
// ErrPartitions if Follow can't come there.
func (s *Stream) Confirm(ctx context.Context) error {
	end, err := s.End(ctx)
	if err != nil {
		return err
	}
	for {
		reached, passed, err := s.reached(end)
		if err != nil || reached {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("read topic %s to its end: %w", s.topic, context.Cause(ctx))
		case <-passed:
		}
	}
}

func (s *Stream) reached(end Position) (bool, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.Next == nil { // Follow hasn't begun
		s.waiting = true
		return false, s.passed, nil
	}
	if s.at.Topic != end.Topic {
		return false, nil, fmt.Errorf("read topic %s: it was created anew: %w", s.topic, ErrBehind)
	}
	if len(s.at.Next) != len(end.Next) {
		return false, nil, fmt.Errorf("read topic %s: %w", s.topic, ErrPartitions)
	}
	for partition, next := range end.Next {
		if s.at.Next[partition] < next {
			s.waiting = true
			return false, s.passed, nil
		}
	}
	return true, nil, nil
}

// Last returns the newest record of each partition that has one.
func (s *Stream) Last(ctx context.Context) (records []*Record, err error) {
	_, partitions, err := s.describe()
	if err != nil {
		return nil, err
	}
	reader, closeReader, err := s.reader()
	if err != nil {
		return nil, err
	}
	defer closeReader()
	for _, partition := range partitions {
		oldest, err := s.offset(ctx, partition, Start{Beginning: true})
		if err != nil {
			return nil, s.failed(partition, err)
		}
		end, err := s.offset(ctx, partition, Start{})
		if err != nil {
			return nil, s.failed(partition, err)
		}
		if end <= oldest {
			continue
		}
		record, err := reader.one(ctx, partition, end-1)
		if err != nil {
			return nil, s.failed(partition, err)
		}
		records = append(records, record)
	}
	return records, nil
}

// reader returns a reader with a consumer of its own: sarama's consumer reads a partition
// once at a time, and ends reading in the background.
func (s *Stream) reader() (*topicReader, func(), error) {
	return newReader(s.client, s.topic)
}

// one reads one record.
func (t *topicReader) one(ctx context.Context, partition int32, offset int64) (*Record, error) {
	messages, err := t.open(partition, offset)
	if err != nil {
		return nil, err
	}
	defer messages.AsyncClose()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-time.After(readTimeout):
		return nil, fmt.Errorf("no record at the offset %d came within %s", offset, readTimeout)
	case message, ok := <-messages.Messages():
		if !ok {
			return nil, ErrBehind
		}
		return newRecord(message), nil
	}
}

// describe asks Kafka for the topic's id and partitions.
func (t *topicReader) describe() (id string, partitions []int32, err error) {
	answer, err := t.metadata()
	if err != nil {
		return "", nil, fmt.Errorf("read topic %s: %w", t.topic, err)
	}
	for _, topic := range answer.Topics {
		if topic.Name != t.topic {
			continue
		}
		if topic.Err == sarama.ErrUnknownTopicOrPartition {
			break
		}
		if topic.Err != sarama.ErrNoError {
			return "", nil, fmt.Errorf("read topic %s: %w", t.topic, topic.Err)
		}
		for _, p := range topic.Partitions {
			partitions = append(partitions, p.ID)
		}
		if topic.Uuid != (sarama.Uuid{}) {
			id = hex.EncodeToString(topic.Uuid[:])
		}
		return id, partitions, nil
	}
	return "", nil, fmt.Errorf("read topic %s: %w", t.topic, ErrNoTopic)
}

// metadata asks one broker after the other. sarama's LeastLoadedBroker would choose a dead one
// again and again: nothing waits for its answers.
func (t *topicReader) metadata() (answer *sarama.MetadataResponse, err error) {
	err = sarama.ErrOutOfBrokers
	brokers := t.client.Brokers()
	if seed := t.client.LeastLoadedBroker(); len(brokers) == 0 && seed != nil {
		brokers = append(brokers, seed)
	}
	for _, broker := range brokers {
		_ = broker.Open(t.client.Config()) // fails if it is open; GetMetadata returns other errors
		if answer, err = broker.GetMetadata(&sarama.MetadataRequest{Version: 10, Topics: []string{t.topic}}); err == nil {
			return answer, nil
		}
		_ = broker.Close() // the next call opens another connection
	}
	return nil, err
}

// follow forwards partitions to handle, each from its offset on, and calls ready, if not nil,
// once it reads all of them. gone says how to continue if an offset no longer exists.
func (t *topicReader) follow(ctx context.Context, start map[int32]int64, ready func(), gone reopen, handle func(*Record) error) error {
	records := make(chan *sarama.ConsumerMessage)
	ctx, stop := context.WithCancel(ctx)
	reading, ctx := errgroup.WithContext(ctx)
	defer func() { // before consumer and client are closed
		stop()
		_ = reading.Wait()
	}()
	for partition, offset := range start {
		messages, err := t.open(partition, offset)
		if errors.Is(err, sarama.ErrOffsetOutOfRange) {
			messages, err = gone(ctx, partition)
		}
		if err != nil {
			return err
		}
		reading.Go(func() error { return t.forward(ctx, partition, messages, gone, records) })
	}
	if ready != nil {
		ready()
	}
	reading.Go(func() error { return handleEach(ctx, records, handle) })
	return reading.Wait()
}

// reopen opens a partition again whose next offset is gone.
type reopen func(ctx context.Context, partition int32) (sarama.PartitionConsumer, error)

func (t *topicReader) open(partition int32, offset int64) (sarama.PartitionConsumer, error) {
	messages, err := t.consumer.ConsumePartition(t.topic, partition, offset)
	if err != nil {
		return nil, t.failed(partition, err)
	}
	return messages, nil
}

// forward passes the messages of a partition on until ctx ends. If the next offset is gone,
// sarama ends them.
func (t *topicReader) forward(ctx context.Context, partition int32, messages sarama.PartitionConsumer, gone reopen, records chan<- *sarama.ConsumerMessage) error {
	for {
		select {
		case <-ctx.Done():
			messages.AsyncClose()
			return nil
		case message, ok := <-messages.Messages():
			if ok {
				select {
				case records <- message:
				case <-ctx.Done():
				}
				continue
			}
		}
		again, err := gone(ctx, partition)
		if ctx.Err() != nil {
			if again != nil {
				again.AsyncClose()
			}
			return nil
		}
		if err != nil {
			return err
		}
		messages = again
	}
}

func handleEach(ctx context.Context, records <-chan *sarama.ConsumerMessage, handle func(*Record) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case message := <-records:
			if err := handle(newRecord(message)); err != nil {
				return err
			}
		}
	}
}
