package spool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/wal"
)

// Whatever a broker answers for a while, everything arrives, and the first
// copies of a key in its order.
func TestOrderAndNoLossWhateverKafkaAnswers(t *testing.T) {
	t.Parallel()
	for _, answer := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.KafkaStorageError, kerr.UnknownTopicOrPartition, kerr.CorruptMessage, kerr.UnknownServerError,
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.ProducerFenced,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.InvalidTopicException, kerr.PolicyViolation, kerr.ThrottlingQuotaExceeded,
	} {
		t.Run(answer.Message, func(t *testing.T) {
			t.Parallel()
			topic := mqtest.NewTopic()
			cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(2, topic))
			s := newSpool(t, t.TempDir(), brokers, topic, Options{}, mq.WithTimeouts(5*time.Second, 2*time.Second))
			const events, keys = 3000, 10
			n := 0 // requests so far
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: answer, Count: -1, When: func(kmsg.Request) bool {
				n++
				return n < 12 && n%3 != 1 // some get through in between
			}})
			for i := range events {
				spooled(t, s, fmt.Sprint(i%keys), fmt.Sprintf("[%d]", i/keys))
			}
			stats := settledStats(t, s)
			assert.EqualValues(t, events, stats.Delivered)
			assert.Zero(t, stats.DeadLettered+stats.Lost+stats.Unconfirmed)
			first, _ := mqtest.FirstCopies(mqtest.All(t, brokers, topic, events))
			assert.Len(t, first, events)
			mqtest.KeysInOrder(t, first)
		})
	}
}

// While a partition rejects an event for missing rights, later events of its key
// don't overtake it.
func TestAuthorisationRefusedForTheTopicHoldsEventsBack(t *testing.T) {
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	refusing := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	var log testbed.Output
	s := newSpool(t, t.TempDir(), brokers, topic, Options{Log: logTo(&log)})
	spooled(t, s, "k", "[0]")
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "does not confirm") }, time.Minute, 10*time.Millisecond)
	assert.Contains(t, log.String(), "not authorized to access this topic")
	spooled(t, s, "k", "[1]")
	assert.Equal(t, model.EventStats{Accepted: 2, Waiting: 2}, withoutSizes(s.EventStats()))
	refusing.Remove()
	settledStats(t, s)
	mqtest.KeysInOrder(t, mqtest.Read(t, brokers, topic, 2))
	assert.Equal(t, 1, strings.Count(log.String(), "does not confirm"), "one line for each change")
}

func withoutSizes(s model.EventStats) model.EventStats {
	s.WaitingBytes, s.OldestSeconds = 0, 0
	return s
}

// Kafka refuses timestamps more than an hour ahead. Such an event goes with another one,
// and harms neither the other events of the batch nor the order.
func TestClockThatWentBack(t *testing.T) {
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, Options{})
		now := time.Now()
		at := func(d time.Duration) mq.Header {
			return mq.Header{Key: "ce_time", Value: []byte(now.Add(d).Format(time.RFC3339Nano))}
		}
		times := []time.Duration{0, 20 * time.Minute, -time.Hour, 5 * time.Hour, -2 * time.Hour, 0}
		for i, d := range times {
			ok, err := s.SendEvent("k", fmt.Appendf(nil, "[%d]", i), at(d))
			require.NoError(t, err)
			require.True(t, ok)
		}
		stats := settledStats(t, s)
		assert.Zero(t, stats.DeadLettered)
		for i, r := range mqtest.Read(t, brokers, topic, len(times)) {
			assert.Equal(t, fmt.Sprintf("[%d]", i), string(r.Value))
			assert.Equal(t, now.Add(times[i]).Format(time.RFC3339Nano), r.Header("ce_time"))
			assert.Less(t, time.Until(r.Time), 6*time.Hour)
		}
	})
}

// A folder that was copied, or restored from a backup, sends copies, which have
// the id, source and sequence of the first.
func TestCopiedSpoolFolderSendsCopies(t *testing.T) {
	t.Parallel()
	address, topic, dir, backup := mqtest.Nowhere(t), mqtest.NewTopic(), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := newSpool(t, dir, []string{address}, topic, Options{})
	for i := range 50 {
		spooled(t, s, "k", fmt.Sprintf("[%d]", i))
	}
	closeSpool(t, s)
	require.NoError(t, os.CopyFS(backup, os.DirFS(dir)))
	mqtest.Embedded(t, t.TempDir(), address)
	for _, folder := range []string{dir, backup} {
		s := newSpool(t, folder, []string{address}, topic, Options{})
		spooled(t, s, "new", "[]")
		settledStats(t, s)
	}
	identity := map[string]string{}
	records := mqtest.Read(t, []string{address}, topic, 102)
	first, copies := mqtest.FirstCopies(records)
	assert.Equal(t, 50, copies)
	assert.Len(t, first, 52)
	for _, r := range records {
		at := r.Header("ce_source") + r.Header("ce_sequence")
		if identity[at] == "" {
			identity[at] = r.Header("ce_id")
		}
		assert.Equal(t, identity[at], r.Header("ce_id"), "a source never gives a number twice")
	}
}

func TestSpoolFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(filepath.Join(file, "spool"), unreachable{}, unreachable{}, Options{Topic: "x"})
	assert.ErrorContains(t, err, "open spool")
	assert.ErrorContains(t, err, file)
	_, err = Open(t.TempDir(), unreachable{}, unreachable{}, Options{Topic: "x", MaxBytes: 1})
	assert.ErrorContains(t, err, "don't hold three segments")
}

// Events that come after somebody deleted the folder are in a new one.
func TestSpoolFolderThatVanishes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux does the log see that its files were deleted")
	}
	dir := filepath.Join(t.TempDir(), "spool")
	var log testbed.Output
	s := newSpool(t, dir, []string{"127.0.0.1:1"}, "x", Options{Log: logTo(&log)})
	spooled(t, s, "k", "[]")
	require.NoError(t, os.RemoveAll(dir))
	value := make([]byte, 8<<20)
	for range 20 {
		_, err := s.SendEvent("k", value)
		require.NoError(t, err)
	}
	assert.Zero(t, s.EventStats().Lost+s.EventStats().Unconfirmed)
	assert.Contains(t, log.String(), "files of the spool were deleted")
}

// A Kafka that takes a little longer than slowAfter for each batch has one state,
// which the Producer logs once.
func TestSlowKafkaIsLoggedOnce(t *testing.T) {
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { time.Sleep(200 * time.Millisecond) })
		return nil, nil, false
	})
	var log testbed.Output
	s := newSpool(t, t.TempDir(), brokers, topic, Options{Log: logTo(&log)}, mq.WithTimeouts(100*time.Millisecond, time.Minute))
	for range 10 {
		spooled(t, s, "k", "[0]")
		settledStats(t, s)
	}
	assert.LessOrEqual(t, strings.Count(log.String(), "Kafka does not confirm events"), 2, log.String())
}

// Kafka takes two seconds for each batch, twenty times the timeout. The growing
// timeout succeeds, and isn't reset for each batch.
func TestSlowKafkaTakesBatches(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(2, topic))
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { time.Sleep(2 * time.Second) })
		return nil, nil, false
	})
	s := newSpool(t, t.TempDir(), brokers, topic, Options{}, mq.WithTimeouts(5*time.Second, 100*time.Millisecond))
	for i := range 200 {
		spooled(t, s, fmt.Sprint(i), "[0]")
	}
	require.Eventually(t, func() bool { return s.EventStats().Delivered == 200 }, 2*time.Minute, 10*time.Millisecond)
}

// Kafka freezes while the topic of dead letters is being created. Close ends the
// call, which would fail by itself after ten seconds.
func TestCloseWhileDeadLettersAreMade(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1})
	asked := make(chan struct{})
	cluster.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		<-t.Context().Done() // the cluster answers nobody while a control runs
		return nil, nil, false
	})
	events := newProducer(t, brokers, topic)
	dead := &observed{Broker: newProducer(t, brokers, mq.DeadLetterTopic(topic), mq.OnDemand())}
	s := spoolFor(t, t.TempDir(), events, dead, topic, Options{})
	events.Connect()
	spooled(t, s, "k", "[0]")
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	assert.NoError(t, s.Close(ctx))
	assert.ErrorIs(t, dead.err, errSpoolClosed)
	assert.EqualValues(t, 1, s.EventStats().Waiting)
}

// observed keeps the error of the last call of Partitions.
type observed struct {
	Broker
	err error
}

func (o *observed) Partitions(ctx context.Context) (n int32, err error) {
	n, o.err = o.Broker.Partitions(ctx)
	return n, o.err
}

// Rejected events hold nothing up, even if the topic of dead letters takes nothing.
func TestDeadLettersHoldNothingUp(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic, mq.DeadLetterTopic(topic)))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(r kmsg.Request) bool {
		return producesTo(r, mq.DeadLetterTopic(topic))
	}})
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1, When: func(r kmsg.Request) bool {
		return producesTo(r, topic) && len(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records) > 5000
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, Options{})
	s.drainer.dead.timeout = 2 * time.Second
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

// The consumers' windows are 65,536 sequences wide. The drainer must not send an
// event 65,536 or more above the oldest unsettled one.
func TestSequencesFarApartShareABatch(t *testing.T) {
	dir := t.TempDir()
	s := newSpool(t, dir, []string{"127.0.0.1:1"}, mqtest.NewTopic(), Options{MaxBytes: MinBytes})
	large := make([]byte, 9<<20)
	for ok := true; ok; {
		ok, _ = s.SendEvent("k", large)
	}
	spooled(t, s, "k", "[0]") // a small one has still space
	for range 70_000 {
		ok, _ := s.SendEvent("k", large)
		require.False(t, ok)
	}
	spooled(t, s, "k", "[1]")
	closeSpool(t, s)
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	defer log.Close()
	r := &batchReader{wal: log, reader: log.NewReader()}
	for log.Stats().Waiting > 0 {
		b, err := r.next(t.Context())
		require.NoError(t, err)
		assert.Less(t, sequence(t, b.events[len(b.events)-1])-sequence(t, b.events[0]), uint64(65_536), "sent while the first isn't settled")
		require.NoError(t, log.Release(b.last))
	}
}

