package mq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/wal"
)

var _ Helper = (*Spool)(nil)

// ErrSpoolInUse: another process has the spool's folder.
var ErrSpoolInUse = wal.ErrInUse

// DefaultSpoolBytes is the bound of a spool's files.
const DefaultSpoolBytes = 2 << 30

// Spool keeps events on disk until Kafka has acknowledged them. SendEvent
// returns true when the event is in a write-ahead log: it will reach the topic,
// or its dead letters, whatever happens to Kafka or to this process. A drainer
// sends what waits there through a KafkaQueue, in order, also what an earlier
// process has left.
//
// Kafka being away, frozen or slow doesn't slow SendEvent down. It waits for
// the disk only; events that arrive meanwhile share one sync.
type Spool struct {
	dir     string
	options SpoolOptions
	source  string
	log     *wal.Log
	queue   *KafkaQueue
	dead    *deadLetters
	metrics *spoolMetrics

	mu       sync.Mutex // numbers events in the order in which they are logged
	sequence uint64
	closed   bool

	draining  context.Context
	stopDrain context.CancelCauseFunc
	flush     chan struct{} // closed when nothing is worth waiting for any more
	drained   chan struct{} // closed when the drainer has ended

	accepted, delivered, unconfirmed, deadLettered, lost, refused atomic.Int64
	// oldest is the time of the first event that isn't settled, in unix
	// nanoseconds; 0 if there is none.
	oldest atomic.Int64

	stateMu  sync.Mutex
	trouble  string // what keeps events from being taken, as it was logged
	troubled atomic.Bool
}

// OnFull says what happens to a search whose event finds no space on disk.
type OnFull string

const (
	// Answer answers it and counts the event as lost.
	Answer OnFull = "answer"
	// Refuse doesn't answer it: SendEvent gives ErrRefused.
	Refuse OnFull = "refuse"
)

// SpoolOptions are how a spool is kept. The zero value is what most want.
type SpoolOptions struct {
	// MaxBytes bounds the files; 0 = DefaultSpoolBytes. At least
	// MinSpoolBytes. A tenth of the disk is left free in any case.
	MaxBytes int64
	// Unsynced leaves it to the operating system when records are written to
	// the disk: a crash of the machine loses some.
	Unsynced bool
	// OnFull is Answer by default.
	OnFull OnFull
}

// MinSpoolBytes is the least bound of a spool.
const MinSpoolBytes = 3 * wal.DefaultSegment

// OpenSpool opens the spool in dir, which is made if it is missing, in front of
// a queue that it takes over: Close closes both. It recovers what an earlier
// process has left there and begins to drain. It does not wait for Kafka. One
// process at a time may have a folder; the error of a second one wraps
// ErrSpoolInUse.
func OpenSpool(dir string, queue *KafkaQueue, options SpoolOptions) (*Spool, error) {
	if options.MaxBytes == 0 {
		options.MaxBytes = DefaultSpoolBytes
	}
	if options.OnFull == "" {
		options.OnFull = Answer
	}
	source, err := newSource(queue.options.instance)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, options: options, source: source, queue: queue, metrics: newSpoolMetrics(),
		dead:  &deadLetters{queue: queue, dir: dir},
		flush: make(chan struct{}), drained: make(chan struct{}),
	}
	s.draining, s.stopDrain = context.WithCancelCause(context.Background())
	kept := wal.Options{
		Max: options.MaxBytes, Unsynced: options.Unsynced,
		Reserve: func() error { return leaveFree(dir) },
		Synced:  s.metrics.synced,
	}
	switch s.weak() {
	case unbounded:
		kept.Max = 0
	case greedy:
		kept.Reserve = nil
	}
	s.log, err = wal.Open(dir, kept)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	for _, damage := range s.log.Damages() {
		s.damaged(damage)
	}
	partitions, err := openPartitions(dir, queue.topic, s.log, s.logger())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), s.log.Close())
	}
	if waiting := s.log.Stats().Waiting; waiting > 0 {
		s.logger().Info("events of an earlier start wait in the spool", "events", waiting, "dir", dir)
	}
	queue.Connect()
	go s.drain(partitions)
	return s, nil
}

