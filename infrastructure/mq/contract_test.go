package mq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/broker"
)

// onEach runs a test against the embedded broker and a real Kafka.
func onEach(t *testing.T, test func(t *testing.T, brokers []string)) {
	t.Run("embedded", func(t *testing.T) { test(t, []string{embedded(t, t.TempDir(), "127.0.0.1:0")}) })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TEST_KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("TEST_KAFKA_BROKERS names no Apache Kafka")
		}
		test(t, strings.Split(brokers, ","))
	})
}

// embedded serves the embedded broker in this process for one test.
func embedded(t *testing.T, dir, listen string) (address string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- broker.Serve(ctx, broker.Options{Dir: dir, Listen: listen}, func(a string) { ready <- a }, quiet)
	}()
	select {
	case address = <-ready:
	case err := <-ended:
		t.Fatal("broker: ", err)
	}
	t.Cleanup(func() { stop(); assert.NoError(t, <-ended) })
	return address
}

var quiet = slog.New(slog.DiscardHandler)

// newTopic is a name that no other test has.
func newTopic() string { return "test-" + uuid.NewString() }

func newQueue(t *testing.T, brokers []string, topic string, opts ...Option) *KafkaQueue {
	t.Helper()
	q, err := NewKafkaQueue(brokers, topic, append([]Option{WithInstance("test")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = q.Close(ctx) // tests that care close it themselves
	})
	return q
}

// patient lets a send wait as long as the first contact takes on a busy machine.
func patient(o *options) { o.ackWait = 30 * time.Second }

// read returns the first n records of a topic.
func read(t *testing.T, brokers []string, topic string, n int) (records []*Record) {
	t.Helper()
	return readSecured(t, Kafka{Brokers: brokers}, topic, n)
}

// readSecured is read where Kafka wants more than its addresses.
func readSecured(t *testing.T, kafka Kafka, topic string, n int) (records []*Record) {
	t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := Tail(ctx, kafka, topic, Start{Beginning: true}, nil, func(r *Record) error {
		if records = append(records, r); len(records) == n {
			return enough
		}
		return nil
	})
	require.ErrorIs(t, err, enough, "%d of %d records came", len(records), n)
	return records
}

func TestEventArrivesAsSent(t *testing.T) {
	onEachHelper(t, func(t *testing.T, brokers []string, open func(string, ...Option) sending) {
		topic := newTopic()
		q := open(topic)
		at := time.Date(2026, 3, 1, 12, 30, 0, 123_000_000, time.UTC)
		event := model.SearchEvent{
			ID: "0198c0de-0000-7000-8000-000000000001", Time: at, Visit: model.Visit{Surface: model.APISurface, Agent: model.BotAgent},
			Search: model.Search{Keyword: "Ёж 🍕", Sort: model.ByRelevance, Offset: 20, Limit: 10, Filters: model.Filters{Language: "ru", Author: "A & B"}},
			Value:  []byte(`[{"id":1,"title":"Ёж"}]`), Total: 21, Served: 1,
		}
		for range 2 {
			ok, err := q.SendEvent("Ёж 🍕", event.Value, event.Headers()...)
			require.NoError(t, err)
			require.True(t, ok)
		}
		records := read(t, brokers, topic, 2)
		r := records[0]
		assert.Equal(t, "Ёж 🍕", r.Key)
		assert.Equal(t, event.Value, r.Value)
		assert.True(t, at.Equal(r.Time), "the record's time is the search's: %s", r.Time)
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		assert.Regexp(t, `^/event-books/test/[0-9a-f-]{36}$`, headers["ce_source"])
		delete(headers, "ce_source")
		assert.Equal(t, map[string]string{
			"ce_specversion": "1.0", "ce_id": event.ID, "ce_type": "com.literank.books.searched",
			"ce_time": "2026-03-01T12:30:00.123Z", "content-type": "application/json",
			"ce_dataschema": "https://literank.com/event-books/schemas/books.searched/1.json",
			"ce_surface":    "api", "ce_agent": "bot", "ce_offset": "20", "ce_limit": "10", "ce_sort": "relevance",
			"ce_filters": "author=A+%26+B&language=ru", "ce_match": "exact", "ce_servedquery": "Ёж 🍕",
			"ce_totalhits": "21", "ce_servedhits": "1", "ce_sequence": "00000000000000000001",
		}, headers)
		assert.Equal(t, "00000000000000000002", records[1].Header("ce_sequence"))
		assert.Equal(t, r.Header("ce_source"), records[1].Header("ce_source"))
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 2, Delivered: 2}, settledStats(t, q))
	})
}

