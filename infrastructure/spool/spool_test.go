package spool

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/mq/mqtest"
	"literank.com/event-books/infrastructure/wal"
)

func TestEventsWaitForKafkaAndForTheNextStart(t *testing.T) {
	t.Parallel()
	address, topic, dir := mqtest.Nowhere(t), mqtest.NewTopic(), t.TempDir()
	var log testbed.Output
	first := newSpool(t, dir, []string{address}, topic, Options{Log: logTo(&log)})
	for i := range 500 {
		spooled(t, first, fmt.Sprint(i%7), fmt.Sprintf("[%d]", i/7))
	}
	require.Eventually(t, first.away, 30*time.Second, time.Millisecond)
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
	assert.ErrorIs(t, err, mq.ErrLost)

	status, err := Inspect(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 500, status.Events)
	require.NotNil(t, status.Oldest)
	assert.WithinDuration(t, time.Now(), *status.Oldest, time.Minute)

	mqtest.Embedded(t, t.TempDir(), address)
	second := newSpool(t, dir, []string{address}, topic, Options{})
	spooled(t, second, "second", "[0]")
	require.NoError(t, second.Empty(ctx))
	records := mqtest.Read(t, []string{address}, topic, 501)
	mqtest.KeysInOrder(t, records)
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
	stats = second.EventStats()
	stats.Connected = false // on a busy machine, the batch may take too long to count as connected
	assert.Equal(t, model.EventStats{Accepted: 1, Delivered: 501}, stats)
	assert.Contains(t, log.String(), "events wait in the spool for the next start")
	assert.Equal(t, 1, strings.Count(log.String(), "Kafka does not confirm events"))
}

// A killed process takes with it what isn't on disk yet. If it had reported that, the event
// would be missed for ever.
func TestAReportLeavesOutWhatIsNotOnDisk(t *testing.T) {
	s := newSpool(t, t.TempDir(), []string{mqtest.Nowhere(t)}, mqtest.NewTopic(), Options{})
	spooled(t, s, "k", "[0]")
	pending, sequence, err := s.append(appendHead(nil, s.source, "k", nil), []byte("[1]"))
	require.NoError(t, err)
	assert.EqualValues(t, 1, s.Report().Highest)
	_, err = pending.Wait()
	require.NoError(t, err)
	s.noteKnown(sequence)
	assert.EqualValues(t, 2, s.Report().Highest)
	spooled(t, s, "k", "[2]")
	assert.EqualValues(t, 3, s.Report().Highest)
}

func TestOneProcessPerSpool(t *testing.T) {
	dir := t.TempDir()
	newSpool(t, dir, []string{"127.0.0.1:1"}, "x", Options{})
	_, err := Open(dir, unreachable{}, unreachable{}, Options{Topic: "x"})
	assert.ErrorIs(t, err, wal.ErrInUse)
}

func TestFullSpool(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		onFull  OnFull
		want    error
		message string
	}{
		{Answer, mq.ErrLost, "events are being lost: the spool is full"},
		{Refuse, mq.ErrRefused, "searches are refused: the spool is full"},
	} {
		t.Run(string(test.onFull), func(t *testing.T) {
			address, topic := mqtest.Nowhere(t), mqtest.NewTopic()
			var log testbed.Output
			s := newSpool(t, t.TempDir(), []string{address}, topic, Options{MaxBytes: MinBytes, OnFull: test.onFull, Log: logTo(&log)})
			value := make([]byte, 5<<20)
			var taken int
			var err error
			for ok := true; ok; {
				if ok, err = s.SendEvent("k", value); ok {
					taken++
				}
			}
			assert.ErrorIs(t, err, test.want)
			assert.Less(t, taken*len(value), MinBytes)
			assert.Greater(t, taken*len(value), MinBytes/2)
			stats := s.EventStats()
			assert.EqualValues(t, 1, stats.Lost+stats.Refused)
			assert.Equal(t, test.onFull == Refuse, stats.Refused == 1)
			assert.True(t, stats.Filling)
			assert.Equal(t, 1, strings.Count(log.String(), test.message), log.String())

			mqtest.Embedded(t, t.TempDir(), address)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			require.NoError(t, s.Empty(ctx))
			spooled(t, s, "after", "[]")
			assert.Contains(t, log.String(), "the spool accepts events again")
			assert.Len(t, mqtest.Read(t, []string{address}, topic, taken+1), taken+1, "what was taken arrives")
			assert.False(t, s.EventStats().Filling)
		})
	}
}