func (s *Spool) logger() *slog.Logger { return s.queue.options.log }
func (s *Spool) weak() weakness       { return s.queue.options.weak }

// heads are buffers for encoded events without their values.
var heads = sync.Pool{New: func() any { return new([]byte) }}

// SendEvent returns when the event is on disk, or in the hands of the operating
// system where the spool is unsynced. Its error wraps ErrLost where there is no
// space, ErrUnconfirmed where the disk has failed, and ErrRefused in their place
// where the spool refuses.
func (s *Spool) SendEvent(key string, value []byte, headers ...Header) (bool, error) {
	if s.weak() == bypassed {
		return s.queue.SendEvent(key, value, headers...)
	}
	head := heads.Get().(*[]byte)
	defer heads.Put(head)
	*head = appendHead((*head)[:0], s.source, key, headers)
	pending, err := s.start(*head, value)
	if err == nil {
		_, err = pending.Wait()
	}
	if errors.Is(err, wal.ErrTooLarge) {
		err = s.buryAtOnce(*head, value, err)
	}
	if err != nil {
		return false, s.notTaken(err)
	}
	s.accepted.Add(1)
	if s.troubled.Load() {
		s.setTrouble("", nil)
	}
	return true, nil
}

// start gives the event its number and its place in the log, which have the
// same order.
func (s *Spool) start(head, value []byte) (wal.Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return wal.Pending{}, wal.ErrClosed
	}
	s.sequence++
	setSequence(head, s.sequence)
	return s.log.Start(head, value)
}

// buryAtOnce puts an event among the dead letters that the log doesn't take for
// its size: it could never be sent either.
func (s *Spool) buryAtOnce(head, value []byte, reason error) error {
	e, err := decodeEvent(append(head[:len(head):len(head)], value...))
	if err == nil {
		err = s.dead.write(e, reason)
	}
	if err != nil {
		return err
	}
	s.deadLettered.Add(1)
	return nil
}

// notTaken counts an event that isn't accepted.
func (s *Spool) notTaken(err error) error {
	outcome, counter := ErrUnconfirmed, &s.unconfirmed
	trouble := "the disk fails"
	if errors.Is(err, wal.ErrFull) {
		outcome, counter, trouble = ErrLost, &s.lost, "the spool is full"
	}
	if errors.Is(err, wal.ErrClosed) {
		outcome, counter, trouble = ErrLost, &s.lost, "the spool is closed"
	}
	if s.options.OnFull == Refuse {
		outcome, counter = ErrRefused, &s.refused
	}
	counter.Add(1)
	s.setTrouble(trouble, err)
	return fmt.Errorf("%w: %s: %w", outcome, trouble, err)
}

// setTrouble logs when events begin and cease not to be taken.
func (s *Spool) setTrouble(trouble string, err error) {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	if s.trouble == trouble {
		return
	}
	s.trouble = trouble
	s.troubled.Store(trouble != "")
	counts := []any{"unconfirmed", s.unconfirmed.Load(), "lost", s.lost.Load(), "refused", s.refused.Load(), "dir", s.dir}
	switch {
	case trouble == "":
		s.logger().Info("the spool takes events again", counts...)
	case s.options.OnFull == Refuse:
		s.logger().Error("searches are refused: "+trouble, append(counts, "error", err)...)
	default:
		s.logger().Error("events are being lost: "+trouble, append(counts, "error", err)...)
	}
}

// damaged tells of events that can't be read any more.
func (s *Spool) damaged(damage *wal.DamageError) {
	if damage.Told {
		return // when the spool was opened
	}
	n := int64(damage.To - damage.From + 1)
	s.lost.Add(n)
	s.logger().Error("events are lost: the spool is damaged", "events", n, "segment", damage.Segment, "dir", s.dir, "error", damage)
}