// sending is a Helper under test.
type sending interface {
	Helper
	statist
}

// onEachHelper runs a test with every Helper on every broker.
func onEachHelper(t *testing.T, test func(t *testing.T, brokers []string, open func(topic string, opts ...Option) sending)) {
	for name, open := range map[string]func(t *testing.T, brokers []string, topic string, opts ...Option) sending{
		"queue": func(t *testing.T, brokers []string, topic string, opts ...Option) sending {
			return newQueue(t, brokers, topic, append([]Option{patient}, opts...)...)
		},
		"spool": func(t *testing.T, brokers []string, topic string, opts ...Option) sending {
			return newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{}, opts...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, brokers []string) {
				test(t, brokers, func(topic string, opts ...Option) sending { return open(t, brokers, topic, opts...) })
			})
		})
	}
}

// statist counts what became of events.
type statist interface{ EventStats() model.EventStats }

// settledStats waits until nothing is under way.
func settledStats(t *testing.T, q statist) model.EventStats {
	t.Helper()
	require.Eventually(t, func() bool { return q.EventStats().Waiting == 0 }, 30*time.Second, time.Millisecond)
	return q.EventStats()
}

func TestTutorialsCallWorks(t *testing.T) {
	onEachHelper(t, func(t *testing.T, brokers []string, open func(string, ...Option) sending) {
		topic := newTopic()
		q := open(topic)
		ok, err := q.SendEvent("keyword", []byte("[]"))
		require.NoError(t, err)
		require.True(t, ok)
		r := read(t, brokers, topic, 1)[0]
		id, err := uuid.Parse(r.Header("ce_id"))
		require.NoError(t, err)
		assert.EqualValues(t, 7, id.Version())
		at, err := time.Parse(time.RFC3339Nano, r.Header("ce_time"))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), at, time.Minute)
		assert.Equal(t, at.UnixMilli(), r.Time.UnixMilli())
	})
}

func TestTopicIsMadeAsConfigured(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		q := newQueue(t, brokers, topic, WithTopicConfig(TopicConfig{Partitions: 5, Retention: 3 * time.Hour}))
		q.Connect()
		client, err := sarama.NewClient(brokers, newConfig(Security{}))
		require.NoError(t, err)
		admin, err := sarama.NewClusterAdminFromClient(client)
		require.NoError(t, err)
		defer admin.Close()
		require.Eventually(t, func() bool {
			found, err := admin.DescribeTopics([]string{topic})
			return err == nil && found[0].Err == sarama.ErrNoError && len(found[0].Partitions) == 5
		}, 30*time.Second, 20*time.Millisecond, "before any event")
		values := settingsOf(t, admin, topic)
		if strings.HasSuffix(t.Name(), "/Kafka") { // the embedded one keeps by size only
			assert.Equal(t, "10800000", values["retention.ms"])
		}
	})
}

// The vectors are those of Apache Kafka's UtilsTest.testMurmur2; the last
// two were read off its console producer.
func TestKeysLieWhereJavaClientsPutThem(t *testing.T) {
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		for _, partitions := range []int32{1, 3, 7, 50} {
			got, err := sarama.NewMurmur2Partitioner("t").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
			require.NoError(t, err)
			assert.Equal(t, (hash&0x7fffffff)%partitions, got, key)
		}
	}
}

