package mq

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/wal"
)

func newSpool(t *testing.T, dir string, brokers []string, topic string, options SpoolOptions, opts ...Option) *Spool {
	t.Helper()
	q, err := NewKafkaQueue(brokers, topic, append([]Option{WithInstance("test")}, opts...)...)
	require.NoError(t, err)
	s, err := OpenSpool(dir, q, options)
	require.NoError(t, err)
	t.Cleanup(func() { closeSpool(t, s) })
	return s
}

// closeSpool doesn't wait for Kafka.
func closeSpool(t *testing.T, s *Spool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.NoError(t, s.Close(ctx))
}

// nowhere is an address where nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer probe.Close()
	return probe.Addr().String()
}

func spooled(t *testing.T, s *Spool, key, value string) {
	t.Helper()
	ok, err := s.SendEvent(key, []byte(value))
	require.NoError(t, err)
	require.True(t, ok)
}

// keysInOrder checks that values of a key ascend from 0, and returns how many
// records there are.
func keysInOrder(t *testing.T, records []*Record) {
	t.Helper()
	next := map[string]int{}
	for _, r := range records {
		assert.Equal(t, fmt.Sprintf("[%d]", next[r.Key]), string(r.Value), "key %s", r.Key)
		next[r.Key]++
	}
}

func TestEventsWaitForKafkaAndForTheNextStart(t *testing.T) {
	address, topic, dir := nowhere(t), newTopic(), t.TempDir()
	var log syncBuffer
	first := newSpool(t, dir, []string{address}, topic, SpoolOptions{}, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for i := range 500 {
		spooled(t, first, fmt.Sprint(i%7), fmt.Sprintf("[%d]", i/7))
	}
	require.Eventually(t, first.queue.isDown, 30*time.Second, time.Millisecond)
	stats := first.EventStats()
	assert.EqualValues(t, 500, stats.Accepted)
	assert.EqualValues(t, 500, stats.Waiting)
	assert.Positive(t, stats.WaitingBytes)
	assert.Positive(t, stats.OldestSeconds)
	assert.False(t, stats.Connected)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	require.NoError(t, first.Close(ctx))
	assert.Less(t, time.Since(begun), 30*time.Second, "there is nothing to wait for while Kafka is away")
	ok, err := first.SendEvent("late", []byte("[]"))
	assert.False(t, ok)
	assert.ErrorIs(t, err, ErrLost)

	status, err := InspectSpool(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 500, status.Events)
	require.NotNil(t, status.Oldest)
	assert.WithinDuration(t, time.Now(), *status.Oldest, time.Minute)

	embedded(t, t.TempDir(), address)
	second := newSpool(t, dir, []string{address}, topic, SpoolOptions{})
	spooled(t, second, "second", "[0]")
	require.NoError(t, second.Empty(ctx))
	records := read(t, []string{address}, topic, 501)
	keysInOrder(t, records)
	sources := map[string]map[string]bool{}
	for _, r := range records {
		source := r.Header("ce_source")
		if sources[source] == nil {
			sources[source] = map[string]bool{}
		}
		sources[source][r.Header("ce_sequence")] = true
	}
	assert.Len(t, sources[first.source], 500, "events keep the source and sequence with which they were accepted")
	assert.Len(t, sources[second.source], 1)
	assert.Equal(t, model.EventStats{Connected: true, Accepted: 1, Delivered: 501}, second.EventStats())
	assert.Contains(t, log.String(), "events wait in the spool for the next start")
	assert.Equal(t, 1, strings.Count(log.String(), "Kafka does not confirm events"))
}

func TestOneProcessPerSpool(t *testing.T) {
	dir := t.TempDir()
	newSpool(t, dir, []string{"127.0.0.1:1"}, "x", SpoolOptions{})
	q := newQueue(t, []string{"127.0.0.1:1"}, "x")
	_, err := OpenSpool(dir, q, SpoolOptions{})
	assert.ErrorIs(t, err, wal.ErrInUse)
}

func TestFullSpool(t *testing.T) {
	for _, test := range []struct {
		onFull  OnFull
		want    error
		message string
	}{
		{Answer, ErrLost, "events are being lost: the spool is full"},
		{Refuse, ErrRefused, "searches are refused: the spool is full"},
	} {
		t.Run(string(test.onFull), func(t *testing.T) {
			address, topic := nowhere(t), newTopic()
			var log syncBuffer
			s := newSpool(t, t.TempDir(), []string{address}, topic, SpoolOptions{MaxBytes: MinSpoolBytes, OnFull: test.onFull}, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			value := make([]byte, 5<<20)
			var taken int
			var err error
			for ok := true; ok; {
				if ok, err = s.SendEvent("k", value); ok {
					taken++
				}
			}
			assert.ErrorIs(t, err, test.want)
			assert.Less(t, taken*len(value), MinSpoolBytes)
			assert.Greater(t, taken*len(value), MinSpoolBytes/2)
			stats := s.EventStats()
			assert.EqualValues(t, 1, stats.Lost+stats.Refused)
			assert.Equal(t, test.onFull == Refuse, stats.Refused == 1)
			assert.True(t, stats.Filling)
			assert.Equal(t, 1, strings.Count(log.String(), test.message), log.String())

			embedded(t, t.TempDir(), address)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, s.Empty(ctx))
			spooled(t, s, "after", "[]")
			assert.Contains(t, log.String(), "the spool takes events again")
			assert.Len(t, read(t, []string{address}, topic, taken+1), taken+1, "what was taken arrives")
			assert.False(t, s.EventStats().Filling)
		})
	}
}

// A disk that fails is no reason to call an event accepted.
func TestFailingDisk(t *testing.T) {
	s := newSpool(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", SpoolOptions{})
	err := s.notTaken(io.ErrUnexpectedEOF)
	assert.ErrorIs(t, err, ErrUnconfirmed)
	assert.EqualValues(t, 1, s.EventStats().Unconfirmed)
	s.options.OnFull = Refuse
	assert.ErrorIs(t, s.notTaken(io.ErrUnexpectedEOF), ErrRefused)
	assert.EqualValues(t, 1, s.EventStats().Refused)
}

func createTopic1(t *testing.T, brokers []string, topic string, settings map[string]string) sarama.ClusterAdmin {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(brokers, newConfig(Security{}))
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	entries := map[string]*string{}
	for name, value := range settings {
		entries[name] = &value
	}
	require.NoError(t, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: entries}, false))
	return admin
}

