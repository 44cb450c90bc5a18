package mq

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/gateway"
)

// claim takes the partition over, and finds the record to go on with. It waits for the
// database until ctx ends. It returns the end of the partition.
func (s *shard) claim(ctx context.Context, reader *topicReader) (end int64, err error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, maxRetryPause
	end, err = backoff.Retry(ctx, func() (int64, error) {
		end, err := s.claimOnce(ctx, reader)
		if err != nil && !passing(err) {
			err = backoff.Permanent(err)
		}
		return end, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	if err == nil {
		s.stats.begin(s, end)
	}
	return end, err
}

func (s *shard) claimOnce(ctx context.Context, reader *topicReader) (end int64, err error) {
	stored, err := s.progress.Claim(ctx, s.Shard)
	if err != nil {
		return 0, err
	}
	s.Checkpoint, s.sources = stored, nil
	id, _, err := reader.describe()
	if err != nil {
		return 0, err
	}
	if end, err = s.locate(ctx, reader, id); err != nil || s.Checkpoint == stored {
		return end, err
	}
	// Otherwise a failed transaction would go back to the position before, and leave out what lies
	// between.
	return end, s.progress.Advance(ctx, s.Shard, s.Epoch, func(gateway.Transaction) (gateway.Step, error) {
		return gateway.Step{Checkpoint: s.Checkpoint}, nil
	})
}

// locate checks the position against the topic. The rule is that rewinding is always safe,
// since copies are recognised, and skipping forward never is.
func (s *shard) locate(ctx context.Context, reader *topicReader, id string) (end int64, err error) {
	oldest, err := reader.offset(ctx, s.Number, Start{Beginning: true})
	if err != nil {
		return 0, reader.failed(s.Number, err)
	}
	end, err = reader.offset(ctx, s.Number, Start{})
	if err != nil {
		return 0, reader.failed(s.Number, err)
	}
	rewind := func(reason string) {
		s.log.Warn("the partition is read again from its oldest record: "+reason, "partition", s.Number, "position", s.Next, "oldest", oldest)
		s.Next, s.Last = oldest, ""
	}
	begun := s.Next > 0 || s.Last != ""
	switch {
	case begun && s.StreamID != "" && id != "" && s.StreamID != id:
		rewind("the topic was created anew")
		s.Above = 0
	case s.Next > end:
		rewind("it has lost records at its end")
	case s.Next < oldest:
		if begun {
			s.Missed += oldest - s.Next
			s.log.Error("records were deleted before they were read", "partition", s.Number, "records", oldest-s.Next)
		}
		s.Next, s.Last = oldest, ""
	case s.Last != "" && s.Next > oldest:
		before, err := reader.one(ctx, s.Number, s.Next-1)
		if err != nil {
			return 0, reader.failed(s.Number, err)
		}
		if before.Offset != s.Next-1 || identityText(before) != s.Last {
			rewind("it has another record before the position than the one that was read")
		}
	}
	s.StreamID, s.claimed = id, id
	return end, nil
}

// newReader returns a reader of a topic on a client that others use, too.
func newReader(client sarama.Client, topic string) (*topicReader, func(), error) {
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, nil, fmt.Errorf("read topic %s: %w", topic, err)
	}
	return &topicReader{client: client, consumer: consumer, topic: topic}, func() { _ = consumer.Close() }, nil
}
