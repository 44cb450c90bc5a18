package mq

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The topic takes smaller batches than when the queue connected (an operator has
// lowered max.message.bytes). That is noticed, and not found out record by
// record for ever.
func TestReviewTopicThatTakesSmallerBatchesThanBefore(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1, When: func(r kmsg.Request) bool {
		return len(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records) > 20_000
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{})
	for i := range 5000 {
		spooled(t, s, fmt.Sprint(i), `["`+strings.Repeat("x", 2000)+`"]`)
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, s.Empty(ctx), "%+v", s.EventStats())
	assert.Less(t, time.Since(begun), 10*time.Second, "one record in each request")
}
