//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"literank.com/event-books/bench/testbed"
)

// station is a Kafka with faults, and the load for the shop.
type station struct {
	// brokers are the addresses for the shop. direct are the addresses for the
	// judge, which faults of the network don't affect.
	brokers, direct []string
	faults          []fault
	keywords        []string
	clients         int
	rate            float64 // searches per second
	least           int     // answers that each keyword needs
	backlog         int     // records that must wait at a kill while Kafka is away
	// drain bounds the time for all events to arrive after Kafka has recovered. If
	// nothing waits and nothing has arrived for the time quiet, the missing events
	// count as lost.
	drain, quiet time.Duration
	dir          string // for programs, data folders and logs
}

const (
	baseTopic = "lr-book-searches"
	// spoolRecords is the shop's metric of waiting records.
	spoolRecords = "event_books_spool_records"
	// pileTimeout bounds the time until enough records wait.
	pileTimeout = 3 * time.Minute
	// readTimeout bounds the time until Kafka returns the records of a topic.
	readTimeout = time.Minute
)

// subject is a program under test.
type subject struct {
	name, program string
	// control is the program's name in bench/control; empty = the shop.
	control string
}

// trial is one run: a shop with a new data folder and a new topic, and a plan.
type trial struct {
	*station
	subject
	plan *plan
	victim
	shop     *testbed.Shop
	load     *load
	topic    *testbed.TopicReader
	logf     func(string, ...any)
	outcome  outcome
	records  []record
	lastSize int64
	away     bool // Kafka accepts no records
}

// outcome is the result of a run.
type outcome struct {
	verdict
	seed    uint64
	faults  int
	kills   int
	piled   int // kills while at least backlog records waited
	took    []time.Duration
	uptime  time.Duration
	drained time.Duration // from the end of the searches to the last record
	restart time.Duration // the slowest, until searches were answered again
	refused map[string]int
}

// run carries out a plan with a program and then judges the topic. An error means
// that there is no verdict.
func (s *station) run(ctx context.Context, program subject, p *plan) (o outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	name := fmt.Sprintf("%s-%d", program.name, p.seed)
	dir := filepath.Join(s.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return o, err
	}
	output, err := os.Create(filepath.Join(dir, "shop.log"))
	if err != nil {
		return o, err
	}
	defer output.Close()
	prefix := fmt.Sprintf("chaos-%s-%d-", name, time.Now().UnixNano())
	t := &trial{
		station: s, subject: program, plan: p,
		victim: victim{topic: prefix + baseTopic, rng: rand.New(rand.NewPCG(p.seed, 1))},
		logf:   func(format string, arguments ...any) { log.Printf(name+": "+format, arguments...) },
	}
	t.topic = testbed.NewTopicReader(s.direct, t.victim.topic)
	t.shop = testbed.NewShop(program.program, dir, []string{
		"EVENT_BOOKS_MQ_BROKERS=" + strings.Join(s.brokers, ","), "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix, "EVENT_BOOKS_APP_INSTANCE=chaos",
	}, output, cancel)
	t.load = newLoad(t.shop, s.keywords, s.clients, s.rate)
	defer func() {
		_, endErr := t.shop.End(syscall.SIGKILL)
		err = errors.Join(err, endErr)
	}()
	if err := t.shop.Launch(); err != nil {
		return o, err
	}
	if err := t.shop.Ready(ctx); err != nil {
		return o, err
	}
	searching, stopSearching := context.WithCancel(ctx)
	defer stopSearching()
	var clients sync.WaitGroup
	clients.Go(func() { t.load.run(searching, p.seed) })
	if err = t.countPartitions(ctx); err == nil {
		err = t.strikeAll(ctx)
	}
	stopSearching()
	clients.Wait()
	if err == nil {
		err = t.settle(ctx)
	}
	return t.outcome, err
}

