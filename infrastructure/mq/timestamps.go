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

// timestamps chooses the timestamp of each record: its own time, unless Kafka refuses that.
// Mostly this machine's clock was ahead (message.timestamp.after.max.ms). Then the record
// goes with the last timestamp that Kafka took, or a time ever further back. If no earlier
// time passes either, the record is too old (message.timestamp.before.max.ms) and goes with
// the present. One goroutine uses it at a time.
type timestamps struct {
	taken time.Time // the last one that Kafka took; zero at first
	// refused is the earliest one that Kafka refused or, if present is set, the latest one
	// that was too old. refusedAt is the moment of that by our clock.
	refused   time.Time
	refusedAt time.Time
	back      time.Duration // what to subtract if none was taken yet
	// present: no earlier time passes. works: Kafka has taken the present.
	present, works bool
}

// of returns the timestamp to send a record with.
func (t *timestamps) of(r *Record) time.Time {
	switch {
	case !t.isRefused(r):
		return r.Time
	case t.present:
		return time.Now()
	case !t.taken.IsZero():
		return t.taken
	}
	return r.Time.Add(-t.back)
}

// isRefused reports whether Kafka would refuse the record's own time.
func (t *timestamps) isRefused(r *Record) bool {
	if t.refused.IsZero() || time.Since(t.refusedAt) >= refusedFor {
		return false
	}
	if t.present {
		return !r.Time.After(t.refused)
	}
	return !r.Time.Before(t.refused)
}

// isSafe reports whether the record goes with a timestamp that passes.
func (t *timestamps) isSafe(r *Record) bool {
	return t.isRefused(r) && (t.works || !t.present && !t.taken.IsZero())
}

// took records that Kafka took a record with a timestamp.
func (t *timestamps) took(r *Record, sent time.Time) {
	t.taken = sent
	t.works = t.works || t.present && t.isRefused(r)
}

// doubt records that Kafka refused a batch that had a timestamp among others.
func (t *timestamps) doubt(r *Record, sent time.Time) {
	switch {
	case t.present && t.isRefused(r):
		*t = timestamps{}
	case sent.Equal(t.taken):
		t.taken, t.back = time.Time{}, firstStepBack
	}
}

// refuse records that Kafka refused to take a record, which was alone in its batch, with a
// timestamp. It returns false if there is no other one to try.
func (t *timestamps) refuse(r *Record, sent time.Time) bool {
	switch {
	case sent.Equal(r.Time) && !t.isRefused(r):
		if t.present = t.present && t.works && r.Time.Before(time.Now().Add(-time.Second)); t.present {
			t.refused = r.Time // older ones are too old, too
		} else {
			t.refused, t.back = r.Time, firstStepBack
		}
	case sent.Equal(r.Time):
	case t.present:
		*t = timestamps{}
		return false
	case sent.Equal(t.taken): // Kafka's rules have changed since
		t.taken, t.back = time.Time{}, firstStepBack
	default:
		t.back *= 2
	}
	t.refusedAt = time.Now()
	if t.taken.IsZero() && !t.present && (t.back > farthestBack || r.Time.Add(-t.back).Before(time.Unix(0, 0))) {
		t.present, t.works = true, false
	}
	return true
}
