package mq

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka takes two seconds for whatever it is given, which is twenty times the
// patience. A patience that grows gets through, and does not have to grow anew
// for each batch.
func TestReviewSlowKafkaTakesBatches(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(2, topic))
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { time.Sleep(2 * time.Second) })
		return nil, nil, false
	})
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, func(o *options) { o.patience = 100 * time.Millisecond })
	for i := range 200 {
		spooled(t, s, fmt.Sprint(i), "[0]")
	}
	time.Sleep(time.Minute)
	assert.Greater(t, s.EventStats().Delivered, int64(100), "after a minute, in which it could take thirty batches")
}