// countPartitions waits until the shop has created the topic, at the latest for its
// first event.
func (t *trial) countPartitions(ctx context.Context) error {
	err := testbed.Eventually(ctx, time.Minute, func() error {
		n, err := testbed.PartitionCount(t.direct, t.victim.topic)
		if err == nil {
			t.counts = []int32{n}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the topic: %w", err)
	}
	return nil
}

// strikeAll carries out the plan, then waits until every keyword has enough answers.
func (t *trial) strikeAll(ctx context.Context) error {
	for _, r := range t.plan.rounds {
		if err := t.strike(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.fault.name, err)
		}
	}
	return testbed.Eventually(ctx, 5*time.Minute, func() error {
		if n := t.load.rarest(); n < t.least {
			return fmt.Errorf("a keyword has only %d of %d answers", n, t.least)
		}
		return nil
	})
}

func (t *trial) strike(ctx context.Context, r round) (err error) {
	if err := testbed.Sleep(ctx, r.calm); err != nil {
		return err
	}
	if err := t.killAll(ctx, r.before, 0); err != nil {
		return err
	}
	if _, err := t.waiting(ctx); err != nil {
		return err
	}
	t.logf("%s", r.fault.name)
	t.away = r.fault.away
	begun := time.Now()
	heal, err := r.fault.strike(ctx, &t.victim)
	if err != nil {
		return err
	}
	t.outcome.faults++
	healed := false
	defer func() {
		if !healed { // the next run and the shutdown need a working Kafka
			err = errors.Join(err, heal(context.WithoutCancel(ctx)))
		}
	}()
	piled := 0
	if r.fault.away {
		piled = t.backlog
	}
	if err := t.killAll(ctx, r.during, piled); err != nil {
		return err
	}
	if err := testbed.Sleep(ctx, r.hold-time.Since(begun)); err != nil {
		return err
	}
	waiting, err := t.waiting(ctx)
	if err != nil {
		return err
	}
	t.away, healed = false, true
	if err := heal(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	t.logf("%s ended after %.1f s, %d records waited", r.fault.name, time.Since(begun).Seconds(), waiting)
	return t.killAll(ctx, r.after, 0)
}

// killAll kills and restarts the shop for each kill. With a backlog it first waits
// until that many records wait.
func (t *trial) killAll(ctx context.Context, kills []kill, backlog int) error {
	for _, k := range kills {
		if backlog > 0 {
			err := testbed.Eventually(ctx, pileTimeout, func() error {
				n, err := t.waiting(ctx)
				if err == nil && n < backlog {
					err = fmt.Errorf("only %d records wait", n)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := testbed.Sleep(ctx, k.pause); err != nil {
			return err
		}
		if err := t.kill(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) kill(ctx context.Context, k kill) error {
	waiting, err := t.waiting(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	for i := range k.times() {
		if i > 0 {
			if err := testbed.Sleep(ctx, k.again); err != nil {
				return err
			}
		}
		if _, err := t.shop.End(syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill the shop: %w", err)
		}
		begun = time.Now()
		t.outcome.kills++
		if waiting >= t.backlog { // while the shop is down, the number doesn't change
			t.outcome.piled++
		}
		if err := t.shop.Launch(); err != nil {
			return err
		}
	}
	if err := t.shop.Ready(ctx); err != nil {
		return err
	}
	t.outcome.restart = max(t.outcome.restart, time.Since(begun))
	times := "once"
	if k.again > 0 {
		times = "twice"
	}
	t.logf("killed %s while %d records waited, searches were answered again after %.1f s", times, waiting, time.Since(begun).Seconds())
	return nil
}

// waiting returns the number of waiting records: the shop's own number, or, without
// the spool, an estimate from the answers and the size of the topic.
func (t *trial) waiting(ctx context.Context) (int, error) {
	if t.control != bypass {
		return t.shop.Gauge(ctx, spoolRecords)
	}
	if !t.away {
		if size, err := t.topic.Size(); err == nil { // after an error, keep the last size
			t.lastSize = size
		}
	}
	return max(0, t.load.answered()-int(t.lastSize)), nil
}

// settle waits until every answer is in the topic or nothing more arrives, then stops
// the shop and judges.
func (t *trial) settle(ctx context.Context) (err error) {
	begun, lastNews := time.Now(), time.Now()
	missing := make(map[uuid.UUID]bool, len(t.load.answers))
	for _, a := range t.load.answers {
		missing[a.id] = true
	}
	taken := 0
	for {
		known := len(t.records)
		if err := t.read(ctx); err != nil {
			return err
		}
		if len(t.records) > known {
			lastNews = time.Now()
		}
		for ; taken < len(t.records); taken++ {
			delete(missing, t.records[taken].id)
		}
		waiting := 0
		if t.control != bypass { // bypass has no spool
			if waiting, err = t.shop.Gauge(ctx, spoolRecords); err != nil {
				return err
			}
		}
		if len(missing) == 0 && waiting == 0 {
			break
		}
		if waiting == 0 && time.Since(lastNews) > t.quiet || time.Since(begun) > t.drain {
			t.logf("%d answers are missing, and the shop reports %d waiting records", len(missing), waiting)
			break
		}
		if err := testbed.Sleep(ctx, time.Second/2); err != nil {
			return err
		}
	}
	t.outcome.drained = lastNews.Sub(begun)
	status, err := t.shop.End(syscall.SIGTERM)
	if err != nil {
		return err
	}
	if status != 0 && t.control == "" { // the controls report their losses by their status
		return fmt.Errorf("the shop ended with status %d", status)
	}
	if err := t.read(ctx); err != nil {
		return err
	}
	dead, err := t.deadLetters(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(t.records, func(a, b record) int { return int(a.partition - b.partition) })
	o := &t.outcome
	o.seed, o.uptime, o.refused = t.plan.seed, t.shop.Uptime(), maps.Clone(t.load.refused)
	for _, a := range t.load.answers {
		o.took = append(o.took, a.took)
	}
	o.verdict = judge(t.load.answers, t.records, dead, t.counts)
	return nil
}

// read reads the new records of the topic. It retries, because partitions may still
// be electing a leader.
func (t *trial) read(ctx context.Context) error {
	return testbed.Eventually(ctx, readTimeout, func() error {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		return t.topic.Read(ctx, func(m *sarama.ConsumerMessage) { t.records = append(t.records, toRecord(m)) })
	})
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// deadLetters returns the ids in the dead-letter topic and in the dead-letter file.
func (t *trial) deadLetters(ctx context.Context) (map[uuid.UUID]bool, error) {
	ids := map[uuid.UUID]bool{}
	err := testbed.NewTopicReader(t.direct, t.victim.topic+".dead").Read(ctx, func(m *sarama.ConsumerMessage) {
		if id := toRecord(m).id; id != (uuid.UUID{}) {
			ids[id] = true
		}
	})
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(t.shop.Dir, "data", "spool", "dead-letters.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return ids, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		for _, text := range anyID.FindAllString(lines.Text(), -1) {
			ids[uuid.MustParse(text)] = true
		}
	}
	return ids, lines.Err()
}
