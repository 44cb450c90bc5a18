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

// remedy is the kind of timestamp for a record whose own time Kafka refuses.
type remedy int

const (
	// earlier: the last timestamp that Kafka took or, if it took none, a time ever further
	// back. It helps if this machine's clock was ahead (message.timestamp.after.max.ms).
	earlier remedy = iota
	// untried: the present, because no earlier time passed. It helps if the record is too
	// old (message.timestamp.before.max.ms).
	untried
	// present: the present, which Kafka has taken.
	present
)

// timestamps chooses the timestamp of each record: its own time, unless Kafka refuses that.
// One goroutine uses it at a time.
type timestamps struct {
	taken time.Time // the last one that Kafka took; zero at first
	// refused is the own time of the record that Kafka refused last, at refusedAt by our
	// clock. The remedy earlier is for that time and later ones, the present for that time
	// and earlier ones.
	refused   time.Time
	refusedAt time.Time
	remedy    remedy
	back      time.Duration // what earlier subtracts if none was taken yet
}

// of returns the timestamp to send a record with.
func (t *timestamps) of(r *Record) time.Time {
	switch {
	case !t.isRefused(r):
		return r.Time
	case t.remedy != earlier:
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
	if t.remedy == earlier {
		return !r.Time.Before(t.refused)
	}
	return !r.Time.After(t.refused)
}

// isSafe reports whether the record goes with a timestamp that passes.
func (t *timestamps) isSafe(r *Record) bool {
	return t.isRefused(r) && (t.remedy == present || t.remedy == earlier && !t.taken.IsZero())
}

// took records that Kafka took a record with a timestamp.
func (t *timestamps) took(r *Record, sent time.Time) {
	t.taken = sent
	if t.remedy == untried && t.isRefused(r) {
		t.remedy = present
	}
}

// doubt records that Kafka refused a batch that had a timestamp among others.
func (t *timestamps) doubt(r *Record, sent time.Time) {
	switch {
	case t.remedy != earlier && t.isRefused(r):
		*t = timestamps{}
	case sent.Equal(t.taken):
		t.taken, t.back = time.Time{}, firstStepBack
	}
}

// refuse records that Kafka refused to take a record, which was alone in its batch, with a
// timestamp. It returns false if there is no other one to try.
func (t *timestamps) refuse(r *Record, sent time.Time) bool {
	switch {
	case !t.isRefused(r): // its own time
		t.refused = r.Time
		if t.remedy != present || time.Since(r.Time) < time.Second { // nor is it old
			t.remedy, t.back = earlier, firstStepBack
		}
	case t.remedy != earlier:
		*t = timestamps{}
		return false
	case sent.Equal(t.taken): // Kafka's rules have changed since
		t.taken, t.back = time.Time{}, firstStepBack
	default:
		t.back *= 2
	}
	t.refusedAt = time.Now()
	tooFar := t.back > farthestBack || r.Time.Add(-t.back).Before(time.Unix(0, 0))
	if t.remedy == earlier && t.taken.IsZero() && tooFar {
		t.remedy = untried
	}
	return true
}
