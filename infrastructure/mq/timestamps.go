package mq

import "time"

const (
	// refusedFor is how long timestamps count as refused. Then one record tries its own
	// time again: somebody may have set the clock.
	refusedFor = time.Minute
	// firstStepBack and farthestBack bound the search for a time that Kafka takes.
	firstStepBack = time.Hour
	farthestBack  = 20 * 365 * 24 * time.Hour
)

// timestamps chooses the timestamp of each record: its own time, unless Kafka refuses that
// (message.timestamp.after.max.ms), because this machine's clock was ahead. Then it is the
// last timestamp that Kafka took or, if there is none, an earlier time after each refusal.
// One goroutine uses it at a time.
type timestamps struct {
	taken time.Time // the last one that Kafka took; zero at first
	// refused is the earliest one that Kafka refused, at that moment by our clock.
	refused   time.Time
	refusedAt time.Time
	back      time.Duration // what to subtract if none was taken yet
}

// of returns the timestamp to send a record with.
func (t *timestamps) of(r *Record) time.Time {
	switch {
	case !t.isRefused(r):
		return r.Time
	case !t.taken.IsZero():
		return t.taken
	}
	return r.Time.Add(-t.back)
}

// isRefused reports whether Kafka would refuse the record's own time.
func (t *timestamps) isRefused(r *Record) bool {
	return !t.refused.IsZero() && time.Since(t.refusedAt) < refusedFor && !r.Time.Before(t.refused)
}

// isSafe reports whether the record goes with a timestamp that Kafka took before.
func (t *timestamps) isSafe(r *Record) bool { return !t.taken.IsZero() && t.isRefused(r) }

// took records that Kafka took a timestamp.
func (t *timestamps) took(sent time.Time) { t.taken = sent }

// doubt records that Kafka refused a batch that had a timestamp among others.
func (t *timestamps) doubt(sent time.Time) {
	if sent.Equal(t.taken) {
		t.taken, t.back = time.Time{}, firstStepBack
	}
}

// refuse records that Kafka refused to take a record, which was alone in its batch, with a
// timestamp. It returns false if there is no other one to try.
func (t *timestamps) refuse(r *Record, sent time.Time) bool {
	switch {
	case sent.Equal(r.Time):
		if !t.isRefused(r) {
			t.refused, t.back = r.Time, firstStepBack
		}
	case sent.Equal(t.taken): // Kafka's rules have changed since
		t.taken, t.back = time.Time{}, firstStepBack
	default:
		t.back *= 2
	}
	t.refusedAt = time.Now()
	return t.back <= farthestBack
}