func TestTopicDeletedWhileRunning(t *testing.T) {
	onEachHelper(t, func(t *testing.T, brokers []string, open func(string, ...Option) sending) {
		topic := newTopic()
		q := open(topic, func(o *options) { o.patience = time.Second })
		_, err := q.SendEvent("before", []byte("[]"))
		require.NoError(t, err)
		settledStats(t, q)
		admin, err := sarama.NewClusterAdmin(brokers, newConfig(Security{}))
		require.NoError(t, err)
		defer admin.Close()
		require.NoError(t, admin.DeleteTopic(topic))
		require.Eventually(t, func() bool { // or the next event is still taken by the old one
			found, err := admin.DescribeTopics([]string{topic})
			return err == nil && len(found) == 1 && found[0].Err == sarama.ErrUnknownTopicOrPartition
		}, time.Minute, 10*time.Millisecond)
		// The first events may be refused while the deletion spreads.
		require.Eventually(t, func() bool {
			ok, _ := q.SendEvent("after", []byte("[]"))
			return ok
		}, time.Minute, 50*time.Millisecond)
		settledStats(t, q)
		r := read(t, brokers, topic, 1)
		assert.Equal(t, "after", r[0].Key)
	})
}

func TestLargeEventsArrive(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		q := newQueue(t, brokers, topic, patient)
		want := map[string]int{"small": 2, "middle": unknownBatchBytes, "large": 3 << 20, "largest": maxRecordBytes - 2000, "too large": maxRecordBytes}
		for _, key := range []string{"too large", "largest", "large", "middle", "small"} {
			ok, err := q.SendEvent(key, make([]byte, want[key]))
			if key == "too large" {
				assert.False(t, ok)
				assert.ErrorIs(t, err, ErrLost)
				continue
			}
			require.NoError(t, err, key)
			assert.True(t, ok)
		}
		for _, r := range read(t, brokers, topic, 4) {
			assert.Len(t, r.Value, want[r.Key], r.Key)
		}
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 4, Delivered: 4, Lost: 1}, settledStats(t, q))
	})
}

// Batches fit into topics that others made, with Kafka's default of 1 MiB.
func TestManyLargeEventsFitIntoAnyTopic(t *testing.T) {
	onEachHelper(t, func(t *testing.T, brokers []string, open func(string, ...Option) sending) {
		topic := newTopic()
		admin, err := sarama.NewClusterAdmin(brokers, newConfig(Security{}))
		require.NoError(t, err)
		defer admin.Close()
		require.NoError(t, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false))
		q := open(topic)
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				ok, err := q.SendEvent(fmt.Sprint(i), make([]byte, 90_000))
				assert.NoError(t, err)
				assert.True(t, ok)
			})
		}
		wg.Wait()
		records := read(t, brokers, topic, 60)
		assert.Len(t, records, 60)
	})
}

func TestTailGoesOnWhenTheTopicIsMadeAnew(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		admin, err := sarama.NewClusterAdmin(brokers, newConfig(Security{}))
		require.NoError(t, err)
		defer admin.Close()
		detail := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}
		require.NoError(t, admin.CreateTopic(topic, detail, false))
		q := newQueue(t, brokers, topic, patient)
		send := func(key string) {
			require.Eventually(t, func() bool {
				ok, _ := q.SendEvent(key, []byte("[]"))
				return ok
			}, time.Minute, 50*time.Millisecond)
		}
		for range 5 {
			send("before")
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		keys, ended := make(chan string), make(chan error, 1)
		go func() {
			ended <- Tail(ctx, Kafka{Brokers: brokers}, topic, Start{Beginning: true}, nil, func(r *Record) error {
				select {
				case keys <- r.Key:
				case <-ctx.Done():
				}
				return nil
			})
		}()
		for range 5 {
			select {
			case key := <-keys:
				require.Equal(t, "before", key)
			case err := <-ended:
				t.Fatal("the tail ended: ", err)
			case <-ctx.Done():
				t.Fatal("the first records did not come")
			}
		}
		require.NoError(t, admin.DeleteTopic(topic))
		require.Eventually(t, func() bool { return admin.CreateTopic(topic, detail, false) == nil }, time.Minute, 50*time.Millisecond)
		send("after")
		select {
		case key := <-keys:
			assert.Equal(t, "after", key)
		case <-ctx.Done():
			t.Error("the record of the new topic did not come")
		}
		stop()
		assert.NoError(t, <-ended)
	})
}

