package trend

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// Fact is something that holds for a search if it holds for one of its events. Facts are
// flags.
type Fact uint8

const (
	// Searched: there is such an event at all.
	Searched Fact = 1 << iota
	// Shown: books were answered.
	Shown
	// Hit: there were books for the keyword as typed.
	Hit
	// Empty: no filter, first page, and no book for the keyword as typed.
	Empty
	// FilteredOut: with filters there was no book.
	FilteredOut
	// PastEnd: a later page had no books any more.
	PastEnd
	// Clicked: a book of the result was opened.
	Clicked

	facts = 7
)

// Facts are the facts of one visitor's searches on one day, for one keyword, surface and
// tag. For each bucket and fact they have the latest time at which it held, so an erasure
// takes away exactly what happened before it. The zero value has no facts.
type Facts []moment

// moment is a time at which facts held for the last time in a bucket. The moments of a
// bucket have different facts. Facts are ordered by bucket and time.
type moment struct {
	bucket uint8
	facts  Fact
	after  uint32 // milliseconds after the begin of the bucket
}

// longest is the latest moment of a bucket: a click may come a day after its search.
const longest = 1<<27 - 1

// Add notes facts of the bucket of a search, at a time, which isn't before the bucket.
func (f *Facts) Add(day Day, bucket int, facts Fact, at time.Time) {
	begin := day.Start().Add(time.Duration(bucket) * BucketLength)
	f.add(moment{uint8(bucket), facts, uint32(min(max(0, at.Sub(begin).Milliseconds()), longest))})
}

func (f *Facts) add(m moment) {
	kept := (*f)[:0:0]
	for _, known := range *f {
		if known.bucket == m.bucket {
			if known.after >= m.after {
				m.facts &^= known.facts
			} else if known.facts &^= m.facts; known.facts == 0 {
				continue
			}
		}
		kept = append(kept, known)
	}
	if m.facts != 0 {
		kept = append(kept, m)
	}
	slices.SortFunc(kept, func(a, b moment) int {
		if a.bucket != b.bucket {
			return int(a.bucket) - int(b.bucket)
		}
		if a.after != b.after {
			return int(a.after) - int(b.after)
		}
		return 0
	})
	// Moments of the same millisecond are one, so equal facts are encoded alike.
	joined := kept[:0]
	for _, m := range kept {
		if n := len(joined); n > 0 && joined[n-1].bucket == m.bucket && joined[n-1].after == m.after {
			joined[n-1].facts |= m.facts
			continue
		}
		joined = append(joined, m)
	}
	*f = joined
}

// Join returns the facts of both.
func (f Facts) Join(other Facts) Facts {
	joined := slices.Clone(f)
	for _, m := range other {
		joined.add(m)
	}
	return joined
}

// Erase takes away what held up to a time.
func (f *Facts) Erase(day Day, until time.Time) {
	*f = slices.DeleteFunc(*f, func(m moment) bool {
		at := day.Start().Add(time.Duration(m.bucket)*BucketLength + time.Duration(m.after)*time.Millisecond)
		return !at.After(until)
	})
}

// Of returns those of some facts alone.
func (f Facts) Of(facts Fact) (of Facts) {
	for _, m := range f {
		if m.facts &= facts; m.facts != 0 {
			of = append(of, m)
		}
	}
	return of
}

// ByBucket returns all facts of each bucket.
func (f Facts) ByBucket() (buckets [Buckets]Fact) {
	for _, m := range f {
		buckets[m.bucket] |= m.facts
	}
	return buckets
}

// momentBytes is the size of an encoded moment: 6 bits for the bucket, 7 for the facts and
// 27 for the time, most significant bit first.
const momentBytes = 5

// Encode returns the facts as bytes: five for each moment.
func (f Facts) Encode() []byte {
	data := make([]byte, 0, momentBytes*len(f))
	for _, m := range f {
		bits := uint64(m.bucket)<<34 | uint64(m.facts)<<27 | uint64(m.after)
		data = append(data, byte(bits>>32))
		data = binary.BigEndian.AppendUint32(data, uint32(bits))
	}
	return data
}

// DecodeFacts reads what Encode wrote.
func DecodeFacts(data []byte) (Facts, error) {
	if len(data)%momentBytes != 0 {
		return nil, errors.New("facts of a visitor are damaged")
	}
	f := make(Facts, 0, len(data)/momentBytes+1)
	for ; len(data) > 0; data = data[momentBytes:] {
		bits := uint64(data[0])<<32 | uint64(binary.BigEndian.Uint32(data[1:]))
		m := moment{uint8(bits >> 34), Fact(bits >> 27 & (1<<facts - 1)), uint32(bits & longest)}
		if int(m.bucket) >= Buckets {
			return nil, errors.New("facts of a visitor are damaged")
		}
		f = append(f, m)
	}
	return f, nil
}
