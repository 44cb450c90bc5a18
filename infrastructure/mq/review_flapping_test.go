package mq

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Kafka that takes a little longer than slowAfter for each batch is one state,
// which is logged once.
func TestReviewSlowKafkaIsLoggedOnce(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { time.Sleep(200 * time.Millisecond) })
		return nil, nil, false
	})
	var log syncBuffer
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, func(o *options) { o.slowAfter = 100 * time.Millisecond },
		WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for range 10 {
		spooled(t, s, "k", "[0]")
		settledStats(t, s)
	}
	assert.LessOrEqual(t, strings.Count(log.String(), "Kafka does not confirm events"), 2, log.String())
}
