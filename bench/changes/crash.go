//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"literank.com/event-books/bench/testbed"
)

// instances is the number of shops on one database.
const instances = 2

const (
	changeTopic = "lr-book-changes"
	// settleTime bounds the time until all copies agree, after everything runs again. The
	// promise is 10 s after a write of another program; a busy machine gets more.
	settleTime = time.Minute
	// controlTime is the same for a negative control.
	controlTime = 20 * time.Second
)

// station has the servers.
type station struct {
	server  string // DSN of MariaDB
	version string // of that server
	brokers []string
	kafka   *testbed.Kafka // nil: it is never stopped
	dir     string
	rate    float64
	rows    int
	built   map[string]bool // programs
}

// run is one run of the crash suite: a new database, a new topic, and a plan.
type run struct {
	*station
	plan    *plan
	db      *sql.DB
	shops   []*testbed.Shop
	topic   *topicCopy
	journal *journal
	load    *load
	logf    func(string, ...any)
	outcome outcome
}

// outcome is the result of a run.
type outcome struct {
	compared
	seed                             uint64
	kills, away, outages             int // away: kills while Kafka was away
	answered, foreign                int
	imports, killedImports, imported int
	unanswered, reads                int
	lost                             int // answered writes that the database doesn't have
	settle                           time.Duration
	refused                          map[string]int
}

// environ are the settings of an instance.
func environ(number int, dsn string, brokers []string, prefix string) []string {
	return []string{
		"EVENT_BOOKS_DB_DSN=" + dsn, "EVENT_BOOKS_MQ_BROKERS=" + strings.Join(brokers, ","), "EVENT_BOOKS_MQ_TOPIC_PREFIX=" + prefix,
		"EVENT_BOOKS_APP_ADMIN_TOKEN=" + adminToken, fmt.Sprintf("EVENT_BOOKS_APP_INSTANCE=changes-%d", number),
	}
}

// launch starts an instance in a folder of its own. closers kill it.
func (s *station) launch(name, program string, number int, environ []string, closers *testbed.Closers, died func(error)) (*testbed.Shop, error) {
	dir := filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, number))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(dir, "shop.log"))
	if err != nil {
		return nil, err
	}
	closers.Add(output.Close)
	shop := testbed.NewShop(program, dir, environ, output, died)
	closers.Add(func() error { _, err := shop.End(syscall.SIGKILL); return err })
	return shop, shop.Launch()
}

// crash carries out a plan with a program and compares the copies. An error means that
// there is no result.
func (s *station) crash(ctx context.Context, name, program string, p *plan, settle time.Duration) (o outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	name = fmt.Sprintf("%s-%d", name, p.seed)
	prefix := fmt.Sprintf("changes-%s-%d-", name, time.Now().UnixNano())
	r := &run{station: s, plan: p, journal: newJournal(), topic: newTopicCopy(s.brokers, prefix+changeTopic)}
	r.logf = func(format string, arguments ...any) { log.Printf(name+": "+format, arguments...) }
	dsn, db, drop, err := testbed.NewDatabase(ctx, s.server, "changes")
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	r.db = db
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	for i := range instances {
		shop, err := s.launch(name, program, i, environ(i, dsn, s.brokers, prefix), &closers, cancel)
		if err != nil {
			return o, err
		}
		r.shops = append(r.shops, shop)
	}
	for _, shop := range r.shops {
		if err := shop.Ready(ctx); err != nil {
			return o, err
		}
	}
	err = r.carryOut(ctx)
	if err == nil {
		err = r.judge(ctx, settle)
	}
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	return r.outcome, err
}

// lastCalm is the time before the last kill.
const lastCalm = 5 * time.Second

// carryOut does what the plan says while the load runs, and kills one instance at its end.
func (r *run) carryOut(ctx context.Context) (err error) {
	last := int(r.plan.seed % instances)
	r.load = newLoad(r, r.rate, r.rows, r.shops[0].Dir)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	var clients sync.WaitGroup
	var loadErr error
	clients.Go(func() {
		loadErr = r.load.run(loading, r.plan.seed)
		if loadErr != nil {
			r.logf("%v", loadErr)
		}
	})
	if err = testbed.Sleep(ctx, time.Second); err == nil {
		err = r.strikeAll(ctx)
	}
	// The last kill is in the middle of writes, and nothing comes after them. The other
	// instance has been up for a while, so its cache is full.
	if err == nil {
		err = testbed.Sleep(ctx, lastCalm)
	}
	if err == nil {
		err = r.end(last)
	}
	stop()
	clients.Wait()
	if err == nil {
		err = r.start(ctx, last)
	}
	return errors.Join(err, loadErr)
}

