// Package spool keeps events on disk until the message broker acknowledges
// them. It knows the broker only through the interface Broker, and doesn't know
// what events say.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/mq"
	"literank.com/event-books/infrastructure/wal"
)

var _ mq.Helper = (*Spool)(nil)

// ErrInUse: another process has the spool's folder.
var ErrInUse = wal.ErrInUse

const (
	// DefaultBytes is the default bound of a spool's files.
	DefaultBytes = 2 << 30
	// MinBytes is the smallest bound.
	MinBytes = 3 * wal.DefaultSegment
)

var errSpoolClosed = errors.New("the spool is closed")

// Spool is the durable mq.Helper. SendEvent returns true once the event is in a
// write-ahead log: it will reach the topic or its dead letters, whatever happens
// to the broker or to this process. A drainer sends what waits in the log, in
// order, including what an earlier process left.
//
// A broker that is away, frozen or slow doesn't slow SendEvent down. SendEvent
// waits for the disk only, and events that arrive at the same time share a sync.
type Spool struct {
	dir     string
	options Options
	source  string
	before  uint64 // events in the log's life before this source
	wal     *wal.Log
	drainer *drainer
	counts  counts
	metrics *metrics

	mu       sync.Mutex // held from numbering an event to its append, so both have the same order
	sequence uint64
	known    uint64 // the highest sequence of an event whose outcome is counted
	closed   bool

	stopDrain context.CancelCauseFunc
	flush     chan struct{} // closed by Close: the drainer then stops lingering
	drained   chan struct{} // closed when the drainer has ended

	stateMu  sync.Mutex
	trouble  string // the logged reason why the spool doesn't accept events
	troubled atomic.Bool
}

// OnFull says what happens to a search if its event finds no space on disk.
type OnFull string

const (
	// Answer answers the search and counts its event as lost.
	Answer OnFull = "answer"
	// Refuse doesn't answer it: SendEvent returns ErrRefused.
	Refuse OnFull = "refuse"
)

// Options say how a spool works. Only Topic and DeadTopic are required.
type Options struct {
	// Topic is the name of the topic of events, which the folder remembers.
	// DeadTopic is the name of the topic of dead letters, for the log.
	Topic, DeadTopic string
	// Name tells the spools of one process apart: it is a label of the metrics, and ends
	// ce_source. The default is the spool of searches, whose ce_source has no such end.
	Name string
	// Instance names this instance in ce_source. The default is the host's name.
	Instance string
	// MaxBytes bounds the files; 0 means DefaultBytes. It is at least MinBytes. A
	// tenth of the disk stays free in any case.
	MaxBytes int64
	// Unsynced leaves it to the operating system when to write to the disk: if
	// the machine crashes, some events are lost.
	Unsynced bool
	// OnFull is Answer by default.
	OnFull OnFull
	// Log takes the changes of state. The default drops them.
	Log *slog.Logger
}

// withDefaults fills what the caller left out.
func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultBytes
	}
	if o.OnFull == "" {
		o.OnFull = Answer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// counts count events since the start.
type counts struct {
	accepted, delivered, unconfirmed, deadLettered, lost, refused atomic.Int64
}

// Open opens the spool in dir, which it creates if it is missing, recovers what
// an earlier process left there and begins to drain. Events go to events, and those
// that it rejects permanently to dead. Open does not wait for the broker. One
// process at a time can use a folder; the error of a second one wraps ErrInUse.
func Open(dir string, events, dead Broker, options Options) (*Spool, error) {
	options = options.withDefaults()
	metrics := newMetrics(options.Name)
	log, err := wal.Open(dir, bounds(dir, options, metrics))
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s, err := start(dir, log, metrics, events, dead, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), log.Close())
	}
	return s, nil
}

// bounds are the options of the spool's log.
func bounds(dir string, options Options, metrics *metrics) wal.Options {
	return wal.Options{
		Max: options.MaxBytes, Unsynced: options.Unsynced,
		Reserve: func() error { return leaveFree(dir) },
		Synced:  metrics.synced,
		Deleted: func() {
			options.Log.Error("files of the spool were deleted; new events go to new files, and those that were waiting may be lost if the shop ends before Kafka has them", "dir", dir)
		},
	}
}

