package trend

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"math/bits"
	"slices"
	"time"
)

// Activity says when a visitor searched on one day, by scope. Of each bucket it has the latest
// search.
type Activity map[Scope]Facts

// Add notes a search.
func (a Activity) Add(scope Scope, day Day, at time.Time) {
	f := a[scope]
	f.Add(day, BucketOf(at), Searched, at)
	a[scope] = f
}

// Join returns the searches of both.
func (a Activity) Join(other Activity) Activity {
	joined := maps.Clone(a)
	if joined == nil {
		joined = Activity{}
	}
	for scope, facts := range other {
		joined[scope] = joined[scope].Join(facts)
	}
	return joined
}

// Erase takes away the searches up to a time, and returns the others.
func (a Activity) Erase(day Day, until time.Time) Activity {
	left := Activity{}
	for scope, facts := range a {
		facts = slices.Clone(facts)
		if facts.Erase(day, until); len(facts) > 0 {
			left[scope] = facts
		}
	}
	return left
}

// Without returns the searches of other kinds.
func (a Activity) Without(kind Kind) Activity {
	left := maps.Clone(a)
	maps.DeleteFunc(left, func(scope Scope, _ Facts) bool { return scope.Kind == kind })
	return left
}

// Buckets returns the buckets in which the visitor searched, as bits, for each group of scopes.
func (a Activity) Buckets() map[Scope]uint64 {
	groups := map[Scope]uint64{}
	for scope, facts := range a {
		mask := uint64(0)
		for _, m := range facts {
			mask |= 1 << m.bucket
		}
		for _, group := range scope.Groups() {
			groups[group] |= mask
		}
	}
	return groups
}

// Encode returns the searches as bytes: of each scope its kind, tag, language and facts, texts
// with their lengths before them.
func (a Activity) Encode() []byte {
	var data []byte
	scopes := slices.SortedFunc(maps.Keys(a), func(a, b Scope) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Language, b.Language))
	})
	for _, scope := range scopes {
		data = append(data, byte(scope.Kind))
		for _, text := range []string{scope.Tag, scope.Language, string(a[scope].Encode())} {
			data = appendText(data, text)
		}
	}
	return data
}

// DecodeActivity reads what Encode wrote.
func DecodeActivity(data []byte) (Activity, error) {
	a := Activity{}
	for len(data) > 0 {
		scope := Scope{Kind: Kind(data[0])}
		data = data[1:]
		var facts string
		for _, text := range []*string{&scope.Tag, &scope.Language, &facts} {
			var ok bool
			if *text, data, ok = cutText(data); !ok {
				return nil, errDamagedVisit
			}
		}
		var err error
		if a[scope], err = DecodeFacts([]byte(facts)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Presence counts the visitors of a day in any run of buckets. It has how many were there in each
// bucket, and how many were there in two buckets but in none between them: the first sum less the
// second one is the number of visitors, since each one counts once more than such pairs.
type Presence map[pair]int64

// Add adds a visitor who was there in the buckets that a mask has, n times.
func (p Presence) Add(mask uint64, n int64) {
	last := -1
	for mask != 0 {
		bucket := bits.TrailingZeros64(mask)
		mask &= mask - 1
		addPair(p, pair{uint8(bucket), uint8(bucket)}, n)
		if last >= 0 {
			addPair(p, pair{uint8(last), uint8(bucket)}, n)
		}
		last = bucket
	}
}

// Join adds the visitors of another group. They must be others.
func (p Presence) Join(other Presence) { joinPairs(p, other) }

// Count returns the number of visitors in the buckets from one on, up to another, which isn't
// counted.
func (p Presence) Count(from, to int) (visitors int64) {
	for at, n := range p {
		switch {
		case int(at[0]) < from || int(at[1]) >= to:
		case at[0] == at[1]:
			visitors += n
		default:
			visitors -= n
		}
	}
	return visitors
}

// Encode returns the counts as bytes: of each pair two numbers of buckets, and an unsigned varint.
func (p Presence) Encode() []byte { return encodePairs(p) }

// DecodePresence reads what Encode wrote.
func DecodePresence(data []byte) (Presence, error) {
	return decodePairs(data, func(p pair) bool { return p[0] <= p[1] && int(p[1]) < Buckets })
}

// pair is the key of a count: two small numbers.
type pair [2]uint8

func addPair(counts map[pair]int64, key pair, n int64) {
	if counts[key] += n; counts[key] == 0 {
		delete(counts, key)
	}
}

func joinPairs(counts, others map[pair]int64) {
	for key, n := range others {
		addPair(counts, key, n)
	}
}

func encodePairs(counts map[pair]int64) []byte {
	data := []byte{}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b pair) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		data = binary.AppendUvarint(append(data, key[:]...), uint64(counts[key]))
	}
	return data
}

var errDamagedCounts = errors.New("counts are damaged")

func decodePairs(data []byte, valid func(pair) bool) (map[pair]int64, error) {
	counts := map[pair]int64{}
	for len(data) > 0 {
		if len(data) <= len(pair{}) {
			return nil, errDamagedCounts
		}
		key := pair(data)
		n, size := binary.Uvarint(data[len(key):])
		if size <= 0 || !valid(key) {
			return nil, errDamagedCounts
		}
		counts[key] = int64(n)
		data = data[len(key)+size:]
	}
	return counts, nil
}

// Total are the numbers over all keywords, of a scope on a day.
type Total struct {
	Day Day
	Scope
	Counts DayCounts
	Places Places
}

// ClickedBook is a book of a keyword's results that was opened.
type ClickedBook struct {
	Book uint
	// Clicks are how often it was opened, Ordinals the sum of its places.
	Clicks, Ordinals int64
}

// Places count the clicks of a day by bucket and place in the result.
type Places map[pair]int64

// PlaceNames are the places that are told apart.
var PlaceNames = [...]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11-20", "21-50", "51-100", "101-"}

// placeOf returns the place of a book, from 1.
func placeOf(ordinal int) uint8 {
	switch {
	case ordinal <= 10:
		return uint8(max(1, ordinal) - 1)
	case ordinal <= 20:
		return 10
	case ordinal <= 50:
		return 11
	case ordinal <= 100:
		return 12
	}
	return 13
}

// Add adds clicks at an ordinal.
func (p Places) Add(bucket, ordinal int, n int64) {
	addPair(p, pair{uint8(bucket), placeOf(ordinal)}, n)
}

// Join adds other clicks.
func (p Places) Join(other Places) { joinPairs(p, other) }

// Sum returns the clicks of the buckets from one on, up to another, which isn't counted, by place.
func (p Places) Sum(from, to int) (sum [len(PlaceNames)]int64) {
	for key, n := range p {
		if bucket, place := int(key[0]), key[1]; from <= bucket && bucket < to {
			sum[place] += n
		}
	}
	return sum
}

// Encode returns the counts as bytes: of each one bucket and place, and an unsigned varint.
func (p Places) Encode() []byte { return encodePairs(p) }

// DecodePlaces reads what Encode wrote.
func DecodePlaces(data []byte) (Places, error) {
	return decodePairs(data, func(p pair) bool { return int(p[0]) < Buckets && int(p[1]) < len(PlaceNames) })
}
