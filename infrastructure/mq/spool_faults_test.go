package mq

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/domain/model"
)

// fakeKafka answers as a test tells it to.
func fakeKafka(t *testing.T, options ...kfake.Opt) (cluster *kfake.Cluster, brokers []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster, cluster.ListenAddrs()
}

// firstCopies drops records whose id was seen before, and returns how many that
// were.
func firstCopies(records []*Record) (first []*Record, copies int) {
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

// all returns every record of a topic, of which at least n come.
func all(t *testing.T, brokers []string, topic string, n int) []*Record {
	t.Helper()
	client, err := dial(brokers, newConfig(Security{}))
	require.NoError(t, err)
	defer client.Close()
	partitions, err := client.Partitions(topic)
	require.NoError(t, err)
	total := 0
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, -1)
		require.NoError(t, err)
		total += int(end)
	}
	require.GreaterOrEqual(t, total, n)
	return read(t, brokers, topic, total)
}

// Whatever a broker answers for a while, everything arrives, and the first
// copies of a key in its order.
func TestOrderAndNoLossWhateverKafkaAnswers(t *testing.T) {
	for _, answer := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.KafkaStorageError, kerr.UnknownTopicOrPartition, kerr.CorruptMessage, kerr.UnknownServerError,
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.ProducerFenced,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.InvalidTopicException, kerr.PolicyViolation, kerr.ThrottlingQuotaExceeded,
	} {
		t.Run(answer.Message, func(t *testing.T) {
			t.Parallel()
			topic := newTopic()
			cluster, brokers := fakeKafka(t, kfake.SeedTopics(2, topic))
			s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, func(o *options) { o.patience = 2 * time.Second })
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
			first, _ := firstCopies(all(t, brokers, topic, events))
			assert.Len(t, first, events)
			keysInOrder(t, first)
		})
	}
}

// What one partition refuses for a while doesn't let later events of its keys
// pass.
func TestAuthorisationRefusedForTheTopicHoldsEventsBack(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(1, topic))
	refusing := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	var log syncBuffer
	s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	spooled(t, s, "k", "[0]")
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "does not confirm") }, time.Minute, 10*time.Millisecond)
	assert.Contains(t, log.String(), "not authorized to access this topic")
	spooled(t, s, "k", "[1]")
	assert.Equal(t, model.EventStats{Accepted: 2, Waiting: 2}, withoutSizes(s.EventStats()))
	refusing.Remove()
	settledStats(t, s)
	keysInOrder(t, read(t, brokers, topic, 2))
	assert.Equal(t, 1, strings.Count(log.String(), "does not confirm"), "one line for each change")
}

func withoutSizes(s model.EventStats) model.EventStats {
	s.WaitingBytes, s.OldestSeconds = 0, 0
	return s
}

// Kafka takes no time that lies more than an hour ahead; its neighbours do not
// suffer, and neither does the order.
func TestClockThatWentBack(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{})
		now := time.Now()
		at := func(d time.Duration) Header {
			return Header{Key: "ce_time", Value: []byte(now.Add(d).Format(time.RFC3339Nano))}
		}
		for i, d := range []time.Duration{0, 20 * time.Minute, -time.Hour, 5 * time.Hour, -2 * time.Hour, 0} {
			ok, err := s.SendEvent("k", fmt.Appendf(nil, "[%d]", i), at(d))
			require.NoError(t, err)
			require.True(t, ok)
		}
		stats := settledStats(t, s)
		var values []string
		for _, r := range read(t, brokers, topic, int(stats.Delivered)) {
			values = append(values, string(r.Value))
		}
		if strings.HasSuffix(t.Name(), "/Kafka") {
			assert.EqualValues(t, 1, stats.DeadLettered)
			assert.Equal(t, []string{"[0]", "[1]", "[2]", "[4]", "[5]"}, values)
			dead := read(t, brokers, topic+deadSuffix, 1)[0]
			assert.Equal(t, "[3]", string(dead.Value))
			assert.Contains(t, dead.Header("dead_reason"), "imestamp")
			return
		}
		assert.Equal(t, []string{"[0]", "[1]", "[2]", "[3]", "[4]", "[5]"}, values)
	})
}

// A folder that was copied, or restored from a backup, sends copies, which have
// the id, source and sequence of the first.
func TestCopiedSpoolFolderSendsCopies(t *testing.T) {
	address, topic, dir, backup := nowhere(t), newTopic(), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := newSpool(t, dir, []string{address}, topic, SpoolOptions{})
	for i := range 50 {
		spooled(t, s, "k", fmt.Sprintf("[%d]", i))
	}
	closeSpool(t, s)
	require.NoError(t, os.CopyFS(backup, os.DirFS(dir)))
	embedded(t, t.TempDir(), address)
	for _, folder := range []string{dir, backup} {
		s := newSpool(t, folder, []string{address}, topic, SpoolOptions{})
		spooled(t, s, "new", "[]")
		settledStats(t, s)
	}
	identity := map[string]string{}
	records := read(t, []string{address}, topic, 102)
	first, copies := firstCopies(records)
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
	q := newQueue(t, []string{"127.0.0.1:1"}, "x")
	_, err := OpenSpool(filepath.Join(file, "spool"), q, SpoolOptions{})
	assert.ErrorContains(t, err, "open spool")
	assert.ErrorContains(t, err, file)
	_, err = OpenSpool(t.TempDir(), q, SpoolOptions{MaxBytes: 1})
	assert.ErrorContains(t, err, "don't hold three segments")
}

// A folder that vanishes while the shop runs takes nothing with it but itself:
// no panic, and what can't be written is told.
func TestSpoolFolderThatVanishes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := newSpool(t, dir, []string{"127.0.0.1:1"}, "x", SpoolOptions{})
	spooled(t, s, "k", "[]")
	require.NoError(t, os.RemoveAll(dir))
	value := make([]byte, 8<<20)
	var err error
	for range 20 {
		if _, err = s.SendEvent("k", value); err != nil {
			break
		}
	}
	assert.Error(t, err)
	stats := s.EventStats()
	assert.EqualValues(t, 1, stats.Lost+stats.Unconfirmed)
}
