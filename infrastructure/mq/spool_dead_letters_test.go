package mq

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Events that Kafka never takes hold nothing up, also where their topic takes
// nothing at the moment.
func TestDeadLettersHoldNothingUp(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic, topic+deadSuffix))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(r kmsg.Request) bool {
		return producesTo(r, topic+deadSuffix)
	}})
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1, When: func(r kmsg.Request) bool {
		return producesTo(r, topic) && len(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records) > 5000
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, func(o *options) { o.deadPatience = 2 * time.Second })
	for range 5 {
		ok, err := s.SendEvent("large", make([]byte, 5000))
		require.NoError(t, err)
		require.True(t, ok)
	}
	spooled(t, s, "small", "[0]")
	begun := time.Now()
	for s.EventStats().Waiting > 0 && time.Since(begun) < 90*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	assert.Less(t, time.Since(begun), 20*time.Second, "five events hold the sixth up")
}

func producesTo(r kmsg.Request, topic string) bool {
	p, ok := r.(*kmsg.ProduceRequest)
	return ok && len(p.Topics) > 0 && p.Topics[0].Topic == topic
}
