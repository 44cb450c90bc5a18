package trend

import (
	"slices"
	"time"

	"literank.com/event-books/domain/model"
)

// Window is a span of time up to now, in whole buckets or days.
type Window string

const (
	Hour  Window = "1h"  // the running bucket and two before
	Today Window = "24h" // the running bucket and 48 before
	Week  Window = "7d"  // the running day and seven before
	Month Window = "30d" // the running day and 30 before
)

// Windows are all windows, the shortest first.
var Windows = [...]Window{Hour, Today, Week, Month}

// ParseWindow returns the window of that name.
func ParseWindow(name string) (w Window, ok bool) {
	for _, w := range Windows {
		if string(w) == name {
			return w, true
		}
	}
	return "", false
}

// Order says which keywords of a window come first.
type Order string

const (
	// Top are those that were searched most.
	Top Order = "top"
	// Rising are those whose searches have grown most since the window before.
	Rising Order = "rising"
	// NotFoundMost are those that found nothing most often. Only staff see them.
	NotFoundMost Order = "not_found"
)

// Orders are all orders that the public sees, the default first. StaffOrders are all.
var (
	Orders      = [...]Order{Top, Rising}
	StaffOrders = [...]Order{Top, Rising, NotFoundMost}
)

// Span is a run of buckets, counted from 1970-01-01. End isn't part of it.
type Span struct{ Begin, End int64 }

// bucketNumber counts buckets from 1970-01-01.
func bucketNumber(day Day, bucket int) int64 { return int64(day)*int64(Buckets) + int64(bucket) }

// At returns the window at a time, and the window before it, which is as long.
func (w Window) At(now time.Time) (present, before Span) {
	end := bucketNumber(DayOf(now), BucketOf(now)) + 1
	var length int64
	switch w {
	case Hour:
		length = 3
	case Today:
		length = 49
	default:
		end = bucketNumber(DayOf(now)+1, 0)
		length = int64(w.days() * Buckets)
	}
	return Span{end - length, end}, Span{end - 2*length, end - length}
}

// days is the length of a window that consists of days, or 0.
func (w Window) days() int {
	switch w {
	case Week:
		return 8
	case Month:
		return 31
	}
	return 0
}

// Days returns the first and the last day of the span.
func (s Span) Days() (first, last Day) {
	return Day(s.Begin / int64(Buckets)), Day((s.End - 1) / int64(Buckets))
}

// Start returns the first moment of the span, and Stop the one behind its last.
func (s Span) Start() time.Time { return bucketTime(s.Begin) }
func (s Span) Stop() time.Time  { return bucketTime(s.End) }

func bucketTime(number int64) time.Time {
	return time.Unix(number*int64(BucketLength/time.Second), 0).UTC()
}

// Of returns the part of a day that lies in the span, as the numbers of its first bucket and
// of the one behind its last.
func (s Span) Of(day Day) (from, to int) {
	start := bucketNumber(day, 0)
	return int(min(max(0, s.Begin-start), int64(Buckets))), int(min(max(0, s.End-start), int64(Buckets)))
}

// Index returns the number of a bucket in the span, from 0.
func (s Span) Index(day Day, bucket int) int64 { return bucketNumber(day, bucket) - s.Begin }

// Row are the counts of a keyword on one day.
type Row struct {
	// Keyword is the number of a keyword.
	Keyword int64
	Day     Day
	Kind    Kind
	Tag     string
	// Requests, Searches and NotFound are the sums of the day, Encoded all counts: see
	// DecodeDayCounts. NotFound is -1 if a version before this one has counted the row last.
	Requests, Searches, NotFound int64
	Encoded                      []byte
}

// In returns the requests, searches and searches without a result that lie in a span.
func (r *Row) In(s Span) (requests, searches, notFound int64, err error) {
	from, to := s.Of(r.Day)
	if from >= to {
		return 0, 0, 0, nil
	}
	if from == 0 && to == Buckets && r.NotFound >= 0 {
		return r.Requests, r.Searches, r.NotFound, nil
	}
	sum, err := SumEncoded(r.Encoded, from, to)
	return sum.Requests, sum.Searches, sum.NotFound, err
}

// Kind says which searches a row counts.
type Kind int

const (
	Bots Kind = 0
	Page Kind = 1
	API  Kind = 2
	Demo Kind = 3
	// People are Page and API together, as a group of scopes. No row has this kind.
	People Kind = 9
	// Served is added to Page and API for searches that were corrected to another keyword, in
	// the rows of that one. Only public trends count them.
	Served Kind = 10
)

// kinds are the kinds of rows by the surface whose searches they count.
var kinds = map[model.Surface]Kind{model.PageSurface: Page, model.APISurface: API, model.DemoSurface: Demo}

// KindOf returns the kind of the rows that count the searches of a surface. Of "" it is Bots.
func KindOf(surface model.Surface) Kind { return kinds[surface] }

// Surface returns the surface whose searches a kind counts, or "" if it has none of its own.
func (k Kind) Surface() model.Surface {
	for surface, kind := range kinds {
		if kind == k {
			return surface
		}
	}
	return ""
}

// PublicKinds are those that public trends count.
var PublicKinds = []Kind{Page, API, Served + Page, Served + API}

// Public reports whether public trends count the searches.
func (k Kind) Public() bool { return slices.Contains(PublicKinds, k) }

// PublicKeyword is a keyword as the public may see it.
type PublicKeyword struct {
	Keyword int64
	// Text is the spelling that was served most often.
	Text string
	// Books are those of its newest event that found any.
	Books []uint
	// Crowd is the number of different visitors of the best of the days asked for: networks,
	// and cookies that were seen on an earlier day. Counting stops at the number asked for.
	Crowd int
}
