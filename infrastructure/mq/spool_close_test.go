package mq

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka freezes at the moment when the topic of dead letters is to be made.
func TestCloseWhileDeadLettersAreMade(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1})
	asked := make(chan struct{})
	cluster.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		cluster.Control(func(kmsg.Request) (kmsg.Response, error, bool) { // frozen from here on
			cluster.KeepControl()
			cluster.SleepControl(func() { <-t.Context().Done() })
			return nil, nil, false
		})
		cluster.SleepControl(func() { <-t.Context().Done() })
		return nil, nil, false
	})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{})
	spooled(t, s, "k", "[0]")
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	assert.NoError(t, s.Close(ctx))
	assert.Less(t, time.Since(begun), 5*time.Second, "the context of Close ends after one")
}