func TestWhatATopicNeverTakesGoesToDeadLetters(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic, dir := newTopic(), t.TempDir()
		createTopic1(t, brokers, topic, map[string]string{"max.message.bytes": "10000"})
		s := newSpool(t, dir, brokers, topic, SpoolOptions{})
		for i := range 40 {
			size := 1000
			if i == 20 {
				size = 50_000
			}
			ok, err := s.SendEvent(fmt.Sprint(i), make([]byte, size))
			require.NoError(t, err)
			require.True(t, ok)
		}
		for _, r := range read(t, brokers, topic, 39) {
			assert.NotEqual(t, "20", r.Key)
		}
		dead := read(t, brokers, topic+".dead", 1)[0]
		assert.Equal(t, "20", dead.Key)
		assert.Len(t, dead.Value, 50_000)
		assert.Equal(t, topic, dead.Header("dead_topic"))
		assert.Contains(t, dead.Header("dead_reason"), "too large")
		assert.Equal(t, "00000000000000000021", dead.Header("ce_sequence"))
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 40, Delivered: 39, DeadLettered: 1}, settledStats(t, s))
		assert.NoFileExists(t, filepath.Join(dir, deadLettersName))
	})
}

func TestDeadLettersFallBackToAFile(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic, dir := newTopic(), t.TempDir()
		for _, name := range []string{topic, topic + deadSuffix} {
			createTopic1(t, brokers, name, map[string]string{"max.message.bytes": "10000"})
		}
		s := newSpool(t, dir, brokers, topic, SpoolOptions{})
		spooled(t, s, "large", `["`+strings.Repeat("x", 50_000)+`"]`)
		spooled(t, s, "small", "[]")
		_, err := s.SendEvent("larger than a segment", make([]byte, wal.DefaultSegment))
		require.NoError(t, err)
		assert.Equal(t, "small", read(t, brokers, topic, 1)[0].Key)
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 3, Delivered: 1, DeadLettered: 2}, settledStats(t, s))
		content, err := os.ReadFile(filepath.Join(dir, deadLettersName))
		require.NoError(t, err)
		found := map[string]deadLetter{}
		for line := range strings.Lines(string(content)) {
			var letter deadLetter
			require.NoError(t, json.Unmarshal([]byte(line), &letter))
			found[letter.Key] = letter
		}
		assert.Len(t, found, 2)
		assert.Len(t, found["large"].Value, 50_004)
		assert.Equal(t, topic, found["large"].Topic)
		assert.Len(t, found["larger than a segment"].Headers["ce_id"], 36)
		status, err := InspectSpool(dir)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(dir, deadLettersName), status.DeadLetters)
	})
}

