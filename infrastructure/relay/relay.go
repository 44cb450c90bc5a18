// Package relay sends to Kafka what waits in the database. Relay moves the catalogue's changes
// from the outbox to their topic; every instance of a shop runs one, and a lease in the database
// lets one of them work at a time. DeadLetters sends what handlers have rejected. The package
// knows neither database nor Kafka.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

const (
	// pollEvery is how soon a change of another process is published.
	pollEvery = 200 * time.Millisecond
	// leaseTime is how long an instance leads unless it prolongs that. After a kill, so
	// much time passes until another one takes over.
	leaseTime = 10 * time.Second
	// prolongBefore is the rest of the lease at which it is prolonged. Nothing is sent
	// without so much time left.
	prolongBefore = 6 * time.Second
	// batchSize is the number of changes that are read and sent at once.
	batchSize = 1000
	// pause is the mean pause after a failure, and before the next try to lead.
	pause = time.Second
)

// Producer sends to a topic, as spool.Broker describes these methods.
type Producer interface {
	Partitions(ctx context.Context) (int32, error)
	Deliver(ctx context.Context, records []*mq.Record, partitions int32, report func(record *mq.Record, rejection error)) (left []*mq.Record, err error)
}

// Topic is the topic of changes.
type Topic interface {
	Producer
	// Last returns the newest record of each partition.
	Last(ctx context.Context) ([]*mq.Record, error)
	// Read calls handle for each record that the topic has.
	Read(ctx context.Context, handle func(*mq.Record) error) error
}

// Relay moves changes from an outbox to a topic, at least once and in the order of their
// versions. A change that Kafka rejects for good is logged, counted and dropped; the book's
// next change is published again.
type Relay struct {
	outbox gateway.Outbox
	topic  Topic
	log    *slog.Logger
	holder string
	wake   chan struct{}

	failing bool // since a failure that was logged

	published, rejected atomic.Int64
}

// New returns a relay. Run runs it.
func New(outbox gateway.Outbox, topic Topic, log *slog.Logger) *Relay {
	return &Relay{outbox: outbox, topic: topic, log: log, holder: uuid.NewString(), wake: make(chan struct{}, 1)}
}

// Wake says that there is something to publish.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Published counts the changes that Kafka acknowledged, Rejected those that it rejected.
func (r *Relay) Published() int64 { return r.published.Load() }
func (r *Relay) Rejected() int64  { return r.rejected.Load() }

// Run publishes until ctx ends. It logs the first failure of a series.
func (r *Relay) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.lead(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !r.failing && model.ErrorCode(err) != model.UnavailableNow { // the database has logged those
			r.failing = true
			r.log.Warn("changes of the catalogue can't be published; retrying", "error", err)
		}
		sleep(ctx, pause/2+rand.N(pause))
	}
}

// works notes that changes are published, and logs that after a failure.
func (r *Relay) works() {
	if r.failing {
		r.failing = false
		r.log.Info("changes of the catalogue are published again")
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// term is the time for which this relay leads.
type term struct {
	*Relay
	lease      gateway.Lease
	until      time.Time
	highest    int64 // the highest version published
	generation model.Generation
	reading    sync.WaitGroup // for ahead
}

// lead publishes for as long as this relay has the lease, if it gets it. After a failure it
// gives the lease back: another instance may reach Kafka.
func (r *Relay) lead(ctx context.Context) (err error) {
	t := &term{Relay: r}
	if led, err := t.prolong(ctx); err != nil || !led {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer t.reading.Wait()
	defer stop()
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), pause)
		defer cancel()
		err = errors.Join(err, r.outbox.Resign(bounded, t.lease))
	}()
	if err := t.begin(ctx); err != nil {
		return err
	}
	oldest := func() ([]*model.Change, error) { return r.outbox.PendingChanges(ctx, 0, batchSize) }
	for read := oldest; ; {
		if led, err := t.prolong(ctx); err != nil || !led {
			return err
		}
		changes, err := read()
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			r.works()
			select {
			case <-ctx.Done():
				return nil
			case <-r.wake:
			case <-time.After(pollEvery):
			}
			read = oldest
			continue
		}
		if changes[0].Version < t.highest { // versions went back
			t.highest = 0
			if err := t.begin(ctx); err != nil {
				return err
			}
			read = oldest
			continue // begin may have changed the versions
		}
		last := changes[len(changes)-1].Version
		if read = oldest; len(changes) == batchSize { // there is more
			read = t.ahead(ctx, last)
		}
		if err := t.publish(ctx, changes); err != nil {
			return err
		}
		t.highest = last
		r.works()
	}
}

// ahead reads the changes behind those that are being published.
func (t *term) ahead(ctx context.Context, after int64) (wait func() ([]*model.Change, error)) {
	var changes []*model.Change
	var err error
	t.reading.Go(func() { changes, err = t.outbox.PendingChanges(ctx, after, batchSize) })
	return func() ([]*model.Change, error) {
		t.reading.Wait()
		return changes, err
	}
}

// prolong takes the lease, or prolongs it when it is about to end. A new epoch means that
// it was over in between: then the term ends.
func (t *term) prolong(ctx context.Context) (ok bool, err error) {
	asked := time.Now()
	if t.until.Sub(asked) > prolongBefore {
		return true, nil
	}
	lease, ok, err := t.outbox.Lead(ctx, t.holder, leaseTime)
	if err != nil || !ok {
		return ok, err
	}
	if t.until.IsZero() {
		t.lease = lease
	}
	t.until = asked.Add(leaseTime)
	return lease == t.lease, nil
}