// If the disk fails, the spool doesn't call an event accepted.
func TestFailingDisk(t *testing.T) {
	s := newSpool(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", Options{})
	err := s.notAccepted(io.ErrUnexpectedEOF)
	assert.ErrorIs(t, err, mq.ErrUnconfirmed)
	assert.EqualValues(t, 1, s.EventStats().Unconfirmed)
	s.options.OnFull = Refuse
	assert.ErrorIs(t, s.notAccepted(io.ErrUnexpectedEOF), mq.ErrRefused)
	assert.EqualValues(t, 1, s.EventStats().Refused)
}

func TestWhatATopicNeverTakesGoesToDeadLetters(t *testing.T) {
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic, dir := mqtest.NewTopic(), t.TempDir()
		mqtest.CreateTopic(t, brokers, topic, map[string]string{"max.message.bytes": "10000"})
		s := newSpool(t, dir, brokers, topic, Options{})
		for i := range 40 {
			size := 1000
			if i == 20 {
				size = 50_000
			}
			ok, err := s.SendEvent(fmt.Sprint(i), make([]byte, size))
			require.NoError(t, err)
			require.True(t, ok)
		}
		for _, r := range mqtest.Read(t, brokers, topic, 39) {
			assert.NotEqual(t, "20", r.Key)
		}
		dead := mqtest.Read(t, brokers, topic+".dead", 1)[0]
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
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic, dir := mqtest.NewTopic(), t.TempDir()
		for _, name := range []string{topic, mq.DeadLetterTopic(topic)} {
			mqtest.CreateTopic(t, brokers, name, map[string]string{"max.message.bytes": "10000"})
		}
		s := newSpool(t, dir, brokers, topic, Options{})
		spooled(t, s, "large", `["`+strings.Repeat("x", 50_000)+`"]`)
		spooled(t, s, "small", "[]")
		_, err := s.SendEvent("larger than a segment", make([]byte, wal.DefaultSegment))
		require.NoError(t, err)
		assert.Equal(t, "small", mqtest.Read(t, brokers, topic, 1)[0].Key)
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
		status, err := Inspect(dir)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(dir, deadLettersName), status.DeadLetters)
	})
}

// A line that a crash cut off stays a line of its own.
func TestDeadLettersFileSurvivesATornLine(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, deadLettersName)
	require.NoError(t, os.WriteFile(name, []byte(`{"key":"to`), 0o600))
	d := &deadLetters{topic: "t", dir: dir}
	require.NoError(t, d.write(&mq.Record{Key: "whole", Value: []byte("[]")}, wal.ErrTooLarge))
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	require.Len(t, lines, 2)
	assert.True(t, json.Valid([]byte(lines[1])))
}

func TestLargeEventsGoThroughTheSpool(t *testing.T) {
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, Options{})
		sizes := []int{2, 3 << 20, 1_000_000, (15 << 20) - 2000, 10}
		for i, size := range sizes {
			_, err := s.SendEvent(fmt.Sprint(i), make([]byte, size))
			require.NoError(t, err)
		}
		for _, r := range mqtest.Read(t, brokers, topic, len(sizes)) {
			var i int
			fmt.Sscan(r.Key, &i)
			assert.Len(t, r.Value, sizes[i])
		}
		assert.Equal(t, model.EventStats{Connected: true, Accepted: 5, Delivered: 5}, settledStats(t, s))
	})
}

