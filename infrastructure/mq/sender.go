package mq

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

const (
	// maxBatchRecords bounds what is sent at once.
	maxBatchRecords = 1000
	// slowAfter is how long Kafka may take for a batch until it counts as away.
	slowAfter = 5 * time.Second
	// endWait bounds the end of what was given up.
	endWait = time.Second
	// leastPatience is how long a producer may take for a batch before another
	// one takes its place, mostPatience what that grows to on a slow line.
	leastPatience, mostPatience = 15 * time.Second, 2 * time.Minute
	// future is how far ahead of our clock a time may lie before Kafka may
	// refuse it (message.timestamp.after.max.ms is an hour by default).
	future = 30 * time.Minute
)

// sender sends events of one caller in their order, one batch after the other.
// It is used by one goroutine at a time.
type sender struct {
	queue *KafkaQueue
	// partitions decides among how many partitions events go, given how many the
	// topic has. fresh tells that none of those at hand was tried before.
	partitions func(actual int32, fresh bool) (int32, error)
	// sent is told of batches that were acknowledged.
	sent func(records int, took time.Duration)

	partitioner sarama.Partitioner
	limit       int // of records in a batch
	// batchBytes is less than the producer knows of the topic, while that refuses
	// batches for their size; 0 if it doesn't. well counts batches since.
	batchBytes, well int
	patience         time.Duration
}

func newSender(q *KafkaQueue) *sender {
	return &sender{
		queue:       q,
		partitions:  func(actual int32, _ bool) (int32, error) { return actual, nil },
		sent:        func(int, time.Duration) {},
		partitioner: sarama.NewMurmur2Partitioner(q.topic),
		limit:       maxBatchRecords,
		patience:    q.options.patience,
	}
}

// send tries until each event is settled, or until ctx ends, which is its
// error. settle is called for each event once it is acknowledged, with nil, or
// refused by Kafka for good.
func (s *sender) send(ctx context.Context, events []*event, settle func(e *event, refusal error)) error {
	s.queue.sending.Add(1)
	defer s.queue.sending.Add(-1)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	for fresh := true; len(events) > 0; fresh = false {
		batch, errs, err := s.sendBatch(ctx, events, fresh)
		if ctx.Err() != nil && errs == nil {
			return context.Cause(ctx)
		}
		again, failed := s.settleBatch(events[:batch], errs, settle)
		if failed != nil {
			err = failed
		}
		events = append(again, events[batch:]...)
		if err == nil {
			pause.Reset()
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.queue.setState(down, err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause.NextBackOff()):
		}
	}
	return nil
}

// settleBatch settles what is settled of a batch, and returns what has to be sent again
// in its order, and the last reason why if that isn't that Kafka refused it.
func (s *sender) settleBatch(batch []*event, errs []error, settle func(e *event, refusal error)) (again []*event, err error) {
	held := map[string]bool{} // keys of which an event has to be sent again
	overtaken := 0
	for i, e := range batch {
		refused := refused(errs[i]) && s.queue.options.weak != stubborn
		switch {
		case errs[i] == nil:
			if held[string(e.key)] {
				overtaken++
			}
			settle(e, nil)
			continue
		case refused && len(batch) == 1:
			settle(e, errs[i])
			continue
		case refused && !errors.Is(errs[i], sarama.ErrMessageSizeTooLarge): // then smaller batches will do
			e.alone = true // who of the batch is refused isn't told
		case refused:
		default:
			err = errs[i]
		}
		again = append(again, e)
		held[string(e.key)] = true
	}
	if overtaken > 0 {
		// sarama has sent the batch in several requests, of which an earlier one
		// failed for a reason that it does not try again for.
		s.queue.options.log.Warn("events were overtaken by later ones of their keyword", "events", overtaken, "error", err)
	}
	return again, err
}

// sendBatch sends as many of the events as go at once, and returns their number
// and what became of them. The error is about what lies before that; the
// number is 0 then.
func (s *sender) sendBatch(ctx context.Context, events []*event, fresh bool) (n int, errs []error, err error) {
	q := s.queue
	p, err := q.connection(ctx)
	if err != nil {
		return 0, nil, err
	}
	count, err := p.partitions(ctx, q.topic)
	if err == nil {
		count, err = s.partitions(count, fresh)
	}
	if err != nil {
		return 0, nil, err
	}
	messages := s.cut(events, cmp.Or(s.batchBytes, p.batchBytes), count)
	begun := time.Now()
	errs = p.send(ctx, messages, q.options.slowAfter, s.patience, func() {
		q.setState(down, errUnsettled)
	})
	took := time.Since(begun)
	acknowledged := 0
	for _, err := range errs {
		if err == nil {
			acknowledged++
		}
	}
	switch {
	case p.isDropped(): // too much for this line, perhaps
		s.limit, s.patience = max(1, s.limit/2), min(2*s.patience, mostPatience)
	case acknowledged > 0:
		if took < s.patience/2 {
			s.limit = min(2*s.limit, maxBatchRecords)
		}
		s.patience = min(max(2*took, q.options.patience), mostPatience)
	case len(errs) > 0 && !refused(errs[0]):
		// sarama gave all of them up: another one may have more luck.
		p.drop()
	}
	s.fitTopic(errs, p.batchBytes)
	if acknowledged > 0 {
		if took < q.options.slowAfter || q.current() == unknown { // or a slow Kafka would be up and down with each batch
			q.setState(up, nil)
		}
		s.sent(acknowledged, took)
	}
	return len(messages), errs, nil
}

// fitTopic makes batches smaller when the topic refuses one for its size, which
// happens when it was changed, or when one record is too large for it; and
// larger again when a number of them went well.
func (s *sender) fitTopic(errs []error, most int) {
	const enough, least = 10, 1000
	switch {
	case len(errs) > 1 && slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, sarama.ErrMessageSizeTooLarge) }):
		s.batchBytes, s.well = max(least, cmp.Or(s.batchBytes, most)/2), 0
	case s.batchBytes > 0:
		if s.well++; s.well == enough {
			if s.batchBytes, s.well = 2*s.batchBytes, 0; s.batchBytes >= most {
				s.batchBytes = 0
			}
		}
	}
}

// cut makes the messages of the first events, as many as go at once.
func (s *sender) cut(events []*event, batchBytes int, count int32) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, 0, min(len(events), s.limit))
	bytes := make(map[int32]int, count)
	request := 0
	for _, e := range events {
		size := e.size()
		alone := e.alone || size > batchBytes || time.Until(e.time) > future
		message := e.message(s.queue.topic, 0)
		message.Partition, _ = s.partitioner.Partition(message, count) // bytes have no way to fail
		if n := len(messages); n > 0 && (alone || n == s.limit || request+size > maxRequestBytes || bytes[message.Partition]+size > batchBytes) {
			break
		}
		messages = append(messages, message)
		e.tried = true
		bytes[message.Partition] += size
		if request += size; alone {
			break
		}
	}
	return messages
}

// errGaveUp tells that the queue was closed.
var errGaveUp = errors.New("the queue was closed")