// begin makes sure that new versions lie above those in the topic, and that the topic has no
// change that the database lacks. Both fail if the database was restored from a backup. Then
// the books of these changes are published again as they are now, in a new generation.
func (t *term) begin(ctx context.Context) error {
	if _, err := t.topic.Partitions(ctx); err != nil { // creates the topic
		return err
	}
	last, err := t.topic.Last(ctx)
	if err != nil {
		return err
	}
	var newest []*model.Change
	seen := int64(0)
	for _, record := range last {
		if c := changeOf(record); c != nil {
			newest = append(newest, c)
			seen = max(seen, c.Version)
		}
	}
	generation, highest, err := t.outbox.Generation(ctx)
	if err != nil {
		return err
	}
	t.generation = generation
	known := highest // no change of the topic up to this version is lost
	if seen > highest {
		// What waits may have been written after the restoring, with versions that the topic
		// has for other changes.
		if waiting, err := t.outbox.ChangesAfter(ctx, 0, 1); err != nil {
			return err
		} else if len(waiting) > 0 {
			known = min(known, waiting[0].Version-1)
		}
	} else if lost, err := t.lost(ctx, newest); err != nil || !lost {
		return err
	} else {
		known = 0
	}
	t.log.Warn("the database lacks changes that the topic has, so it was probably restored from a backup; a new generation begins",
		"topic_version", seen, "database_version", highest)
	return t.raise(ctx, known)
}

// lost reports whether a change of the topic is newer than its book. Then the versions went
// back, and have grown beyond those of the topic since. A book that doesn't exist shows
// nothing: another program may have deleted it.
func (t *term) lost(ctx context.Context, newest []*model.Change) (bool, error) {
	ids := make([]uint, len(newest))
	for i, c := range newest {
		ids[i] = c.BookID
	}
	versions, err := t.outbox.Versions(ctx, ids)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(newest, func(c *model.Change) bool {
		version, exists := versions[c.BookID]
		return exists && version < c.Version
	}), nil
}

// raise begins a new generation and publishes the books of all changes above the version
// known again.
func (t *term) raise(ctx context.Context, known int64) error {
	newer, seen := map[uint]bool{}, int64(0)
	err := t.topic.Read(ctx, func(record *mq.Record) error {
		if c := changeOf(record); c != nil && c.Version > known {
			newer[c.BookID] = true
			seen = max(seen, c.Version)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.outbox.Raise(ctx, seen, slices.Sorted(maps.Keys(newer))); err != nil {
		return err
	}
	t.generation, _, err = t.outbox.Generation(ctx)
	return err
}

// maxVersion is more than a catalogue ever reaches.
const maxVersion = 1 << 53

// changeOf returns the change of a record, or nil if it has none. A version that is too high
// is damaged or forged; to go on above it would use up the numbers.
func changeOf(record *mq.Record) *model.Change {
	c, err := model.DecodeChangeHead(record.Key, record.Headers, record.Value)
	if err != nil || c.Version > maxVersion {
		return nil
	}
	return c
}

// publish sends changes and removes them from the outbox. After a failure it removes those
// that Kafka has taken: if the line is so slow that the lease ends, the next term begins
// behind them.
func (t *term) publish(ctx context.Context, changes []*model.Change) error {
	records, err := t.records(changes)
	if err != nil {
		return err
	}
	sending, cancel := context.WithDeadlineCause(ctx, t.until, gateway.ErrLeaseOver)
	defer cancel()
	partitions, err := t.topic.Partitions(sending)
	if err != nil {
		return err
	}
	rejected := map[string]bool{} // a deletion has two records
	report := func(record *mq.Record, rejection error) {
		if rejection != nil {
			rejected[record.Key] = true
			t.log.Error("Kafka rejects a change of the catalogue", "book", record.Key, "bytes", len(record.Value), "error", rejection)
		}
	}
	for len(records) > 0 && err == nil {
		records, err = t.topic.Deliver(sending, records, partitions, report)
	}
	left := make(map[string]bool, len(records)) // a batch has a book once
	for _, record := range records {
		left[record.Key] = true
		delete(rejected, record.Key)
	}
	if len(left) > 0 {
		changes = slices.DeleteFunc(slices.Clone(changes), func(c *model.Change) bool { return left[c.Key()] })
	}
	if len(changes) == 0 {
		return err
	}
	if settleErr := t.outbox.Settle(ctx, t.lease, changes); settleErr != nil {
		return errors.Join(err, settleErr)
	}
	t.rejected.Add(int64(len(rejected)))
	t.published.Add(int64(len(changes) - len(rejected)))
	return err
}

func (t *term) records(changes []*model.Change) ([]*mq.Record, error) {
	records := make([]*mq.Record, 0, len(changes))
	for _, c := range changes {
		value, headers, err := c.Encode(t.generation)
		if err != nil {
			return nil, fmt.Errorf("publish changes: %w", err)
		}
		records = append(records, &mq.Record{Key: c.Key(), Value: value, Time: c.Time, Headers: headers})
		if c.Kind == model.BookDeleted {
			records = append(records, &mq.Record{Key: c.Key(), Time: c.Time, Headers: c.Tombstone(t.generation)})
		}
	}
	return records, nil
}