// A line that a crash has cut off stays alone.
func TestDeadLettersFileSurvivesATornLine(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, deadLettersName)
	require.NoError(t, os.WriteFile(name, []byte(`{"key":"to`), 0o600))
	d := &deadLetters{queue: &KafkaQueue{topic: "t"}, dir: dir}
	e := newEvent("whole", []byte("[]"), nil)
	require.NoError(t, d.write(e, wal.ErrTooLarge))
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	require.Len(t, lines, 2)
	assert.True(t, json.Valid([]byte(lines[1])))
}

func TestLargeEventsGoThroughTheSpool(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{})
		sizes := []int{2, 3 << 20, unknownBatchBytes, maxRecordBytes - 2000, 10}
		for i, size := range sizes {
			_, err := s.SendEvent(fmt.Sprint(i), make([]byte, size))
			require.NoError(t, err)
		}
		for _, r := range read(t, brokers, topic, len(sizes)) {
			var i int
			fmt.Sscan(r.Key, &i)
			assert.Len(t, r.Value, sizes[i])
		}
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 5, Delivered: 5}, settledStats(t, s))
	})
}

func TestAddedPartitionsAreUsedWhenAllBeforeIsSettled(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic, dir := newTopic(), t.TempDir()
		admin := createTopic1(t, brokers, topic, nil)
		s := newSpool(t, dir, brokers, topic, SpoolOptions{})
		spooled(t, s, "k", "[0]")
		settledStats(t, s)
		require.NoError(t, admin.CreatePartitions(topic, 5, nil, false))
		p, err := s.queue.connection(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			_ = p.client.RefreshMetadata(topic)
			n, err := p.partitions(t.Context(), topic)
			return err == nil && n == 5
		}, time.Minute, 10*time.Millisecond)
		for i := range 50 {
			spooled(t, s, fmt.Sprint(i), "[0]")
		}
		used := map[int32]bool{}
		for _, r := range read(t, brokers, topic, 51) {
			used[r.Partition] = true
		}
		assert.Greater(t, len(used), 2)
	})
}

