//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"literank.com/event-books/bench/testbed"
)

const (
	searchTopic = "lr-book-searches"
	clickTopic  = "lr-book-clicks"
	// partitions is more than the consumers, so each of them gets some.
	partitions = 6
	// frozenFor is longer than a group waits for a silent member (10 s).
	frozenFor = 11 * time.Second
	// settleTimeout bounds the time until everything is counted, once all processes run.
	settleTimeout = 5 * time.Minute
	// joinTimeout bounds the time until a consumer has partitions, while others are killed and
	// brokers are away.
	joinTimeout = 3 * time.Minute

	spoolRecords = "event_books_spool_records"
	lagRecords   = "event_books_consumer_lag_records"
)

// station has brokers with faults, and databases.
type station struct {
	name    string   // for the table
	servers []string // with their versions, unless they are part of the program
	// brokers are the addresses for the shops; direct lead past the faults of the network.
	brokers, direct []string
	faults          []fault
	// instances is the number of shops. They and all consumers share a database.
	instances int
	database  func(ctx context.Context, dir string) (dsn string, db *sql.DB, drop func() error, err error)
	oneDir    bool // they share a folder, too
	catalog   string
	keywords  []string
	clients   int
	rate      float64 // most requests per second
	dir       string
}

// processes is the number of processes that may be killed.
func (s *station) processes() int { return s.instances + 1 }

// subject is a program under test.
type subject struct {
	name, program string
	control       bool // without the windows: copies must count
}

// run is one run: an empty database, new topics, and a plan.
type run struct {
	*station
	subject
	plan    *plan
	rng     *rand.Rand // for faults
	prefix  string
	db      *sql.DB
	shops   []*testbed.Shop // answer requests; the first one counts, too
	victims []*testbed.Shop // the shops, and a consumer alone
	guest   *testbed.Shop
	load    *load
	logf    func(string, ...any)
	outcome outcome
}

// outcome is the result of a run.
type outcome struct {
	verdict
	kills, rebalances, faults int
	settled                   time.Duration // from the last fault until everything was counted
	took                      time.Duration
	unanswered                int
	refused                   map[string]int
}

// run carries out a plan with a program. An error means that there is no verdict.
func (s *station) run(ctx context.Context, of subject, p *plan) (o outcome, err error) {
	begun := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	name := fmt.Sprintf("%s-%d", of.name, p.seed)
	r := &run{
		station: s, subject: of, plan: p, rng: rand.New(rand.NewPCG(p.seed, 1)), prefix: fmt.Sprintf("counting-%s-%d-", name, begun.UnixNano()),
		logf: func(format string, arguments ...any) { log.Printf(name+": "+format, arguments...) },
	}
	var closers testbed.Closers
	defer func() { err = errors.Join(err, closers.Close()) }()
	if err := r.open(ctx, filepath.Join(s.dir, name), cancel, &closers); err != nil {
		return o, errors.Join(err, context.Cause(ctx))
	}
	if err = r.carryOut(ctx); err == nil {
		err = r.judge(ctx)
	}
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	r.outcome.took = time.Since(begun)
	return r.outcome, err
}

// open creates the database and starts all processes but the guest.
func (r *run) open(ctx context.Context, dir string, died func(error), closers *testbed.Closers) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	dsn, db, drop, err := r.database(ctx, dir)
	if err != nil {
		return err
	}
	closers.Add(drop)
	r.db = db
	if dsn != "" {
		if _, err := testbed.Import(ctx, r.program, dir, dsn, r.catalog); err != nil {
			return err
		}
	}
	process := func(name string, arguments ...string) (*testbed.Shop, error) {
		return r.newProcess(dir, name, dsn, arguments, died, closers)
	}
	for i := range r.instances {
		arguments := []string{"all"}
		if i > 0 {
			arguments = []string{"web"}
		}
		shop, err := process(fmt.Sprintf("shop-%d", i+1), arguments...)
		if err != nil {
			return err
		}
		r.shops = append(r.shops, shop)
	}
	consumer, err := process("consumer", "trends")
	if err != nil {
		return err
	}
	r.victims = append(append(r.victims, r.shops...), consumer)
	if r.guest, err = process("guest", "trends"); err != nil {
		return err
	}
	for _, shop := range r.shops {
		if err := shop.Launch(); err != nil {
			return err
		}
		if err := shop.Ready(ctx); err != nil {
			return err
		}
	}
	r.load = newLoad(r.shops, r.keywords, r.clients, r.rate)
	return consumer.Launch()
}