// start begins to drain a log.
func start(dir string, log *wal.Log, metrics *metrics, events, dead Broker, options Options) (*Spool, error) {
	source, err := mq.NewSource(options.Instance)
	if err != nil {
		return nil, err
	}
	if options.Name != "" {
		source += "/" + options.Name
	}
	count, err := openPartitionCount(dir, options.Topic, log, options.Log)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, options: options, source: source, before: log.Stats().Last, wal: log, metrics: metrics,
		flush: make(chan struct{}), drained: make(chan struct{}),
	}
	s.drainer = &drainer{
		dir: dir, topic: options.Topic, wal: log, broker: events, partitionCount: count, counts: &s.counts, metrics: metrics, log: options.Log, flush: s.flush,
		dead: &deadLetters{dir: dir, topic: options.Topic, deadTopic: options.DeadTopic, broker: dead, timeout: deadTimeout},
	}
	for _, damage := range log.Damages() {
		s.drainer.damaged(damage)
	}
	if waiting := log.Stats().Waiting; waiting > 0 {
		options.Log.Info("events of an earlier start wait in the spool", "events", waiting, "dir", dir)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	s.stopDrain = stop
	go func() {
		defer close(s.drained)
		s.drainer.run(ctx)
	}()
	return s, nil
}

// heads are buffers for encoded events without their values.
var heads = sync.Pool{New: func() any { return new([]byte) }}

// SendEvent returns when the event is on disk, or in the hands of the operating
// system if the spool is unsynced. Its error wraps ErrLost if there is no space,
// and ErrUnconfirmed if the disk failed; with OnFull Refuse it wraps ErrRefused
// instead.
func (s *Spool) SendEvent(key string, value []byte, headers ...mq.Header) (_ bool, failed error) {
	end := mq.TraceEvent("spool", s.options.Topic, headers)
	defer func() { end(failed) }()
	head := heads.Get().(*[]byte)
	defer heads.Put(head)
	*head = appendHead((*head)[:0], s.source, key, headers)
	pending, sequence, err := s.append(*head, value)
	defer s.noteKnown(sequence)
	if err == nil {
		_, err = pending.Wait()
	}
	if errors.Is(err, wal.ErrTooLarge) {
		err = s.buryAtOnce(*head, value, err)
	}
	if err != nil {
		return false, s.notAccepted(err)
	}
	s.counts.accepted.Add(1)
	if s.troubled.Load() {
		s.setTrouble("", nil)
	}
	return true, nil
}

// append gives the event its number and its place in the log.
func (s *Spool) append(head, value []byte) (pending wal.Pending, sequence uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return wal.Pending{}, 0, wal.ErrClosed
	}
	s.sequence++
	setSequence(head, s.sequence)
	pending, err = s.wal.Start(head, value)
	return pending, s.sequence, err
}

// noteKnown notes that the outcome of an event is counted. Those before it are on disk if it is.
func (s *Spool) noteKnown(sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = max(s.known, sequence)
}

// buryAtOnce makes an event a dead letter that is too large for the log. The
// broker wouldn't take it either.
func (s *Spool) buryAtOnce(head, value []byte, reason error) error {
	e, err := decodeEvent(append(head[:len(head):len(head)], value...), nil)
	if err == nil {
		err = s.drainer.dead.write(&e.Record, reason)
	}
	if err != nil {
		return err
	}
	s.counts.deadLettered.Add(1)
	return nil
}

// notAccepted counts an event that the spool doesn't accept.
func (s *Spool) notAccepted(err error) error {
	outcome, counter := mq.ErrUnconfirmed, &s.counts.unconfirmed
	trouble := "the disk fails"
	if errors.Is(err, wal.ErrFull) {
		outcome, counter, trouble = mq.ErrLost, &s.counts.lost, "the spool is full"
	}
	if errors.Is(err, wal.ErrClosed) {
		outcome, counter, trouble = mq.ErrLost, &s.counts.lost, "the spool is closed"
	}
	if s.options.OnFull == Refuse {
		outcome, counter = mq.ErrRefused, &s.counts.refused
	}
	counter.Add(1)
	s.setTrouble(trouble, err)
	return fmt.Errorf("%w: %s: %w", outcome, trouble, err)
}

