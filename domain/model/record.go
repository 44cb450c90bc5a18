package model

import "time"

// Shard is a part of a stream whose records have an order, as one group of consumers reads
// it: a partition of a topic.
type Shard struct {
	Group  string
	Stream string
	Number int32
}

// Record is a record of a stream, as a consumer gets it.
type Record struct {
	Shard
	// Position is the record's place in its shard. Later records have higher positions.
	Position int64
	Key      string
	Value    []byte
	Headers  []Header
	// Time is when the record was written, or what its writer says about that.
	Time time.Time
	// Newest is the time of the newest event before it in its shard, as EventTime says, or
	// zero if it is the first one.
	Newest time.Time
}

// ahead is how far the clock of a shop may be ahead of the broker's.
const ahead = 5 * time.Minute

// EventTime returns the time at which an event counts: its own, or that of its record if it
// has none, or if the shop's clock was ahead.
func EventTime(event, record time.Time) time.Time {
	if event.IsZero() || event.After(record.Add(ahead)) {
		return record
	}
	return event
}

// EventTime returns the time at which the record's event counts. Its own is in the header
// ce_time (RFC 3339).
func (r *Record) EventTime() time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.Header("ce_time"))
	if err != nil {
		at = time.Time{}
	}
	return EventTime(at, r.Time)
}

// Header returns the value of the first header with that key, or "".
func (r *Record) Header(key string) string { return FindHeader(r.Headers, key) }

// Checkpoint says how far a group has read a shard.
type Checkpoint struct {
	// StreamID is the topic's id (KIP-516), or "" if the broker gives none.
	StreamID string
	// Epoch grows with each claim. Only the latest claim may go on.
	Epoch int64
	// Next is the position of the next record, Last the identity of the record before it:
	// its source and sequence or, of records without, a hash. Last is empty at the start.
	Next int64
	Last string
	// Above is the position above all records that were handled under this StreamID.
	// Records without source and sequence count from there on only.
	Above int64
	// Newest is the time of the newest event so far.
	Newest time.Time
	Tally
}

// Tally counts what became of the records of a shard.
type Tally struct {
	// Handled were passed to a handler. Copies were left out, as known. Dead became dead
	// letters. Ignored have a type that no handler knows.
	Handled, Copies, Dead, Ignored int64
	// Missed were deleted before they were read.
	Missed int64
	// Late are events that came too late to count.
	Late int64
}

// Add adds the numbers of another one.
func (t *Tally) Add(other Tally) {
	t.Handled += other.Handled
	t.Copies += other.Copies
	t.Dead += other.Dead
	t.Ignored += other.Ignored
	t.Missed += other.Missed
	t.Late += other.Late
}

// SourceCount is a source of events, as far as one shard knows it.
type SourceCount struct {
	// Window knows which sequences have arrived.
	*Window
	// Arrived is the number of different sequences that have arrived, LeftOut how many of them
	// are dead letters or came too late.
	Arrived, LeftOut int64
}
