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
type Presence map[presencePair]int64

// presencePair are two buckets, or one twice.
type presencePair struct{ first, next uint8 }

// Add adds a visitor who was there in the buckets that a mask has, n times.
func (p Presence) Add(mask uint64, n int64) {
	last := -1
	for mask != 0 {
		bucket := bits.TrailingZeros64(mask)
		mask &= mask - 1
		p.add(presencePair{uint8(bucket), uint8(bucket)}, n)
		if last >= 0 {
			p.add(presencePair{uint8(last), uint8(bucket)}, n)
		}
		last = bucket
	}
}

func (p Presence) add(pair presencePair, n int64) {
	if p[pair] += n; p[pair] == 0 {
		delete(p, pair)
	}
}

// Join adds the visitors of another group. They must be others.
func (p Presence) Join(other Presence) {
	for pair, n := range other {
		p.add(pair, n)
	}
}

// Count returns the number of visitors in the buckets from one on, up to another, which isn't
// counted.
func (p Presence) Count(from, to int) (visitors int64) {
	for pair, n := range p {
		switch {
		case int(pair.first) < from || int(pair.next) >= to:
		case pair.first == pair.next:
			visitors += n
		default:
			visitors -= n
		}
	}
	return visitors
}

// Encode returns the counts as bytes: of each pair two numbers of buckets, and an unsigned varint.
func (p Presence) Encode() []byte {
	var data []byte
	pairs := slices.SortedFunc(maps.Keys(p), func(a, b presencePair) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.next, b.next))
	})
	for _, pair := range pairs {
		data = binary.AppendUvarint(append(data, pair.first, pair.next), uint64(p[pair]))
	}
	return data
}

// DecodePresence reads what Encode wrote.
func DecodePresence(data []byte) (Presence, error) {
	p := Presence{}
	for len(data) > 0 {
		if len(data) < 3 || int(data[1]) >= Buckets || data[0] > data[1] {
			return nil, errDamagedVisit
		}
		n, size := binary.Uvarint(data[2:])
		if size <= 0 {
			return nil, errDamagedVisit
		}
		p[presencePair{data[0], data[1]}] = int64(n)
		data = data[2+size:]
	}
	return p, nil
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
type Places map[placeKey]int64

type placeKey struct {
	bucket uint8
	place  uint8 // in PlaceNames
}

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
	p.add(placeKey{uint8(bucket), placeOf(ordinal)}, n)
}

func (p Places) add(key placeKey, n int64) {
	if p[key] += n; p[key] == 0 {
		delete(p, key)
	}
}

// Join adds other clicks.
func (p Places) Join(other Places) {
	for key, n := range other {
		p.add(key, n)
	}
}

// Sum returns the clicks of the buckets from one on, up to another, which isn't counted, by place.
func (p Places) Sum(from, to int) (sum [len(PlaceNames)]int64) {
	for key, n := range p {
		if from <= int(key.bucket) && int(key.bucket) < to {
			sum[key.place] += n
		}
	}
	return sum
}

// Encode returns the counts as bytes: of each one bucket and place, and an unsigned varint.
func (p Places) Encode() []byte {
	data := []byte{}
	keys := slices.SortedFunc(maps.Keys(p), func(a, b placeKey) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.place, b.place))
	})
	for _, key := range keys {
		data = binary.AppendUvarint(append(data, key.bucket, key.place), uint64(p[key]))
	}
	return data
}

// DecodePlaces reads what Encode wrote.
func DecodePlaces(data []byte) (Places, error) {
	p := Places{}
	for len(data) > 0 {
		if len(data) < 3 || int(data[0]) >= Buckets || int(data[1]) >= len(PlaceNames) {
			return nil, errors.New("places of clicks are damaged")
		}
		n, size := binary.Uvarint(data[2:])
		if size <= 0 {
			return nil, errors.New("places of clicks are damaged")
		}
		p[placeKey{data[0], data[1]}] = int64(n)
		data = data[2+size:]
	}
	return p, nil
}