func TestManyAtOnce(t *testing.T) {
	onEachHelper(t, func(t *testing.T, brokers []string, open func(string, ...Option) sending) {
		topic := newTopic()
		q := open(topic)
		const writers, each = 20, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					ok, err := q.SendEvent(fmt.Sprintf("key %d", w), fmt.Appendf(nil, "[%d]", i))
					assert.NoError(t, err)
					assert.True(t, ok)
				}
			})
		}
		wg.Wait()
		next := map[string]int{}
		sequences := map[string]bool{}
		for _, r := range read(t, brokers, topic, writers*each) {
			assert.Equal(t, fmt.Sprintf("[%d]", next[r.Key]), string(r.Value), "events of one key, sent one after the other, keep their order")
			next[r.Key]++
			sequences[r.Header("ce_sequence")] = true
		}
		assert.Len(t, sequences, writers*each)
	})
}

func TestTailBeginsWhereItIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		q := newQueue(t, brokers, topic, patient, WithTopicConfig(TopicConfig{Partitions: 1, Retention: 24 * 365 * time.Hour}))
		hour := time.Now().Truncate(time.Hour)
		send := func(key string, at time.Time) {
			ok, err := q.SendEvent(key, []byte("[]"), Header{Key: "ce_time", Value: []byte(at.Format(time.RFC3339Nano))})
			require.NoError(t, err)
			require.True(t, ok)
		}
		send("old", hour.Add(-2*time.Hour))
		send("recent", hour.Add(-time.Hour))
		for _, test := range []struct {
			from Start
			want string
		}{
			{Start{Beginning: true}, "old"},
			{Start{At: hour.Add(-90 * time.Minute)}, "recent"},
			{Start{At: hour.Add(24 * time.Hour)}, "next"},
			{Start{}, "next"},
		} {
			stop := errors.New("stop")
			var first string
			ready := make(chan struct{})
			got := make(chan error, 1)
			go func() {
				got <- Tail(t.Context(), Kafka{Brokers: brokers}, topic, test.from, func() { close(ready) }, func(r *Record) error {
					first = r.Key
					return stop
				})
			}()
			<-ready
			if test.want == "next" {
				send("next", time.Now())
			}
			require.ErrorIs(t, <-got, stop)
			assert.Equal(t, test.want, first)
		}
		err := Tail(t.Context(), Kafka{Brokers: brokers}, newTopic(), Start{}, nil, nil)
		assert.ErrorIs(t, err, ErrNoTopic)
	})
}

func TestTailSaysThatNobodyAnswers(t *testing.T) {
	err := Tail(t.Context(), Kafka{Brokers: []string{"127.0.0.1:1"}}, "x", Start{}, nil, nil)
	assert.ErrorContains(t, err, "connect to Kafka")
}

func TestKafkaAwayFromTheStartAndBack(t *testing.T) {
	// An address where nobody listens yet.
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := probe.Addr().String()
	require.NoError(t, probe.Close())

	topic := newTopic()
	var log syncBuffer
	q := newQueue(t, []string{address}, topic, WithLogger(slog.New(slog.NewTextHandler(&log, nil))), func(o *options) { o.places = 5 })
	q.Connect()
	require.Eventually(t, q.isDown, 30*time.Second, time.Millisecond)
	for i := range 8 {
		begun := time.Now()
		ok, err := q.SendEvent("early", []byte("[]"))
		assert.False(t, ok)
		if i < 5 {
			assert.ErrorIs(t, err, ErrUnconfirmed)
		} else {
			assert.ErrorIs(t, err, ErrLost, "beyond the bound")
		}
		assert.Less(t, time.Since(begun), 5*time.Second)
	}
	assert.Equal(t, model.EventStats{Unconfirmed: 5, Lost: 3, Waiting: 5}, q.EventStats())

	embedded(t, t.TempDir(), address)
	require.Eventually(t, func() bool {
		return q.EventStats() == model.EventStats{Connected: true, Accepted: 5, Delivered: 5, Lost: 3}
	}, time.Minute, time.Millisecond, "what was abandoned moves to delivered: %+v", q.EventStats())
	ok, err := q.SendEvent("late", []byte("[]"))
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Len(t, read(t, []string{address}, topic, 6), 6)
	for _, line := range []string{"Kafka does not confirm events", "events are being lost", "events find a place again", "Kafka confirms events"} {
		assert.Equal(t, 1, strings.Count(log.String(), line), "%s is logged once:\n%s", line, log.String())
	}
}