// If an unreadable event can't be added to the dead letters, the drainer waits.
func TestEventThatCannotBeSetAsideWaits(t *testing.T) {
	t.Parallel()
	dir, topic := t.TempDir(), mqtest.NewTopic()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	for _, record := range [][]byte{
		append(appendHead(nil, "/s", "k", nil), "[0]"...), []byte("\x63 an event of version 99, of which nothing is known"), append(appendHead(nil, "/s", "k", nil), "[1]"...),
	} {
		_, err = log.Append(record)
		require.NoError(t, err)
	}
	require.NoError(t, log.Close())
	require.NoError(t, os.Mkdir(filepath.Join(dir, deadLettersName), 0o700))
	var said testbed.Output
	s := newSpool(t, dir, []string{mqtest.Embedded(t, t.TempDir(), "127.0.0.1:0")}, topic, Options{Log: logTo(&said)})
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "can't be added to the dead letters") }, time.Minute, time.Millisecond)
	assert.EqualValues(t, 3, s.EventStats().Waiting, "nothing is released before it has a place")
	require.NoError(t, os.Remove(filepath.Join(dir, deadLettersName)))
	stats := settledStats(t, s)
	assert.EqualValues(t, 1, stats.DeadLettered)
	assert.EqualValues(t, 2, stats.Delivered)
}

// The status counts events even if the oldest one is unreadable.
func TestStatusWithAnEventOfALaterVersion(t *testing.T) {
	dir := t.TempDir()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	_, err = log.Append([]byte("\x63 an event of version 99, of which nothing is known"))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	status, err := Inspect(dir)
	require.NoError(t, err, "spool status fails, and tells nothing")
	assert.EqualValues(t, 1, status.Events)
}

// The topic takes smaller batches than before, because an operator has lowered
// max.message.bytes. The Producer learns that, and doesn't send record by record.
func TestTopicThatTakesSmallerBatchesThanBefore(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	requests := 0
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1, When: func(r kmsg.Request) bool {
		requests++
		return len(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records) > 20_000
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, Options{})
	for i := range 1000 {
		spooled(t, s, fmt.Sprint(i), `["`+strings.Repeat("x", 2000)+`"]`)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, s.Empty(ctx), "%+v", s.EventStats())
	assert.Less(t, requests, 400, "not one record in each request")
}

func sequence(t *testing.T, r *mq.Record) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(r.Header("ce_sequence"), 10, 64)
	require.NoError(t, err)
	return n
}

// If the topic of dead letters can't be created, a rejected event goes to the file
// at once, and nothing tries to create the topic while there is no event for it.
func TestDeadLetterTopicThatCannotBeCreated(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	var attempts atomic.Int32
	cluster.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		attempts.Add(1)
		answer := r.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, asked := range r.(*kmsg.CreateTopicsRequest).Topics {
			refused := kmsg.NewCreateTopicsResponseTopic()
			refused.Topic, refused.ErrorCode = asked.Topic, kerr.TopicAuthorizationFailed.Code
			answer.Topics = append(answer.Topics, refused)
		}
		return answer, nil, true
	})
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: 1})
	dir := t.TempDir()
	s := newSpool(t, dir, brokers, topic, Options{})
	s.drainer.dead.timeout = time.Hour
	spooled(t, s, "poison", "[]")
	assert.EqualValues(t, 1, settledStats(t, s).DeadLettered)
	assert.FileExists(t, filepath.Join(dir, deadLettersName))
	before := attempts.Load()
	assert.LessOrEqual(t, before, int32(2))
	for i := range 100 { // the drainer needs two seconds for them, which is time for attempts
		spooled(t, s, "k", fmt.Sprintf("[%d]", i))
		settledStats(t, s)
	}
	assert.LessOrEqual(t, attempts.Load(), before+1)
}

// Kafka rejects a whole batch for one bad record, and doesn't say which one.
func TestOneBadRecordSpoilsABatch(t *testing.T) {
	t.Parallel()
	topic := mqtest.NewTopic()
	cluster, brokers := mqtest.FakeKafka(t, kfake.SeedTopics(1, topic))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord, Count: -1, When: func(r kmsg.Request) bool {
		return producesTo(r, topic) && bytes.Contains(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records, []byte("poison"))
	}})
	s := newSpool(t, t.TempDir(), brokers, topic, Options{})
	for i := range 10 {
		spooled(t, s, "k", fmt.Sprintf("[%d]", i))
	}
	spooled(t, s, "p", "poison")
	for i := range 10 {
		spooled(t, s, "k", fmt.Sprintf("[%d]", i+10))
	}
	stats := settledStats(t, s)
	assert.EqualValues(t, 20, stats.Delivered)
	assert.EqualValues(t, 1, stats.DeadLettered)
	first, _ := mqtest.FirstCopies(mqtest.All(t, brokers, topic, 20))
	mqtest.KeysInOrder(t, first)
	assert.Equal(t, "poison", string(mqtest.Read(t, brokers, mq.DeadLetterTopic(topic), 1)[0].Value))
}