// newProcess prepares a process. closers kill it.
func (r *run) newProcess(dir, name, dsn string, arguments []string, died func(error), closers *testbed.Closers) (*testbed.Shop, error) {
	output, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	closers.Add(output.Close)
	folder := dir
	if !r.oneDir {
		folder = filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, err
		}
	}
	process := testbed.NewShop(r.program, folder, []string{
		"EVENT_BOOKS_DB_DSN=" + dsn, "EVENT_BOOKS_MQ_BROKERS=" + strings.Join(r.brokers, ","), fmt.Sprintf("EVENT_BOOKS_MQ_PARTITIONS=%d", partitions),
		"EVENT_BOOKS_MQ_TOPIC_PREFIX=" + r.prefix, "EVENT_BOOKS_MQ_GROUP_PREFIX=" + r.prefix,
		"EVENT_BOOKS_APP_INSTANCE=" + name, "EVENT_BOOKS_APP_TRUSTED_PROXIES=127.0.0.1",
	}, output, died)
	process.Arguments = arguments
	closers.Add(func() error { _, err := process.End(syscall.SIGKILL); return err })
	return process, nil
}

// carryOut does what the plan says, while visitors search and records are sent once more.
// Then it waits until everything is counted.
func (r *run) carryOut(ctx context.Context) error {
	copies := newCopier(r.direct, r.plan.seed, r.prefix+searchTopic, r.prefix+clickTopic)
	busy, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	background.Go(func() { r.load.run(busy, r.plan.seed) })
	background.Go(func() { copies.run(busy) })
	err := r.strikeAll(ctx)
	stop()
	background.Wait()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.outcome.settled = time.Since(begun)
	// Whatever was counted comes once more.
	if err := testbed.Eventually(ctx, time.Minute, func() error { return copies.send(ctx, copiesAtTheEnd) }); err != nil {
		return err
	}
	return r.settle(ctx)
}

