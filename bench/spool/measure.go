//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"literank.com/event-books/application"
	"literank.com/event-books/bench/testbed"
	"literank.com/event-books/infrastructure/mq"
)

type measurement struct {
	name    string
	measure func(ctx context.Context) ([]row, error)
}

func (s *station) measurements() []measurement {
	return []measurement{
		{"cost, in-memory index", func(ctx context.Context) ([]row, error) {
			return s.cost(ctx, "in-memory index", shopOptions{index: "memory"}, []float64{0.45, 0.5}, true)
		}},
		{"cost, 300 µs of work", func(ctx context.Context) ([]row, error) {
			return s.cost(ctx, "300 µs of work per search", shopOptions{index: "memory", work: 300 * time.Microsecond}, []float64{0.75, 0.8}, false)
		}},
		{"cost, the real index", func(ctx context.Context) ([]row, error) {
			return s.cost(ctx, "the real index, SQLite with 400 books", shopOptions{index: "real"}, []float64{0, 0}, false)
		}},
		{"cost, all consumers", func(ctx context.Context) ([]row, error) {
			return s.cost(ctx, "the real index, SQLite with 400 books, all consumers in the same process", shopOptions{index: "real", consumers: true}, []float64{0, 0}, false)
		}},
		{"Kafka stopped", s.stopped},
		{"Kafka black-holed", s.blackHoled},
		{"drain", s.drain},
		{"memory", s.memory},
		{"append", appends},
	}
}

func newTopic() string { return "bench-" + uuid.NewString() }

// window is one measurement of a server, including the time to drain its spool.
type window struct {
	*load
	// until is the time until all events were in Kafka.
	until time.Duration
	// cpu and syncs are the server's.
	cpu   time.Duration
	syncs float64
}

func (w *window) perSecond() float64 { return float64(w.searches) / w.until.Seconds() }
func (w *window) cpuPerSearch() time.Duration {
	return w.cpu / time.Duration(w.searches)
}

func (s *station) run(ctx context.Context, p *shop, connections int, length time.Duration) (*window, error) {
	before, err := p.metrics()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	bounded, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	w := &window{}
	if w.load, err = search(bounded, p.address, connections); err != nil {
		return nil, err
	}
	if err := p.drained(ctx); err != nil {
		return nil, err
	}
	w.until = time.Since(begun)
	after, err := p.metrics()
	if err != nil {
		return nil, err
	}
	w.cpu = time.Duration((after[cpuSeconds] - before[cpuSeconds]) * float64(time.Second))
	w.syncs = after[fsyncs] - before[fsyncs]
	return w, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 0 {
		return (values[half-1] + values[half]) / 2
	}
	return values[half]
}

// cost compares searches with and without events, in turn.
func (s *station) cost(ctx context.Context, name string, o shopOptions, reach []float64, inDetail bool) (rows []row, err error) {
	off, err := s.startShop(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, off.stop()) }()
	o.events, o.brokers, o.topic, o.dir = true, s.direct, newTopic(), ""
	on, err := s.startShop(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, on.stop()) }()
	for _, p := range []*shop{off, on} { // warm
		if _, err := s.run(ctx, p, 8, time.Second); err != nil {
			return nil, err
		}
	}
	for i, connections := range []int{8, 64} {
		c, err := s.compare(ctx, off, on, connections)
		if err != nil {
			return nil, err
		}
		at := fmt.Sprintf("%d connections, %s", connections, name)
		rows = append(rows, atLeast("searches/s with events, until all are in Kafka ÷ without, "+at, reach[i], median(c.ratios), c.String()))
		if inDetail {
			rows = append(rows, atMost("processor time of the server added per event, "+at, []float64{40, 25}[i], median(c.added), " µs", ""))
			rows = append(rows, atMost("syncs per search, "+at, []float64{0.4, 0.1}[i], median(c.syncs), "", ""))
			if connections == 64 {
				rows = append(rows, atMost("p99 with events ÷ without, "+at, 2, median(c.tails), "", ""))
			}
		}
	}
	return rows, nil
}

// comparison holds the values of all rounds: searches per second with and without events
// and their ratio, processor time in µs without events and the time that events add, syncs
// per search, and the ratio of the 99th percentiles.
type comparison struct {
	ons, offs, ratios []float64
	cpus, added       []float64
	syncs, tails      []float64
}

func (c *comparison) String() string {
	return fmt.Sprintf("%.0f ÷ %.0f searches/s; %.0f µs of processor time each without events, %.0f µs more with; %.2f syncs each; p99 ratio %.1f",
		median(c.ons), median(c.offs), median(c.cpus), median(c.added), median(c.syncs), median(c.tails))
}