func (r *run) strikeAll(ctx context.Context) error {
	for _, round := range r.plan.rounds {
		if err := r.killAll(ctx, round.before); err != nil {
			return err
		}
		if round.hold > 0 && r.kafka != nil {
			if err := r.outage(ctx, round); err != nil {
				return err
			}
		} else if err := r.killAll(ctx, round.during); err != nil {
			return err
		}
		if err := r.killAll(ctx, round.after); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) outage(ctx context.Context, round round) error {
	begun := time.Now()
	if err := r.kafka.Stop(); err != nil {
		return err
	}
	r.outcome.outages++
	before := r.outcome.kills
	err := r.killAll(ctx, round.during)
	r.outcome.away += r.outcome.kills - before
	if err == nil {
		err = testbed.Sleep(ctx, round.hold-time.Since(begun))
	}
	if startErr := r.kafka.Start(context.WithoutCancel(ctx)); startErr != nil {
		return errors.Join(err, startErr)
	}
	r.logf("Kafka was away for %.1f s", time.Since(begun).Seconds())
	return err
}

func (r *run) killAll(ctx context.Context, kills []kill) error {
	for _, k := range kills {
		if err := testbed.Sleep(ctx, k.pause); err != nil {
			return err
		}
		if err := r.kill(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) kill(ctx context.Context, k kill) error {
	if err := r.end(k.victims...); err != nil {
		return err
	}
	if k.again > 0 {
		for _, i := range k.victims {
			if err := r.shops[i].Launch(); err != nil {
				return err
			}
		}
		if err := testbed.Sleep(ctx, k.again); err != nil {
			return err
		}
		if err := r.end(k.victims...); err != nil {
			return err
		}
	}
	return r.start(ctx, k.victims...)
}

// end kills instances.
func (r *run) end(victims ...int) error {
	for _, i := range victims {
		if _, err := r.shops[i].End(syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill instance %d: %w", i, err)
		}
		r.outcome.kills++
	}
	return nil
}

func (r *run) start(ctx context.Context, victims ...int) error {
	for _, i := range victims {
		if err := r.shops[i].Launch(); err != nil {
			return err
		}
	}
	for _, i := range victims {
		if err := r.shops[i].Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// judge waits until all copies agree, or the time is over, and then looks for the answered
// writes.
func (r *run) judge(ctx context.Context, settle time.Duration) error {
	begun := time.Now()
	err := testbed.Eventually(ctx, settle, func() error { return settled(ctx, r.db) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	unsettled := err
	r.logf("the outbox is empty after %.1f s", time.Since(begun).Seconds())
	r.journal.mu.Lock()
	seen := slices.Collect(maps.Keys(r.journal.books))
	r.journal.mu.Unlock()
	var result *compared
	var truth map[uint]stored
	for {
		if result, truth, err = r.compare(ctx, seen); err != nil {
			return err
		}
		r.outcome.settle = time.Since(begun)
		if result.unequal() == 0 || r.outcome.settle > settle {
			break
		}
		if err := testbed.Sleep(ctx, time.Second/2); err != nil {
			return err
		}
	}
	o := &r.outcome
	o.compared = *result
	if unsettled != nil {
		o.note(&o.totals, "%v", unsettled)
	}
	r.judgeWrites(truth)
	l := r.load
	o.seed, o.answered, o.foreign, o.refused = r.plan.seed, r.journal.answered()-l.foreign, l.foreign, l.refused
	o.imports, o.killedImports, o.imported, o.unanswered, o.reads = l.imports, l.killedImports, l.imported, l.unanswered, l.reads
	return nil
}

// judgeWrites looks for every answered write in the database.
func (r *run) judgeWrites(truth map[uint]stored) {
	o, j := &r.outcome, r.journal
	valuesOf := func(id uint) map[string]string {
		if s, there := truth[id]; there {
			return s.values()
		}
		return nil
	}
	bookOf := map[string]uint{}
	for id, s := range truth {
		if s.row != "" {
			bookOf[s.row] = id
		}
	}
	for id, writes := range j.books {
		if _, imported := j.rowOf[id]; imported {
			continue // judged with its row
		}
		if problem := judge(writes, valuesOf(id)); problem != "" {
			o.note(&o.lost, "lost: book %d: %s", id, problem)
		}
	}
	for row := range j.imports {
		if problem := j.judgeRow(row, bookOf[row], valuesOf(bookOf[row])); problem != "" {
			o.note(&o.lost, "lost: row %s: %s", row, problem)
		}
	}
}

// String is the line for the log.
func (o outcome) String() string {
	text := fmt.Sprintf("%d kills, %d of them while Kafka was away, which was stopped %d times; %d answered writes, %d by another program, %d imports of %d rows in all and %d killed ones; "+
		"%d unanswered writes, %d reads; %d books and %d deleted, %d records; settled after %.1f s; topic unequal %d, API %d, search %d, totals %d, lost %d; refused %v",
		o.kills, o.away, o.outages, o.answered, o.foreign, o.imports, o.imported, o.killedImports,
		o.unanswered, o.reads, o.books, o.deleted, o.records, o.settle.Seconds(), o.topic, o.api, o.search, o.totals, o.lost, o.refused)
	return strings.Join(append([]string{text}, o.details...), "\n\t")
}