// setTrouble logs when the spool ceases and begins again to accept events.
func (s *Spool) setTrouble(trouble string, err error) {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	if s.trouble == trouble {
		return
	}
	s.trouble = trouble
	s.troubled.Store(trouble != "")
	values := []any{"unconfirmed", s.counts.unconfirmed.Load(), "lost", s.counts.lost.Load(), "refused", s.counts.refused.Load(), "dir", s.dir}
	switch {
	case trouble == "":
		s.options.Log.Info("the spool accepts events again", values...)
	case s.options.OnFull == Refuse:
		s.options.Log.Error("searches are refused: "+trouble, append(values, "error", err)...)
	default:
		s.options.Log.Error("events are being lost: "+trouble, append(values, "error", err)...)
	}
}

// EventStats returns counts since the start, and the present state.
func (s *Spool) EventStats() model.EventStats {
	log := s.wal.Stats()
	stats := model.EventStats{
		Connected: s.drainer.broker.State() == mq.Reachable && !s.drainer.held.Load(),
		Accepted:  s.counts.accepted.Load(), Delivered: s.counts.delivered.Load(),
		Waiting: int64(log.Waiting), WaitingBytes: log.Bytes,
		Unconfirmed: s.counts.unconfirmed.Load(), DeadLettered: s.counts.deadLettered.Load(), Lost: s.counts.lost.Load(), Refused: s.counts.refused.Load(),
		Filling: s.filling(log.Files) || s.troubled.Load(),
	}
	if oldest := s.drainer.oldest.Load(); oldest > 0 && log.Waiting > 0 {
		stats.OldestSeconds = max(0, time.Since(time.Unix(0, oldest)).Seconds())
	}
	return stats
}

// Report says what the spool has done since it was opened. It leaves out events that aren't on
// disk yet: if the process is killed, nobody will ever see them.
func (s *Spool) Report() model.SourceReport {
	s.mu.Lock()
	highest, ended := s.known, s.closed
	s.mu.Unlock()
	return model.SourceReport{
		Source: s.source, Stream: s.options.Topic, Before: int64(s.before), Highest: int64(highest), Ended: ended,
		Lost: s.counts.lost.Load(), Refused: s.counts.refused.Load(), Unconfirmed: s.counts.unconfirmed.Load(), DeadLettered: s.counts.deadLettered.Load(),
		Waiting: int64(s.wal.Stats().Waiting), At: time.Now(),
	}
}

// filling reports whether half of the space that the files could take is used.
func (s *Spool) filling(files int64) bool {
	left := s.options.MaxBytes - files
	if free, size, err := disk.Space(s.dir); err == nil {
		left = min(left, int64(free)-int64(size/10))
	}
	const always = 2 // segments
	return files > always*wal.DefaultSegment && files > left
}

// Empty waits until nothing waits in the spool, or ctx ends.
func (s *Spool) Empty(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for s.wal.Stats().Waiting > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close accepts no more events, sends what waits until ctx ends or the broker is
// away, and closes the log. The next process that opens the spool sends the
// rest. The caller closes the brokers afterwards.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	close(s.flush)
	for s.wal.Stats().Waiting > 0 && ctx.Err() == nil && !s.away() {
		bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		_ = s.Empty(bounded)
		cancel()
	}
	s.stopDrain(errSpoolClosed)
	<-s.drained
	if waiting := s.wal.Stats().Waiting; waiting > 0 {
		s.options.Log.Warn("events wait in the spool for the next start", "events", waiting, "dir", s.dir)
	}
	if err := s.wal.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

// away reports that waiting for the broker is no use.
func (s *Spool) away() bool {
	return s.drainer.broker.State() == mq.Unreachable || s.drainer.held.Load()
}

// leaveFree refuses another segment if less than a tenth of the disk would be
// left.
func leaveFree(dir string) error {
	free, size, err := disk.Space(dir)
	if err == nil && free < size/10+wal.DefaultSegment {
		return fmt.Errorf("another file of %d MiB would leave less than a tenth of the disk free: %d MiB of %d MiB are free",
			wal.DefaultSegment>>20, free>>20, size>>20)
	}
	return nil
}