// compare measures off and on alternately, s.rounds times.
func (s *station) compare(ctx context.Context, off, on *shop, connections int) (*comparison, error) {
	c := &comparison{}
	for range s.rounds {
		without, err := s.run(ctx, off, connections, s.window)
		if err != nil {
			return nil, err
		}
		with, err := s.run(ctx, on, connections, s.window)
		if err != nil {
			return nil, err
		}
		c.ratios = append(c.ratios, with.perSecond()/without.perSecond())
		c.offs, c.ons = append(c.offs, without.perSecond()), append(c.ons, with.perSecond())
		c.added = append(c.added, float64((with.cpuPerSearch()-without.cpuPerSearch()).Nanoseconds())/1000)
		c.cpus = append(c.cpus, float64(without.cpuPerSearch().Nanoseconds())/1000)
		c.syncs = append(c.syncs, with.syncs/float64(with.searches))
		c.tails = append(c.tails, float64(with.percentile(99))/float64(without.percentile(99)))
	}
	return c, nil
}

// startForwarded starts and warms up a server behind the forwarder. The server must be
// stopped, even after an error.
func (s *station) startForwarded(ctx context.Context) (*shop, error) {
	p, err := s.startShop(ctx, shopOptions{index: "memory", work: 300 * time.Microsecond, events: true, brokers: s.forwarded, topic: newTopic(), maxBytes: 20 << 30})
	if err != nil {
		return nil, err
	}
	_, err = s.run(ctx, p, 64, 2*time.Second)
	return p, err
}