func TestNumberOfPartitions(t *testing.T) {
	dir := t.TempDir()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	choose := func(p *partitionCount, actual int32, fresh bool) int32 {
		n, err := p.choose(actual, fresh)
		require.NoError(t, err)
		return n
	}
	var logged strings.Builder
	open := func(topic string) (*partitionCount, error) {
		return openPartitionCount(dir, topic, log, slog.New(slog.NewTextHandler(&logged, nil)))
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
	p.timeout = 0
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

func TestCloseIsBoundedWhileKafkaIsFrozen(t *testing.T) {
	l, address := mqtest.BehindLine(t)
	topic, dir := mqtest.NewTopic(), t.TempDir()
	s := newSpool(t, dir, []string{address}, topic, Options{})
	spooled(t, s, "k", "[0]")
	settledStats(t, s)
	release := l.Hold()
	defer release()
	spooled(t, s, "k", "[1]")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	require.NoError(t, s.Close(ctx))
	assert.Less(t, time.Since(begun), 10*time.Second)
	status, err := Inspect(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 1, status.Events)
}

func TestCloseFlushesWhatItCan(t *testing.T) {
	t.Parallel()
	mqtest.OnEach(t, func(t *testing.T, brokers []string) {
		topic := mqtest.NewTopic()
		s := newSpool(t, t.TempDir(), brokers, topic, Options{})
		for i := range 300 {
			spooled(t, s, "k", fmt.Sprintf("[%d]", i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, s.Close(ctx))
		records := mqtest.Read(t, brokers, topic, 300)
		mqtest.KeysInOrder(t, records)
	})
}

// Damage loses the damaged events only, and the spool logs it.
func TestDamageInTheSpoolIsTold(t *testing.T) {
	t.Parallel()
	address, topic, dir := mqtest.Nowhere(t), mqtest.NewTopic(), t.TempDir()
	s := newSpool(t, dir, []string{address}, topic, Options{})
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

	mqtest.Embedded(t, t.TempDir(), address)
	var log testbed.Output
	s = newSpool(t, dir, []string{address}, topic, Options{Log: logTo(&log)})
	assert.Len(t, mqtest.Read(t, []string{address}, topic, 9), 9)
	stats := settledStats(t, s)
	assert.EqualValues(t, 1, stats.Lost)
	assert.EqualValues(t, 9, stats.Delivered)
	assert.Contains(t, log.String(), "events are lost: the spool is damaged")
}

// An event of an unknown version is set aside, not dropped.
func TestEventOfALaterVersionIsSetAside(t *testing.T) {
	dir, topic := t.TempDir(), mqtest.NewTopic()
	log, err := wal.Open(dir, wal.Options{})
	require.NoError(t, err)
	_, err = log.Append([]byte("\x63 an event of version 99, of which nothing is known"))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	s := newSpool(t, dir, []string{mqtest.Embedded(t, t.TempDir(), "127.0.0.1:0")}, topic, Options{})
	spooled(t, s, "k", "[]")
	assert.EqualValues(t, 1, settledStats(t, s).DeadLettered)
	content, err := os.ReadFile(filepath.Join(dir, deadLettersName))
	require.NoError(t, err)
	assert.Contains(t, string(content), "version 99")
}

func TestMetricsFollowTheConventions(t *testing.T) {
	s := newSpool(t, t.TempDir(), []string{"127.0.0.1:1"}, "x", Options{})
	spooled(t, s, "k", "[]")
	problems, err := testutil.CollectAndLint(s)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.NoError(t, testutil.CollectAndCompare(s, strings.NewReader(`
# HELP event_books_events_accepted_total Events accepted into the spool.
# TYPE event_books_events_accepted_total counter
event_books_events_accepted_total{spool="searches"} 1
# HELP event_books_spool_records Events in the spool that are not settled.
# TYPE event_books_spool_records gauge
event_books_spool_records{spool="searches"} 1
`), "event_books_events_accepted_total", "event_books_spool_records"))
}