func TestEventsUnderWayOutlastAnOutage(t *testing.T) {
	dir, topic := t.TempDir(), newTopic()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- broker.Serve(ctx, broker.Options{Dir: dir, Listen: "127.0.0.1:0"}, func(a string) { ready <- a }, quiet)
	}()
	address := <-ready
	q := newQueue(t, []string{address}, topic, patient)
	_, err := q.SendEvent("before", []byte("[]"))
	require.NoError(t, err)
	stop()
	require.NoError(t, <-ended)
	q.options.ackWait = time.Millisecond
	_, err = q.SendEvent("meanwhile", []byte("[]"))
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.Equal(t, model.EventStats{Delivered: 1, Accepted: 1, Unconfirmed: 1, Waiting: 1}, q.EventStats())
	embedded(t, dir, address)
	require.Eventually(t, func() bool {
		return q.EventStats() == model.EventStats{Connected: true, Accepted: 2, Delivered: 2}
	}, time.Minute, 10*time.Millisecond)
	assert.Equal(t, "meanwhile", latest(read(t, []string{address}, topic, 2)).Key)
}

func latest(records []*Record) *Record {
	return slices.MaxFunc(records, func(a, b *Record) int { return a.Time.Compare(b.Time) })
}

// syncBuffer may be written and read at once.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// A broker that takes connections and never answers.
func TestFrozenKafka(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, conn)
		}
	}()
	q := newQueue(t, []string{listener.Addr().String()}, "x", func(o *options) { o.ackWait = 50 * time.Millisecond })
	ok, err := q.SendEvent("k", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, ErrUnconfirmed)
	assert.False(t, q.EventStats().Connected)
}

func TestMemoryUnderWayIsBounded(t *testing.T) {
	q := newQueue(t, []string{"127.0.0.1:1"}, "x", func(o *options) { o.ackWait = time.Millisecond })
	value := make([]byte, maxRecordBytes)
	for range maxUnderwayBytes / len(value) {
		_, err := q.SendEvent("k", value)
		require.ErrorIs(t, err, ErrUnconfirmed)
	}
	_, err := q.SendEvent("k", value)
	require.ErrorIs(t, err, ErrLost)
	assert.ErrorContains(t, err, "256 MiB of events are under way already")
	_, err = q.SendEvent("k", []byte("[]"))
	assert.ErrorIs(t, err, ErrUnconfirmed, "a small one still finds room")
}

func TestCloseIsBoundedAndCountsWhatItGivesUp(t *testing.T) {
	q := newQueue(t, []string{"127.0.0.1:1"}, "x", func(o *options) { o.ackWait = time.Millisecond })
	_, err := q.SendEvent("k", []byte("[]"))
	require.ErrorIs(t, err, ErrUnconfirmed)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err = q.Close(ctx)
	assert.ErrorContains(t, err, "close queue")
	assert.Equal(t, model.EventStats{Lost: 1}, q.EventStats(), "an event that never was sent is lost")
	ok, err := q.SendEvent("k", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, ErrLost, "after Close")
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		q := newQueue(t, brokers, topic, func(o *options) { o.ackWait = 0 })
		for range 50 {
			_, err := q.SendEvent("k", []byte("[]"))
			if err != nil {
				require.ErrorIs(t, err, ErrUnconfirmed)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, q.Close(ctx))
		assert.EqualValues(t, 50, q.EventStats().Delivered)
		assert.Len(t, read(t, brokers, topic, 50), 50)
	})
}

func TestNewKafkaQueueChecksItsArguments(t *testing.T) {
	_, err := NewKafkaQueue(nil, "x")
	assert.Error(t, err)
	_, err = NewKafkaQueue([]string{"a:1"}, "")
	assert.Error(t, err)
}

func TestEmptyAnswerIsAnEventToo(t *testing.T) {
	value, err := model.EncodeBooks(nil)
	require.NoError(t, err)
	assert.Equal(t, "[]", string(value))
	assert.True(t, json.Valid(value))
}