func TestNumberOfPartitions(t *testing.T) {
	dir := t.TempDir()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	choose := func(p *partitions, actual int32, fresh bool) int32 {
		n, err := p.choose(actual, fresh)
		require.NoError(t, err)
		return n
	}
	var logged strings.Builder
	open := func(topic string) (*partitions, error) {
		return openPartitions(dir, topic, log, slog.New(slog.NewTextHandler(&logged, nil)))
	}
	p, err := open("t")
	require.NoError(t, err)
	assert.EqualValues(t, 3, choose(p, 3, false), "the first number is taken at once")
	assert.EqualValues(t, 3, choose(p, 5, false), "events that were tried keep theirs")
	assert.EqualValues(t, 5, choose(p, 5, true))
	_, err = log.Append([]byte("waits"))
	require.NoError(t, err)

	p, err = open("t")
	require.NoError(t, err)
	assert.EqualValues(t, 5, choose(p, 8, true), "what an earlier process left may have been tried")
	_, err = log.NewReader().Next(t.Context())
	require.NoError(t, err)
	require.NoError(t, log.Release(1))
	assert.EqualValues(t, 8, choose(p, 8, true))
	_, err = p.choose(2, false)
	assert.ErrorContains(t, err, "has 2 partitions, and had 8", "a broker may be behind")
	p.patience = 0
	assert.Equal(t, 1, strings.Count(logged.String(), "fewer partitions"), logged.String())
	assert.EqualValues(t, 2, choose(p, 2, false), "a topic with fewer is another one")
	p, err = open("another")
	require.NoError(t, err)
	assert.EqualValues(t, 4, choose(p, 4, false))
	require.NoError(t, log.Close())

	require.NoError(t, os.WriteFile(filepath.Join(dir, partitionsName), []byte("{"), 0o600))
	for _, damaged := range []string{"", "{", `{"topic":"t","partitions":-5}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, partitionsName), []byte(damaged), 0o600))
		logged.Reset()
		p, err = open("t")
		require.NoError(t, err, damaged)
		assert.EqualValues(t, 4, choose(p, 4, false), damaged)
		assert.Contains(t, logged.String(), partitionsName, damaged)
	}
}

// line is a connection to a broker that can be black-holed.
type line struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	open     chan struct{} // closed while bytes pass
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{listener: listener, to: to, open: make(chan struct{})}
	close(l.open)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				server, err := net.Dial("tcp", l.to)
				if err != nil {
					client.Close()
					return
				}
				go l.copy(server, client)
				l.copy(client, server)
			}()
		}
	}()
	return l
}

func (l *line) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		<-open
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold lets nothing through until release is called.
func (l *line) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := make(chan struct{})
	l.open = open
	return sync.OnceFunc(func() { close(open) })
}

// behind serves a broker that clients reach through a line.
func behind(t *testing.T) (*line, string) {
	t.Helper()
	real := nowhere(t)
	l := newLine(t, real)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- broker.Serve(ctx, broker.Options{Dir: t.TempDir(), Listen: real, Advertise: l.listener.Addr().String()}, func(a string) { ready <- a }, quiet)
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal("broker: ", err)
	}
	t.Cleanup(func() { stop(); assert.NoError(t, <-ended) })
	return l, l.listener.Addr().String()
}

// A producer that is stuck is replaced, and what it had in hand is sent again in
// its order.
func TestStuckProducerIsReplaced(t *testing.T) {
	l, address := behind(t)
	topic := newTopic()
	s := newSpool(t, t.TempDir(), []string{address}, topic, SpoolOptions{}, func(o *options) {
		o.patience, o.slowAfter = 300*time.Millisecond, 100*time.Millisecond
	})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	stuck, err := s.queue.connection(t.Context())
	require.NoError(t, err)
	release := l.hold()
	defer release()
	for i := range 100 {
		spooled(t, s, "k", fmt.Sprintf("[%d]", i+1))
	}
	select {
	case <-stuck.dropped:
	case <-time.After(time.Minute):
		t.Fatal("the stuck producer is kept")
	}
	assert.False(t, s.EventStats().Connected)
	release()
	settledStats(t, s)
	seen, next := map[string]bool{}, 0
	for _, r := range read(t, []string{address}, topic, 101) {
		if id := r.Header("ce_id"); !seen[id] { // copies may come
			seen[id] = true
			assert.Equal(t, fmt.Sprintf("[%d]", next), string(r.Value))
			next++
		}
	}
}

func TestCloseIsBoundedWhileKafkaIsFrozen(t *testing.T) {
	l, address := behind(t)
	topic, dir := newTopic(), t.TempDir()
	s := newSpool(t, dir, []string{address}, topic, SpoolOptions{})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	release := l.hold()
	defer release()
	spooled(t, s, "k", "[1]")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	require.NoError(t, s.Close(ctx))
	assert.Less(t, time.Since(begun), 10*time.Second)
	status, err := InspectSpool(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 1, status.Events)
}

func TestCloseFlushesWhatItCan(t *testing.T) {
	onEach(t, func(t *testing.T, brokers []string) {
		topic := newTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, SpoolOptions{})
		for i := range 300 {
			spooled(t, s, "k", fmt.Sprintf("[%d]", i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		records := read(t, brokers, topic, 300)
		keysInOrder(t, records)
	})
}

// Damage costs what is damaged, loudly, and nothing else.
func TestDamageInTheSpoolIsTold(t *testing.T) {
	address, topic, dir := nowhere(t), newTopic(), t.TempDir()
	s := newSpool(t, dir, []string{address}, topic, SpoolOptions{})
	for i := range 10 {
		spooled(t, s, fmt.Sprint(i), `["`+strings.Repeat("x", 1000)+`"]`)
	}
	closeSpool(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	content[5000] ^= 1
	require.NoError(t, os.WriteFile(files[0], content, 0o600))

	embedded(t, t.TempDir(), address)
	var log syncBuffer
	s = newSpool(t, dir, []string{address}, topic, SpoolOptions{}, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	assert.Len(t, read(t, []string{address}, topic, 9), 9)
	stats := settledStats(t, s)
	assert.EqualValues(t, 1, stats.Lost)
	assert.EqualValues(t, 9, stats.Delivered)
	assert.Contains(t, log.String(), "events are lost: the spool is damaged")
}

// A version that this program doesn't know is set aside, not dropped.
func TestEventOfALaterVersionIsSetAside(t *testing.T) {
	dir, topic := t.TempDir(), newTopic()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	_, err = log.Append([]byte("\x63 an event of version 99, of which nothing is known"))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	s := newSpool(t, dir, []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, topic, SpoolOptions{})
	spooled(t, s, "k", "[]")
	assert.EqualValues(t, 1, settledStats(t, s).DeadLettered)
	content, err := os.ReadFile(filepath.Join(dir, deadLettersName))
	require.NoError(t, err)
	assert.Contains(t, string(content), "version 99")
}

func TestMetricsFollowTheConventions(t *testing.T) {
	s := newSpool(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", SpoolOptions{})
	spooled(t, s, "k", "[]")
	problems, err := testutil.CollectAndLint(s)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.NoError(t, testutil.CollectAndCompare(s, strings.NewReader(`
# HELP event_books_events_accepted_total Events taken into the spool.
# TYPE event_books_events_accepted_total counter
event_books_events_accepted_total 1
# HELP event_books_spool_records Events in the spool that are not settled.
# TYPE event_books_spool_records gauge
event_books_spool_records 1
`), "event_books_events_accepted_total", "event_books_spool_records"))
}

// sarama panics when a producer is closed while a call still feeds it.
func TestProducerIsDroppedInTheMiddleOfACall(t *testing.T) {
	brokers, topic := []string{embedded(t, t.TempDir(), "127.0.0.1:0")}, newTopic()
	createTopic1(t, brokers, topic, nil)
	q := newQueue(t, brokers, topic)
	for range 5 {
		p, err := newProducer(brokers, q.options, maxBatchBytes)
		require.NoError(t, err)
		messages := make([]*sarama.ProducerMessage, 5000)
		for i := range messages {
			e := newEvent("k", []byte("[]"), nil)
			e.number("s", uint64(i))
			messages[i] = e.message(topic, 0)
		}
		begun := make(chan struct{})
		ended := make(chan []error, 1)
		go func() {
			close(begun)
			ended <- p.send(t.Context(), messages, time.Minute, time.Minute, func() {})
		}()
		<-begun
		p.drop()
		for _, err := range <-ended {
			_ = err // any: only that it ends
		}
		select {
		case <-p.ended:
		case <-time.After(time.Minute):
			t.Fatal("the producer does not end")
		}
	}
}

// No message of a call goes into a request before sarama has taken all of them
// in.
func TestACallIsGathered(t *testing.T) {
	messages := make([]*sarama.ProducerMessage, 3)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Value: sarama.StringEncoder("value")}
	}
	gather(messages)
	encoded := make(chan struct{})
	go func() {
		value, err := messages[0].Value.Encode()
		assert.NoError(t, err)
		assert.Equal(t, "value", string(value))
		close(encoded)
	}()
	for _, m := range messages[:2] {
		assert.Equal(t, 5, m.Value.Length())
	}
	select {
	case <-encoded:
		t.Error("the first did not wait for the last")
	case <-time.After(20 * time.Millisecond):
	}
	assert.Equal(t, 5, messages[2].Value.Length())
	<-encoded
}

// A batch is one request for each broker: the more there are, the sooner a part
// of it could be refused and the rest be taken.
func TestACallIsOneRequest(t *testing.T) {
	topic := newTopic()
	cluster, brokers := fakeKafka(t, kfake.SeedTopics(3, topic))
	requests := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	q := newQueue(t, brokers, topic)
	p, err := newProducer(brokers, q.options, maxBatchBytes)
	require.NoError(t, err)
	defer p.drop()
	for _, n := range []int{1, 30, 999, 1000} {
		messages := make([]*sarama.ProducerMessage, n)
		for i := range messages {
			e := newEvent(fmt.Sprint(i), []byte("[]"), nil)
			e.number("s", uint64(i))
			messages[i] = e.message(topic, int32(i%3))
		}
		before := requests.Hits()
		for _, err := range p.send(t.Context(), messages, time.Minute, time.Minute, func() {}) {
			require.NoError(t, err)
		}
		assert.EqualValues(t, 1, requests.Hits()-before, "%d messages", n)
	}
}