func (r *run) strikeAll(ctx context.Context) error {
	if err := r.waitForClicks(ctx); err != nil {
		return err
	}
	for _, round := range r.plan.rounds {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return r.strike(ctx, round) })
		if round.guest != nil {
			group.Go(func() error { return r.receive(ctx, round.guest) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return testbed.Eventually(ctx, time.Minute, r.load.complete)
}

// waitForClicks waits until both topics have records and visitors have clicked.
func (r *run) waitForClicks(ctx context.Context) error {
	const least = 20
	return testbed.Eventually(ctx, time.Minute, func() (err error) {
		for _, topic := range []string{searchTopic, clickTopic} {
			size, sizeErr := testbed.NewTopicReader(r.direct, r.prefix+topic).Size()
			if sizeErr == nil && size < least {
				sizeErr = fmt.Errorf("%s has only %d records", topic, size)
			}
			err = errors.Join(err, sizeErr)
		}
		return err
	})
}

// strike carries out a fault with the kills around it.
func (r *run) strike(ctx context.Context, round round) (err error) {
	if err := testbed.Sleep(ctx, round.calm); err != nil {
		return err
	}
	if err := r.killAll(ctx, round.before); err != nil {
		return err
	}
	if round.fault < 0 {
		return errors.Join(r.killAll(ctx, round.during), r.killAll(ctx, round.after))
	}
	f := r.faults[round.fault]
	begun := time.Now()
	heal, err := f.strike(r.rng)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	r.outcome.faults++
	err = r.killAll(ctx, round.during)
	if err == nil {
		err = testbed.Sleep(ctx, round.hold-time.Since(begun))
	}
	if healErr := heal(context.WithoutCancel(ctx)); err != nil || healErr != nil {
		return fmt.Errorf("%s: %w", f.name, errors.Join(err, healErr))
	}
	r.logf("%s for %.1f s", f.name, time.Since(begun).Seconds())
	return r.killAll(ctx, round.after)
}

// killAll kills processes one after the other, and starts them again.
func (r *run) killAll(ctx context.Context, kills []kill) error {
	for _, k := range kills {
		if err := testbed.Sleep(ctx, k.pause); err != nil {
			return err
		}
		victim := r.victims[k.victim]
		for i := range k.times() {
			if i > 0 {
				if err := testbed.Sleep(ctx, k.again); err != nil {
					return err
				}
			}
			if _, err := victim.End(syscall.SIGKILL); err != nil {
				return fmt.Errorf("kill process %d: %w", k.victim+1, err)
			}
			r.outcome.kills++
			if err := victim.Launch(); err != nil {
				return err
			}
		}
		if k.victim < len(r.shops) {
			if err := victim.Ready(ctx); err != nil {
				return err
			}
		}
		r.logf("killed process %d, %d times", k.victim+1, k.times())
	}
	return nil
}

// receive starts the guest, which joins the group, and ends it after its visit.
func (r *run) receive(ctx context.Context, v *visit) error {
	if err := r.guest.Launch(); err != nil {
		return err
	}
	err := testbed.Eventually(ctx, joinTimeout, func() error {
		_, err := r.guest.Gauge(ctx, lagRecords) // of partitions that it has
		return err
	})
	if err == nil {
		err = testbed.Sleep(ctx, v.stay)
	}
	if err == nil && v.frozen > 0 {
		err = r.freeze(ctx, v.frozen)
		if err == nil {
			err = testbed.Sleep(ctx, v.stay)
		}
	}
	if err != nil {
		return fmt.Errorf("a further consumer: %w", err)
	}
	status, err := r.guest.End(syscall.SIGTERM)
	if err == nil && status != 0 {
		err = fmt.Errorf("it ended with status %d", status)
	}
	if err != nil {
		return fmt.Errorf("a further consumer: %w", err)
	}
	r.outcome.rebalances++
	r.logf("a further consumer came and went; it was frozen for %s", v.frozen)
	return nil
}

// freeze stops the guest's process for a time.
func (r *run) freeze(ctx context.Context, d time.Duration) error {
	if err := r.guest.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return errors.Join(testbed.Sleep(ctx, d), r.guest.Signal(syscall.SIGCONT))
}

// settle waits until nothing waits in a spool, and the consumers have handled all records.
func (r *run) settle(ctx context.Context) error {
	err := testbed.Eventually(ctx, settleTimeout, func() error {
		for i, shop := range r.shops {
			if n, err := shop.Gauge(ctx, spoolRecords); err != nil || n > 0 {
				return errors.Join(err, fmt.Errorf("%d records wait in shop %d", n, i+1))
			}
		}
		for _, topic := range []string{searchTopic, clickTopic} {
			size, err := testbed.NewTopicReader(r.direct, r.prefix+topic).Size()
			if err != nil {
				return err
			}
			var handled int64
			err = r.db.QueryRowContext(ctx, "SELECT COALESCE(SUM(next_record), 0) FROM consumer_positions WHERE stream = '"+r.prefix+topic+"'").Scan(&handled)
			if err != nil {
				return fmt.Errorf("read the positions: %w", err)
			}
			if handled < size {
				return fmt.Errorf("%d of %d records of %s are handled", handled, size, topic)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait until everything is counted: %w", err)
	}
	return nil
}

// judge ends all processes, and compares.
func (r *run) judge(ctx context.Context) error {
	truth, err := readTruth(ctx, r.direct, r.prefix+searchTopic, r.prefix+clickTopic)
	if err != nil {
		return err
	}
	var complete string
	if !r.control {
		complete = r.completeness(ctx, len(truth.searches))
	}
	for i, process := range r.victims {
		status, err := process.End(syscall.SIGTERM)
		if err == nil && status != 0 {
			err = fmt.Errorf("it ended with status %d", status)
		}
		if err != nil {
			return fmt.Errorf("stop process %d: %w", i+1, err)
		}
	}
	counts, err := readCounts(ctx, r.db)
	if err != nil {
		return err
	}
	r.outcome.verdict = judge(r.load, truth, counts)
	r.outcome.complete, r.outcome.unanswered, r.outcome.refused = complete, r.load.unanswered, r.load.refused
	return nil
}

// completeness returns what the first shop says of it. It comes from reports of each second, so
// this waits until the shop knows all events, if it ever does.
func (r *run) completeness(ctx context.Context, events int) (text string) {
	_ = testbed.Eventually(ctx, time.Minute/2, func() error {
		url, _, err := r.shops[0].Address(ctx)
		if err != nil {
			return err
		}
		response, err := http.Get(url + "/api/trends")
		if err != nil {
			return err
		}
		response.Body.Close()
		text = response.Header.Get("X-Completeness")
		return complete(text, events)
	})
	return text
}
