package mq

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/tracing"
)

const (
	// handlerTries is how often a batch is tried whose handler fails for another reason than
	// the database. Then its records are tried one by one.
	handlerTries = 3
	// maxRetryPause bounds the pause between two attempts.
	maxRetryPause = 5 * time.Second
	// maxSources bounds the sources that are kept in memory for a partition, at 8 KiB each,
	// apart from those of one batch.
	maxSources = 1000
	// maxSource is the length of the longest source, in bytes. Longer ones are not ours.
	maxSource = 300
	// aheadOfUs is how far an event may be ahead of our clock to make older ones late. Without a
	// bound, one record from the future would do that to all others.
	aheadOfUs = time.Hour
)

// shard is a claimed partition. It isn't safe for concurrent use.
type shard struct {
	model.Shard
	*Consumer
	model.Checkpoint
	claimed string                       // the StreamID of the claim, which watchTopic reads meanwhile
	sources map[string]model.SourceCount // what the database has, as far as it was read
}

// handle handles records until all of them are stored, or the claim is over. ctx bounds a
// transaction; once session has ended, none is begun again.
func (s *shard) handle(ctx, session context.Context, records []*Record) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 20*time.Millisecond, maxRetryPause
	for failures := 0; ; {
		err := s.advance(ctx, records, nil)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, gateway.ErrFenced):
			return err
		case passing(err) || ctx.Err() != nil:
			s.log.Debug("records can't be stored; retrying", "partition", s.Number, "error", err)
		default:
			failures++
		}
		if err := s.restore(ctx, session, pause); err != nil {
			return err
		}
		if failures >= handlerTries {
			return s.handleSingly(ctx, session, records, pause)
		}
	}
}

// handleSingly handles one record after the other. What fails again and again becomes a dead
// letter.
func (s *shard) handleSingly(ctx, session context.Context, records []*Record, pause *backoff.ExponentialBackOff) error {
	for _, r := range records {
		var reject error
		for failures := 0; ; {
			err := s.advance(ctx, []*Record{r}, reject)
			if err == nil {
				break
			}
			if errors.Is(err, gateway.ErrFenced) {
				return err
			}
			if failures++; passing(err) || ctx.Err() != nil {
				failures = 0
			}
			if failures >= handlerTries && reject == nil {
				reject = err
				s.log.Error("a record can't be handled; it becomes a dead letter", "partition", s.Number, "offset", r.Offset, "error", err)
			}
			if err := s.restore(ctx, session, pause); err != nil {
				return err
			}
		}
	}
	return nil
}

// restore forgets what is known in memory and reads it again, after a pause: a transaction
// whose commit failed may be stored or not.
func (s *shard) restore(ctx, session context.Context, pause backoff.BackOff) error {
	for {
		select {
		case <-time.After(pause.NextBackOff()):
		case <-session.Done():
			return context.Cause(session)
		}
		s.sources = nil
		checkpoint, err := s.progress.Checkpoint(ctx, s.Shard, s.Epoch)
		if err == nil {
			s.Checkpoint = checkpoint
			return nil
		}
		if !passing(err) {
			return fmt.Errorf("read the position again: %w", err)
		}
	}
}

// advance handles records in one transaction, except those that it has stored already. If
// reject isn't nil, they become dead letters.
func (s *shard) advance(ctx context.Context, records []*Record, reject error) (failed error) {
	for len(records) > 0 && records[0].Offset < s.Next {
		records = records[1:]
	}
	if len(records) == 0 {
		return nil
	}
	ctx, end := tracing.Messages(ctx, "process", tracing.Handles, s.topic, traceparents(records))
	defer func() { end(failed) }()
	if err := s.readSources(ctx, records); err != nil {
		return err
	}
	b := newBatch(s)
	for _, r := range records {
		b.add(r)
	}
	var step gateway.Step
	err := s.progress.Advance(ctx, s.Shard, s.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
		counted := &talliedTx{Transaction: tx, batch: b, tally: b.Tally}
		if err := b.handle(ctx, counted, reject); err != nil {
			return gateway.Step{}, err
		}
		b.Tally = counted.tally
		step = gateway.Step{Checkpoint: b.Checkpoint, Sources: b.changed}
		return step, nil
	})
	if err != nil {
		return err
	}
	s.Checkpoint = step.Checkpoint
	for _, r := range b.fresh {
		s.observed(r)
	}
	return nil
}

