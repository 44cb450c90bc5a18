package mqtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/mq"
)

// Read returns the first n records of a topic.
func Read(t *testing.T, brokers []string, topic string, n int) []*mq.Record {
	t.Helper()
	return ReadFrom(t, mq.Kafka{Brokers: brokers}, topic, n)
}

// ReadFrom is Read where Kafka wants TLS or a user.
func ReadFrom(t *testing.T, kafka mq.Kafka, topic string, n int) (records []*mq.Record) {
	t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := mq.Tail(ctx, kafka, topic, mq.Start{Beginning: true}, nil, func(r *mq.Record) error {
		if records = append(records, r); len(records) == n {
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough, "%d of %d records came", len(records), n)
	return records
}

// All returns every record of a topic, of which there are at least n.
func All(t *testing.T, brokers []string, topic string, n int) []*mq.Record {
	t.Helper()
	client, err := sarama.NewClient(brokers, nil)
	require.NoError(t, err)
	defer client.Close()
	partitions, err := client.Partitions(topic)
	require.NoError(t, err)
	total := 0
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		require.NoError(t, err)
		total += int(end)
	}
	require.GreaterOrEqual(t, total, n)
	return Read(t, brokers, topic, total)
}

// FirstCopies leaves out records whose ce_id came before, and counts them.
func FirstCopies(records []*mq.Record) (first []*mq.Record, copies int) {
	seen := map[string]bool{}
	for _, r := range records {
		if id := r.Header("ce_id"); !seen[id] {
			seen[id] = true
			first = append(first, r)
		} else {
			copies++
		}
	}
	return first, copies
}

// KeysInOrder checks that the values of each key are [0], [1], [2], …
func KeysInOrder(t *testing.T, records []*mq.Record) {
	t.Helper()
	next := map[string]int{}
	for _, r := range records {
		assert.Equal(t, fmt.Sprintf("[%d]", next[r.Key]), string(r.Value), "key %s", r.Key)
		next[r.Key]++
	}
}
