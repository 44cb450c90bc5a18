package mq

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

const (
	// maxBatchRecords is the most that one call sends.
	maxBatchRecords = 1000
	// slowAfter is how long Kafka may take before it counts as unreachable.
	slowAfter = 5 * time.Second
	// minStuck is how long a session may take for a batch before another one
	// replaces it; on a slow line that grows to maxStuck.
	minStuck, maxStuck = 15 * time.Second, 2 * time.Minute
	// maxAhead is how far a timestamp may lie ahead of our clock before Kafka may
	// reject it. Its default (message.timestamp.after.max.ms) is an hour.
	maxAhead = 30 * time.Minute
)

// pace decides how much goes into a batch and how long Kafka may take for it.
// It learns from each batch what the line and the topic take. One goroutine
// uses it at a time.
type pace struct {
	topic       string
	partitioner sarama.Partitioner
	records     int // in a batch, at most
	// bytes is the limit for a partition while the topic rejects batches of the
	// size that it names; otherwise 0. fitting counts the batches since.
	bytes, fitting int
	// stuck is how long the next batch may take; least is its lower bound.
	stuck, least time.Duration
	timestamps   timestamps
	// alone are events that get a request of their own: Kafka rejected each
	// together with others, and doesn't say which one it meant.
	alone map[*Record]bool
}

func newPace(topic string, stuck time.Duration) *pace {
	return &pace{topic: topic, partitioner: sarama.NewMurmur2Partitioner(topic), records: maxBatchRecords, stuck: stuck, least: stuck, alone: map[*Record]bool{}}
}

// cut returns the messages for the first events: as many as one batch takes.
func (p *pace) cut(events []*Record, batchBytes int, partitions int32) []*sarama.ProducerMessage {
	batchBytes = cmp.Or(p.bytes, batchBytes)
	events = events[:min(len(events), p.records)]
	maker := newMessageMaker(p.topic, events)
	messages := make([]*sarama.ProducerMessage, 0, len(events))
	bytes := make(map[int32]int, partitions)
	request := 0
	for _, r := range events {
		size := r.Size()
		// A doubtful record travels alone: Kafka would reject its neighbours with it.
		doubtful := (p.alone[r] || time.Until(r.Time) > maxAhead) && !p.timestamps.isSafe(r)
		alone := doubtful || size > batchBytes
		message := maker.message(r)
		message.Timestamp = p.timestamps.of(r)
		message.Partition, _ = p.partitioner.Partition(message, partitions) // can't fail: the key is bytes
		full := request+size > maxRequestBytes || bytes[message.Partition]+size > batchBytes
		if len(messages) > 0 && (alone || full) {
			break
		}
		messages = append(messages, message)
		bytes[message.Partition] += size
		if request += size; alone {
			break
		}
	}
	return messages
}

// tookTooLong makes batches smaller and waits longer for them: the line may be
// slow.
func (p *pace) tookTooLong() {
	p.records, p.stuck = max(1, p.records/2), min(2*p.stuck, maxStuck)
}

// took makes batches larger again if they are acknowledged quickly.
func (p *pace) took(d time.Duration) {
	if d < p.stuck/2 {
		p.records = min(2*p.records, maxBatchRecords)
	}
	p.stuck = min(max(2*d, p.least), maxStuck)
}

// fit halves the size of batches if the topic rejects one for its size: an
// operator has lowered max.message.bytes, or one record is too large. After a
// number of batches that fit it doubles the size again.
func (p *pace) fit(errs []error, most int) {
	const enough, least = 10, 1000
	tooLarge := func(err error) bool { return errors.Is(err, sarama.ErrMessageSizeTooLarge) }
	switch {
	case len(errs) > 1 && slices.ContainsFunc(errs, tooLarge):
		p.bytes, p.fitting = max(least, cmp.Or(p.bytes, most)/2), 0
	case p.bytes > 0:
		if p.fitting++; p.fitting == enough {
			if p.bytes, p.fitting = 2*p.bytes, 0; p.bytes >= most {
				p.bytes = 0
			}
		}
	}
}