// EventStats counts what became of the events so far.
func (s *Spool) EventStats() model.EventStats {
	log := s.log.Stats()
	stats := model.EventStats{
		Connected: s.queue.current() == up,
		Accepted:  s.accepted.Load(), Delivered: s.delivered.Load(),
		Waiting: int64(log.Waiting), WaitingBytes: log.Bytes,
		Unconfirmed: s.unconfirmed.Load(), DeadLettered: s.deadLettered.Load(), Lost: s.lost.Load(), Refused: s.refused.Load(),
		Filling: s.filling(log.Files) || s.troubled.Load(),
	}
	if oldest := s.oldest.Load(); oldest > 0 && log.Waiting > 0 {
		stats.OldestSeconds = max(0, time.Since(time.Unix(0, oldest)).Seconds())
	}
	return stats
}

// filling reports whether half of the space that the files could take is used.
func (s *Spool) filling(files int64) bool {
	left := s.options.MaxBytes - files
	if free, size, err := disk.Space(s.dir); err == nil {
		left = min(left, int64(free)-int64(size/10))
	}
	const atLeast = 2 // segments, which are always there
	return files > atLeast*wal.DefaultSegment && files > left
}

// Empty waits until nothing waits in the spool, or ctx ends.
func (s *Spool) Empty(ctx context.Context) error {
	const pause = 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for s.log.Stats().Waiting > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Close takes no more events, goes on sending what waits until ctx ends or
// Kafka is away, and closes the log and the queue. What was not sent is sent by
// the next process that opens the spool.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	close(s.flush)
	for s.log.Stats().Waiting > 0 && ctx.Err() == nil && !s.queue.isDown() && s.weak() != abrupt {
		bounded, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		_ = s.Empty(bounded)
		cancel()
	}
	s.stopDrain(errGaveUp)
	<-s.drained
	s.dead.close()
	if waiting := s.log.Stats().Waiting; waiting > 0 {
		s.logger().Warn("events wait in the spool for the next start", "events", waiting, "dir", s.dir)
	}
	err := s.log.Close()
	if closing := s.queue.Close(ctx); closing != nil {
		err = errors.Join(err, closing)
	}
	if err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

// leaveFree refuses another segment where less than a tenth of the disk would be
// left.
func leaveFree(dir string) error {
	free, size, err := disk.Space(dir)
	if err == nil && free < size/10+wal.DefaultSegment {
		return fmt.Errorf("a file of %d MiB finds no space beside the tenth of the disk that is left free: %d MiB of %d MiB are free",
			wal.DefaultSegment>>20, free>>20, size>>20)
	}
	return nil
}

// SpoolStatus is what lies in a spool's folder.
type SpoolStatus struct {
	// Events wait to be sent; Bytes is about their size.
	Events uint64 `json:"events"`
	Bytes  int64  `json:"bytes"`
	// Missing events were there, and no file holds them any more.
	Missing uint64 `json:"missing,omitempty"`
	// Oldest is when the first of them happened, nil if there is none or if a
	// later version has written it.
	Oldest *time.Time `json:"oldest,omitempty"`
	// DeadLetters is the file of events that Kafka has refused for good, empty
	// if there is none.
	DeadLetters string `json:"dead_letters,omitempty"`
	// Damaged are segments that were set aside.
	Damaged []string `json:"damaged,omitempty"`
}

// InspectSpool looks into a spool's folder, whether a process uses it or not,
// and changes nothing.
func InspectSpool(dir string) (*SpoolStatus, error) {
	stats, oldest, err := wal.Inspect(dir)
	if err != nil {
		return nil, err
	}
	status := &SpoolStatus{Events: stats.Waiting, Bytes: stats.Bytes, Missing: stats.Missing}
	if oldest != nil {
		if e, err := decodeEvent(oldest); err == nil {
			at := e.time.UTC()
			status.Oldest = &at
		}
	}
	if dead := filepath.Join(dir, deadLettersName); exists(dead) {
		status.DeadLetters = dead
	}
	status.Damaged, err = filepath.Glob(filepath.Join(dir, "*.damaged"))
	return status, err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
