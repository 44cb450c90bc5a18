package mq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
)

// delivered sends values [from] to [to-1] of one key until they are
// acknowledged.
func delivered(t *testing.T, p *mq.Producer, from, to int) {
	t.Helper()
	var left []*mq.Record
	for i := from; i < to; i++ {
		left = append(left, &mq.Record{
			Key: "k", Value: fmt.Appendf(nil, "[%d]", i), Time: time.Now(),
			Headers: []mq.Header{{Key: "ce_id", Value: fmt.Append(nil, i)}},
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(left) > 0 {
		var err error
		left, err = p.Deliver(ctx, left, 1, func(_ *mq.Record, rejection error) { assert.NoError(t, rejection) })
		require.NoError(t, ctx.Err(), "last error: %v", err)
	}
}

func TestTopicIsMadeAsConfigured(t *testing.T) {
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		p := newProducer(t, brokers, topic, mq.WithTopicConfig(mq.TopicConfig{Partitions: 5, Retention: 3 * time.Hour}))
		p.Connect()
		admin := mqtest.Admin(t, brokers)
		require.Eventually(t, func() bool {
			found, err := admin.DescribeTopics([]string{topic})
			return err == nil && found[0].Err == sarama.ErrNoError && len(found[0].Partitions) == 5
		}, 30*time.Second, 20*time.Millisecond, "before any event")
		values := settingsOf(t, admin, topic)
		if strings.HasSuffix(t.Name(), "/Kafka") { // the embedded broker limits topics by size only
			assert.Equal(t, "10800000", values["retention.ms"])
		}
	})
}

func TestKafkaAwayFromTheStartAndBack(t *testing.T) {
	address, topic := mqtest.Nowhere(t), mqtest.NewTopic()
	var log testbed.Output
	p := newProducer(t, []string{address}, topic, logTo(&log))
	assert.Equal(t, mq.Unknown, p.State())
	p.Connect()
	require.Eventually(t, func() bool { return p.State() == mq.Unreachable }, 30*time.Second, time.Millisecond)
	mqtest.Embedded(t, t.TempDir(), address)
	delivered(t, p, 0, 5)
	assert.Equal(t, mq.Reachable, p.State())
	mqtest.KeysInOrder(t, mqtest.Read(t, []string{address}, topic, 5))
	for _, line := range []string{"Kafka does not confirm events", "Kafka confirms events"} {
		assert.Equal(t, 1, strings.Count(log.String(), line), "%s is logged once:\n%s", line, log.String())
	}
}

func TestProducerOutlastsAnOutage(t *testing.T) {
	dir, topic := t.TempDir(), mqtest.NewTopic()
	address, stop := mqtest.EmbeddedUntil(t, broker.Options{Dir: dir, Listen: "127.0.0.1:0"})
	p := newProducer(t, []string{address}, topic, mq.WithTimeouts(100*time.Millisecond, 200*time.Millisecond))
	delivered(t, p, 0, 1)
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	meanwhile := []*mq.Record{{Key: "k", Value: []byte("[1]"), Time: time.Now()}}
	left, err := p.Deliver(ctx, meanwhile, 1, func(*mq.Record, error) { t.Error("reported while Kafka is away") })
	assert.Error(t, err)
	assert.Equal(t, meanwhile, left)
	mqtest.Embedded(t, dir, address)
	delivered(t, p, 1, 2)
	mqtest.KeysInOrder(t, mqtest.Read(t, []string{address}, topic, 2))
}

// A session that is stuck is replaced, and its events are sent again in order.
func TestStuckSessionIsReplaced(t *testing.T) {
	line, address := mqtest.BehindLine(t)
	topic := mqtest.NewTopic()
	p := newProducer(t, []string{address}, topic, mq.WithTimeouts(100*time.Millisecond, 300*time.Millisecond))
	delivered(t, p, 0, 1)
	stuck, err := p.Session(t.Context())
	require.NoError(t, err)
	release := line.Hold()
	defer release()
	go func() {
		select {
		case <-stuck.Dropped():
			assert.Equal(t, mq.Unreachable, p.State())
		case <-time.After(time.Minute):
			t.Error("the stuck session is kept")
		}
		release()
	}()
	delivered(t, p, 1, 101)
	first, _ := mqtest.FirstCopies(mqtest.All(t, []string{address}, topic, 101))
	require.Len(t, first, 101)
	mqtest.KeysInOrder(t, first)
}

// Without its question for the topic, the session would wait until it counts as stuck.
func TestDeletedTopicIsMadeAnewSoon(t *testing.T) {
	t.Parallel()
	brokers, topic := []string{mqtest.Shared(t)}, mqtest.NewTopic()
	p := newProducer(t, brokers, topic, mq.WithTimeouts(5*time.Minute, 10*time.Minute))
	delivered(t, p, 0, 1)
	require.NoError(t, mqtest.Admin(t, brokers).DeleteTopic(topic))
	delivered(t, p, 1, 2)
	assert.Equal(t, "[1]", string(mqtest.Read(t, brokers, topic, 1)[0].Value))
}

func events(n int, partitions int32) []*mq.Record {
	records := make([]*mq.Record, n)
	for i := range records {
		records[i] = &mq.Record{Key: fmt.Sprint(i), Value: []byte("[]"), Time: time.Now(), Partition: int32(i) % partitions}
	}
	return records
}

// sarama panics if a producer is closed while a call still feeds it.
func TestSessionIsDroppedInTheMiddleOfACall(t *testing.T) {
	brokers, topic := []string{mqtest.Shared(t)}, mqtest.NewTopic()
	mqtest.CreateTopic(t, brokers, topic, nil)
	for range 5 {
		s, err := mq.NewSession(brokers)
		require.NoError(t, err)
		begun, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			close(begun)
			s.Send(t.Context(), topic, events(5000, 1))
		}()
		<-begun
		s.Drop()
		<-ended
		select {
		case <-s.Ended():
		case <-time.After(time.Minute):
			t.Fatal("the session does not end")
		}
	}
}

// A batch is one request for each broker: the more requests, the sooner Kafka
// could reject a part of the batch and take the rest.
func TestACallIsOneRequest(t *testing.T) {
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(3, topic))
	requests := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	s, err := mq.NewSession(brokers)
	require.NoError(t, err)
	defer s.Drop()
	for _, n := range []int{1, 30, 999, 1000} {
		before := requests.Hits()
		for _, err := range s.Send(t.Context(), topic, events(n, 3)) {
			require.NoError(t, err)
		}
		assert.EqualValues(t, 1, requests.Hits()-before, "%d messages", n)
	}
}