// readSources reads from the database what it knows of the sources of records.
func (s *shard) readSources(ctx context.Context, records []*Record) error {
	var unknown []string
	if s.sources == nil || len(s.sources) > maxSources {
		s.sources = map[string]model.SourceCount{}
	}
	for _, r := range records {
		source, _, ok := identity(r)
		if _, known := s.sources[source]; ok && !known {
			s.sources[source] = model.SourceCount{Window: &model.Window{}}
			unknown = append(unknown, source)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	known, err := s.progress.Sources(ctx, s.Shard, unknown)
	if err != nil {
		return err
	}
	for name, source := range known {
		s.sources[name] = source
	}
	return nil
}

// batch is what becomes of some records.
type batch struct {
	model.Checkpoint
	shard   *shard
	fresh   []*model.Record
	changed map[string]model.SourceCount
}

func newBatch(s *shard) *batch {
	return &batch{Checkpoint: s.Checkpoint, shard: s, changed: map[string]model.SourceCount{}}
}

// add moves the checkpoint behind a record, and keeps the record unless it is a copy.
func (b *batch) add(r *Record) {
	record := &model.Record{
		Shard: b.shard.Shard, Position: r.Offset, Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time, Newest: b.Newest,
	}
	_, known := b.shard.handlers[r.Header("ce_type")]
	if at := record.EventTime(); known && at.After(b.Newest) && at.Before(time.Now().Add(aheadOfUs)) {
		b.Newest = at
	}
	if b.first(r) {
		b.fresh = append(b.fresh, record)
	} else {
		b.Copies++
	}
	b.Next, b.Last, b.Above = r.Offset+1, identityText(r), max(b.Above, r.Offset+1)
}

// first reports whether a record comes for the first time. Records of other programs have no
// source; they count above all that were read of this topic before.
func (b *batch) first(r *Record) bool {
	name, sequence, ok := identity(r)
	if !ok {
		return r.Offset >= b.Above
	}
	source := b.shard.sources[name]
	if !source.First(sequence) {
		return false
	}
	source.Arrived++
	b.shard.sources[name] = source
	source.LeftOut = b.changed[name].LeftOut
	b.changed[name] = source
	return true
}

// handle gives the records to their handlers, each of which gets its own in order.
func (b *batch) handle(ctx context.Context, tx *talliedTx, reject error) error {
	byType := map[string][]*model.Record{}
	var types []string
	for _, r := range b.fresh {
		if reject != nil {
			tx.tally.Dead++
			tx.leftOut(r)
			tx.Transaction.Reject(r, reject)
			continue
		}
		kind := r.Header("ce_type")
		if _, known := b.shard.handlers[kind]; !known {
			tx.tally.Ignored++
			continue
		}
		if byType[kind] == nil {
			types = append(types, kind)
		}
		byType[kind] = append(byType[kind], r)
		tx.tally.Handled++
	}
	for _, kind := range types {
		if err := safely(ctx, b.shard.log, b.shard.handlers[kind], byType[kind], tx); err != nil {
			return err
		}
	}
	return nil
}

// safely turns a panic of a handler into an error.
func safely(ctx context.Context, log *slog.Logger, handler gateway.Handler, records []*model.Record, tx gateway.Transaction) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("a handler panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = fmt.Errorf("the handler panicked: %v", cause)
		}
	}()
	return handler(ctx, records, tx)
}

// talliedTx counts what handlers say of records that are already counted as handled.
type talliedTx struct {
	gateway.Transaction
	batch *batch
	tally model.Tally
}

// leftOut counts for the source of a record that it doesn't count.
func (t *talliedTx) leftOut(r *model.Record) {
	name := r.Header("ce_source")
	if source, ok := t.batch.changed[name]; ok {
		source.LeftOut++
		t.batch.changed[name] = source
	}
}

func (t *talliedTx) Reject(r *model.Record, reason error) {
	t.tally.Dead++
	t.tally.Handled--
	t.leftOut(r)
	t.Transaction.Reject(r, reason)
}

func (t *talliedTx) Late(r *model.Record) {
	t.tally.Late++
	t.leftOut(r)
	t.Transaction.Late(r)
}

// identity returns the source and sequence of a record. ok is false for records of other
// programs.
func identity(r *Record) (source string, sequence uint64, ok bool) {
	source = r.Header("ce_source")
	sequence, err := strconv.ParseUint(r.Header("ce_sequence"), 10, 63)
	ours := source != "" && len(source) <= maxSource && utf8.ValidString(source)
	return source, sequence, ours && err == nil && sequence > 0
}

// identityText tells a record from any other one at its offset.
func identityText(r *Record) string {
	if source, sequence, ok := identity(r); ok {
		return source + " " + strconv.FormatUint(sequence, 10)
	}
	hash := sha256.New()
	write := func(data []byte) {
		hash.Write(binary.AppendUvarint(nil, uint64(len(data))))
		hash.Write(data)
	}
	write([]byte(r.Key))
	write(r.Value)
	hash.Write(binary.AppendVarint(nil, r.Time.UnixMilli()))
	for _, h := range r.Headers {
		write([]byte(h.Key))
		write(h.Value)
	}
	return "sha256 " + hex.EncodeToString(hash.Sum(nil))
}