// stopped compares searches while Kafka is stopped, and until a minute after its return,
// with searches while it works.
func (s *station) stopped(ctx context.Context) (rows []row, err error) {
	const away, back = 20 * time.Second, 60 * time.Second
	p, err := s.startForwarded(ctx)
	defer func() { err = errors.Join(err, p.stop()) }()
	if err != nil {
		return nil, err
	}
	before, err := s.searchFor(ctx, p, 20*time.Second)
	if err != nil {
		return nil, err
	}
	bounded, end := context.WithCancel(ctx)
	defer end()
	var ill *load
	group, groupCtx := errgroup.WithContext(bounded)
	group.Go(func() (err error) { ill, err = search(groupCtx, p.address, 64); return err })
	var stopped, started time.Duration // since the searches began
	group.Go(func() error {
		defer end()
		begun := time.Now()
		if err := s.kafka.Stop(); err != nil {
			return err
		}
		stopped = time.Since(begun)
		if err := testbed.Sleep(groupCtx, away); err != nil {
			return err
		}
		if err := s.kafka.Start(groupCtx); err != nil {
			return err
		}
		started = time.Since(begun)
		return testbed.Sleep(groupCtx, back)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := p.drained(ctx); err != nil {
		return nil, err
	}
	after, err := s.searchFor(ctx, p, 20*time.Second)
	if err != nil {
		return nil, err
	}
	well := (before.perSecond() + after.perSecond()) / 2
	return []row{atLeast("searches/s while Kafka is stopped and until 60 s after it is back, the drain running ÷ Kafka well, 64 connections, 300 µs of work", 0.95, ill.perSecond()/well,
		fmt.Sprintf("%.0f ÷ %.0f searches/s; %.0f while it is away, %.0f while it starts, %.0f after; slowest %s", ill.perSecond(), well,
			ill.between(stopped, stopped+away), ill.between(stopped+away, started), ill.between(started, ill.took), ill.percentile(100).Round(time.Millisecond)))}, nil
}

func (s *station) searchFor(ctx context.Context, p *shop, length time.Duration) (*load, error) {
	bounded, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	return search(bounded, p.address, 64)
}

// blackHoled compares the latency of searches while all bytes to and from Kafka vanish with
// the latency while Kafka works.
func (s *station) blackHoled(ctx context.Context) (rows []row, err error) {
	p, err := s.startForwarded(ctx)
	defer func() { err = errors.Join(err, p.stop()) }()
	if err != nil {
		return nil, err
	}
	var ratios, wells, ills []float64
	for range s.rounds {
		well, err := s.searchFor(ctx, p, 10*time.Second)
		if err != nil {
			return nil, err
		}
		s.forwarder.Swallow(true)
		ill, err := s.searchFor(ctx, p, 10*time.Second)
		s.forwarder.Swallow(false)
		if err != nil {
			return nil, err
		}
		if err := p.drained(ctx); err != nil {
			return nil, err
		}
		wells, ills = append(wells, well.percentile(99).Seconds()*1000), append(ills, ill.percentile(99).Seconds()*1000)
		ratios = append(ratios, ills[len(ills)-1]/wells[len(wells)-1])
	}
	return []row{atMost("p99 of a search with Kafka black-holed ÷ well, 64 connections, 300 µs of work", 1.2, median(ratios), "",
		fmt.Sprintf("%.1f ÷ %.1f ms", median(ills), median(wells)))}, nil
}

// appends runs the benchmark of package wal, which lies beside the code.
func appends(ctx context.Context) ([]row, error) {
	output, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "Append", "-benchtime", "1x", "./infrastructure/wal").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	values := map[string]float64{}
	fields := strings.Fields(string(output))
	for i, unit := range fields {
		if i > 0 {
			if value, err := strconv.ParseFloat(fields[i-1], 64); err == nil {
				values[unit] = value
			}
		}
	}
	return []row{atLeast("spool append, 64 writers ÷ bare zeroed file + fdatasync of the same groups", 0.8, values["append/bare"],
		fmt.Sprintf("%.0f ÷ %.0f records/s of 2.1 kB; %.2f syncs each", values["append/s"], values["bare/s"], values["syncs/record"]))}, nil
}

// drain compares the speed of emptying a full spool with the speed of sarama alone.
func (s *station) drain(ctx context.Context) (rows []row, err error) {
	const events = 100_000
	value := make([]byte, 2000)
	for i := range value {
		value[i] = byte('a' + i%26)
	}
	headers := make([]mq.Header, 16)
	for i := range headers {
		headers[i] = mq.Header{Key: "ce_header" + strconv.Itoa(i), Value: []byte("a value of the usual size")}
	}
	var ratios, ours, bares []float64
	for range s.rounds {
		dir, err := s.folder()
		if err != nil {
			return nil, err
		}
		if err := fillSpool(dir, events, value, headers); err != nil {
			return nil, err
		}
		bare, err := s.bareSend(events, value, headers)
		if err != nil {
			return nil, err
		}
		took, err := s.drainSpool(ctx, dir)
		if err != nil {
			return nil, err
		}
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		ratios = append(ratios, bare.Seconds()/took.Seconds())
		ours, bares = append(ours, events/took.Seconds()), append(bares, events/bare.Seconds())
	}
	return []row{atLeast("drain rate, opening and connecting included ÷ bare SendMessages of 1,000 to the same broker", 0.8, median(ratios),
		fmt.Sprintf("%.0f ÷ %.0f events/s of 2.9 kB", median(ours), median(bares)))}, nil
}

// fillSpool leaves events in a spool, like a shop whose Kafka is away.
func fillSpool(dir string, events int, value []byte, headers []mq.Header) error {
	c, err := shopOptions{dir: dir, topic: "filled"}.config()
	if err != nil {
		return err
	}
	c.MQ.Durability = "os"
	spool, err := application.OpenEvents(filepath.Join(dir, "spool"), c, quiet)
	if err != nil {
		return err
	}
	for i := range events {
		if _, err := spool.SendEvent(fmt.Sprint("key ", i%1000), value, headers...); err != nil {
			return errors.Join(err, spool.Close(ended))
		}
	}
	return spool.Close(ended)
}

// drainSpool sends the events of fillSpool to a new topic and measures the time.
func (s *station) drainSpool(ctx context.Context, dir string) (took time.Duration, err error) {
	c, err := shopOptions{dir: dir, topic: newTopic(), brokers: s.direct}.config()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	spool, err := application.OpenEvents(filepath.Join(dir, "spool"), c, quiet)
	if err != nil {
		return 0, err
	}
	err = spool.Empty(ctx)
	took = time.Since(begun)
	return took, errors.Join(err, spool.Close(ctx))
}

var quiet = slog.New(slog.DiscardHandler)

// ended is a cancelled context: Close doesn't wait.
var ended = func() context.Context {
	ctx, end := context.WithCancel(context.Background())
	end()
	return ctx
}()

// bareSend connects and sends the same number of equal records by sarama alone, with the
// same settings.
func (s *station) bareSend(events int, value []byte, headers []mq.Header) (time.Duration, error) {
	topic := newTopic()
	if err := s.kafka.WithAdmin(func(admin sarama.ClusterAdmin) error {
		return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false)
	}); err != nil {
		return 0, err
	}
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	begun := time.Now()
	producer, err := sarama.NewSyncProducer([]string{s.direct}, config)
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	recordHeaders := make([]sarama.RecordHeader, len(headers))
	for i, h := range headers {
		recordHeaders[i] = sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value}
	}
	for from := 0; from < events; from += 1000 {
		batch := make([]*sarama.ProducerMessage, 1000)
		for i := range batch {
			batch[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint("key ", (from+i)%1000)), Value: sarama.ByteEncoder(value), Headers: recordHeaders, Timestamp: begun}
		}
		if err := producer.SendMessages(batch); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// memory compares a server's memory while a million events wait with its memory while none
// wait.
func (s *station) memory(ctx context.Context) (rows []row, err error) {
	const events = 1_000_000
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	o := shopOptions{index: "memory", events: true, brokers: "127.0.0.1:1", topic: newTopic(), dir: dir, maxBytes: 20 << 30}
	p, err := s.startShop(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := s.searchFor(ctx, p, time.Second); err != nil {
		return nil, err
	}
	none, err := p.metrics()
	if err != nil {
		return nil, err
	}
	var most float64
	for {
		if _, err := s.searchFor(ctx, p, 2*time.Second); err != nil {
			return nil, err
		}
		m, err := p.metrics()
		if err != nil {
			return nil, err
		}
		most = max(most, m[resident])
		if m[waiting] >= events {
			break
		}
	}
	size, err := folderSize(filepath.Join(dir, "spool"))
	if err != nil {
		return nil, err
	}
	return []row{atMost("memory while 1,000,000 events wait, more than with none", 200, (most-none[resident])/(1<<20), " MB",
		fmt.Sprintf("%.0f and %.0f MB resident; %.1f GB on disk", most/(1<<20), none[resident]/(1<<20), float64(size)/(1<<30)))}, nil
}

func folderSize(dir string) (size int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
	}
	return size, err
}
