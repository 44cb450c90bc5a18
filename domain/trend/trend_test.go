package trend

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDaysAndBuckets(t *testing.T) {
	for text, want := range map[string]struct {
		day    string
		bucket int
	}{
		"2026-07-01T00:00:00Z":          {"2026-07-01", 0},
		"2026-07-01T00:29:59.999Z":      {"2026-07-01", 0},
		"2026-07-01T00:30:00Z":          {"2026-07-01", 1},
		"2026-07-01T23:59:59.999999Z":   {"2026-07-01", 47},
		"2026-07-01T23:59:59.999-01:00": {"2026-07-02", 1}, // UTC counts
		"1969-12-31T23:59:59Z":          {"1969-12-31", 47},
	} {
		assert.Equal(t, want.day, DayOf(at(text)).Start().Format(time.DateOnly), text)
		assert.Equal(t, want.bucket, BucketOf(at(text)), text)
	}
}

func TestWindows(t *testing.T) {
	now := at("2026-07-10T12:10:00Z")
	text := func(s Span) string {
		moment := func(bucket int64) string {
			return time.Unix(bucket*int64(BucketLength/time.Second), 0).UTC().Format("01-02T15:04")
		}
		return moment(s.Begin) + " " + moment(s.End)
	}
	for window, want := range map[Window][2]string{
		Hour:  {"07-10T11:00 07-10T12:30", "07-10T09:30 07-10T11:00"},
		Today: {"07-09T12:00 07-10T12:30", "07-08T11:30 07-09T12:00"},
		Week:  {"07-03T00:00 07-11T00:00", "06-25T00:00 07-03T00:00"},
		Month: {"06-10T00:00 07-11T00:00", "05-10T00:00 06-10T00:00"},
	} {
		present, before := window.At(now)
		assert.Equal(t, want, [2]string{text(present), text(before)}, window)
	}
	for _, name := range []string{"1h", "24h", "7d", "30d"} {
		_, known := ParseWindow(name)
		assert.True(t, known, name)
	}
	_, known := ParseWindow("2d")
	assert.False(t, known)
}

func TestFactsOfASearch(t *testing.T) {
	search := func(total, served, offset int, language string) Fact {
		return NewSearch(&model.SearchEvent{
			Time: at("2026-07-10T12:10:00Z"), Total: total, Served: served,
			Search: model.Search{Keyword: "x", Offset: offset, Filters: model.Filters{Language: language}},
		}, at("2026-07-10T12:10:01Z")).Facts
	}
	for name, c := range map[string]struct{ got, want Fact }{
		"found":                    {search(9, 5, 0, ""), Searched | Shown | Hit},
		"found nothing":            {search(0, 0, 0, ""), Searched | Empty},
		"rescued":                  {search(0, 5, 0, ""), Searched | Empty | Shown},
		"filtered out":             {search(0, 0, 0, "de"), Searched | FilteredOut},
		"past the end":             {search(9, 0, 20, ""), Searched | Hit | PastEnd},
		"nothing on a later page":  {search(0, 0, 20, ""), Searched},
		"a later page of filtered": {search(0, 0, 20, "de"), Searched | FilteredOut},
	} {
		assert.Equal(t, c.want, c.got, name)
	}
}

func TestCountsOfFacts(t *testing.T) {
	assert.Zero(t, CountsOf(Clicked|Shown), "without its search, a click counts nothing")
	assert.Equal(t, Counts{Searches: 1, NotFound: 1}, CountsOf(Searched|Empty))
	assert.Equal(t, Counts{Searches: 1}, CountsOf(Searched|Empty|Hit), "the book arrived meanwhile")
	assert.Equal(t, Counts{Searches: 1, Shown: 1, NotFound: 1, Rescued: 1}, CountsOf(Searched|Empty|Shown))
	assert.Equal(t, Counts{Searches: 1, Shown: 1, Clicked: 1}, CountsOf(Searched|Hit|Shown|Clicked))
}

// Facts are the same in whatever order they come, and an erasure takes away what was before it.
func TestFactsInAnyOrder(t *testing.T) {
	const day = Day(20_000)
	random := rand.New(rand.NewPCG(5, 6))
	type event struct {
		bucket int
		fact   Fact
		at     time.Time
	}
	for range 300 {
		events := make([]event, 20)
		for i := range events {
			bucket := random.IntN(3)
			events[i] = event{bucket, Fact(random.IntN(1 << facts)), day.Start().Add(time.Duration(bucket)*BucketLength + time.Duration(random.IntN(50))*time.Millisecond)}
		}
		var one, other Facts
		for _, e := range events {
			one.Add(day, e.bucket, e.fact, e.at)
		}
		var halves [2]Facts
		for _, i := range random.Perm(len(events)) {
			halves[i%2].Add(day, events[i].bucket, events[i].fact, events[i].at)
		}
		other = halves[0].Join(halves[1])
		require.Equal(t, one.Encode(), other.Encode())
		read, err := DecodeFacts(one.Encode())
		require.NoError(t, err)
		require.Equal(t, one.Encode(), read.Encode())

		until := day.Start().Add(time.Duration(random.IntN(3))*BucketLength + time.Duration(random.IntN(50))*time.Millisecond)
		read.Erase(day, until)
		var want [Buckets]Fact
		for _, e := range events {
			if e.at.After(until) {
				want[e.bucket] |= e.fact
			}
		}
		require.Equal(t, want, read.ByBucket())
	}
}

func TestDayCounts(t *testing.T) {
	d := DayCounts{}
	d.Add(3, Counts{Requests: 2, Searches: 1}, 1)
	d.Add(47, Counts{Requests: 1, Ordinals: 1 << 40}, 1)
	read, err := DecodeDayCounts(d.Encode())
	require.NoError(t, err)
	assert.Equal(t, d, read)
	assert.Equal(t, Counts{Requests: 3, Searches: 1, Ordinals: 1 << 40}, read.Sum(0, Buckets))
	assert.Equal(t, Counts{Requests: 2, Searches: 1}, read.Sum(3, 47))
	d.Add(3, Counts{Requests: 2, Searches: 1}, -1)
	assert.NotContains(t, d, 3)
	assert.Equal(t, []byte{}, DayCounts{}.Encode(), "not NULL in a database, which equals nothing")
}

func TestVisitors(t *testing.T) {
	id := uuid.NewString()
	cookie, daily := VisitorOf(id, "00112233deadbeef"), VisitorOf("", "00112233deadbeef")
	assert.True(t, cookie.Cookie())
	assert.Empty(t, cookie.Network())
	assert.False(t, daily.Cookie())
	assert.Equal(t, "\x00\x11\x22\x33", daily.Network())
	assert.Equal(t, cookie, VisitorOf(id, ""))
	assert.Len(t, VisitorOf("another program's number", ""), 16)
	assert.Empty(t, VisitorOf("", ""))
	assert.Empty(t, VisitorOf("", "short"))
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	var facts Facts
	facts.Add(1, 2, Searched, Day(1).Start().Add(time.Hour))
	f.Add(facts.Encode())
	f.Add(DayCounts{1: {Requests: 300}}.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if facts, err := DecodeFacts(data); err == nil {
			facts.ByBucket()
			require.Equal(t, data, append([]byte{}, facts.Encode()...))
		}
		if d, err := DecodeDayCounts(data); err == nil {
			again, err := DecodeDayCounts(d.Encode())
			require.NoError(t, err)
			for bucket, c := range d {
				if c != (Counts{}) {
					require.Equal(t, c, again[bucket])
				}
			}
		}
	})
}
