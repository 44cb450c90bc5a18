package interest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func TestWeight(t *testing.T) {
	assert.InDelta(t, 1, Weight(Origin), 0)
	assert.Equal(t, "2026-01-01", Origin.Start().Format(time.DateOnly))
	for _, days := range []trend.Day{-400, -1, 7, 60, 35 * 365} {
		day := Origin + days
		assert.InEpsilon(t, math.Exp2(float64(days)/HalfLife), Weight(day), 1.0/(1<<weightBits))
		assert.InEpsilon(t, 1, Worth(Weight(day), day), 1.0/(1<<weightBits))
		assert.InEpsilon(t, 0.5, Worth(Weight(day), day+HalfLife), 1.0/(1<<weightBits))
	}
	century := Weight(Origin+150*365) * (1 << 40)
	assert.False(t, math.IsInf(century, 0))
}

// Counts are the same in any order, since sums of weights are exact.
func TestSumsOfWeightsAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var added []float64
	sum := 0.0
	for range 100_000 {
		w := Weight(Origin + trend.Day(random.IntN(3*365)))
		added = append(added, w)
		sum += w
	}
	random.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
	for _, w := range added {
		sum -= w
	}
	assert.Zero(t, sum)
}

func TestNewOpening(t *testing.T) {
	click := model.ClickEvent{Time: noon, SearchTime: noon, SearchID: "x", Book: 7, Visitor: "0123456789abcdef", Surface: model.PageSurface, Agent: model.PersonAgent}
	o, counts := NewOpening(&click, noon)
	require.True(t, counts)
	assert.Equal(t, &Opening{Visitor: trend.VisitorOf("", click.Visitor), Book: 7, At: noon}, o)
	for name, change := range map[string]func(*model.ClickEvent){
		"a bot":      func(c *model.ClickEvent) { c.Agent = model.BotAgent },
		"a demo":     func(c *model.ClickEvent) { c.Surface = model.DemoSurface },
		"no visitor": func(c *model.ClickEvent) { c.Visitor = "" },
		"no book":    func(c *model.ClickEvent) { c.Book = 0 },
	} {
		other := click
		change(&other)
		_, counts := NewOpening(&other, noon)
		assert.False(t, counts, name)
	}
}

func TestSessionInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var opened []Opened
		for range 120 {
			opened = append(opened, Opened{uint(1 + random.IntN(50)), int64(random.IntN(1000))})
		}
		var one, other Session
		for _, o := range opened {
			one.Add(o)
		}
		for _, i := range random.Perm(len(opened)) {
			other.Add(opened[i])
		}
		require.Equal(t, one, other)
		require.LessOrEqual(t, len(one), MaxBooks)
	}
	var s Session
	assert.True(t, s.Add(Opened{1, 5}))
	assert.False(t, s.Add(Opened{1, 6}), "it was opened before")
	assert.True(t, s.Add(Opened{1, 4}))
	assert.Equal(t, Session{{1, 4}}, s)
}

func TestDifference(t *testing.T) {
	books, pairs := map[uint]int{}, map[Pair]int{}
	Difference([]uint{1, 2, 3}, []uint{2, 3, 4, 5}, func(b uint, n int) { books[b] += n }, func(p Pair, n int) { pairs[p] += n })
	assert.Equal(t, map[uint]int{1: -1, 4: 1, 5: 1}, books)
	assert.Equal(t, map[Pair]int{{1, 2}: -1, {1, 3}: -1, {2, 4}: 1, {2, 5}: 1, {3, 4}: 1, {3, 5}: 1, {4, 5}: 1}, pairs)
	Difference([]uint{1, 2}, []uint{1, 2}, func(uint, int) { t.Error("nothing has changed") }, func(Pair, int) { t.Error("nothing has changed") })
	assert.Equal(t, Pair{3, 9}, PairOf(9, 3))
}

func TestHistory(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var one, other History
	var opened []Opened
	for range 200 {
		opened = append(opened, Opened{uint(1 + random.IntN(60)), noon.UnixMilli() + int64(random.IntN(5))*24*3600*1000 + int64(random.IntN(9))})
	}
	for _, o := range opened {
		one.Add(o)
	}
	for _, i := range random.Perm(len(opened)) {
		other.Add(opened[i])
	}
	require.Equal(t, one, other)
	require.Len(t, one, maxHistory)
	read, err := DecodeHistory(one.Encode())
	require.NoError(t, err)
	assert.Equal(t, one, read)
	read.Forget(trend.DayOf(noon) + 4)
	require.NotEmpty(t, read)
	assert.GreaterOrEqual(t, read.Oldest(), (trend.DayOf(noon) + 4).Start().UnixMilli())
	read.Forget(trend.DayOf(noon) + 9)
	assert.Empty(t, read)
	assert.Zero(t, read.Oldest())
}

func FuzzDecodeHistory(f *testing.F) {
	f.Add(History{{1, 2}, {300, 1 << 40}}.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := DecodeHistory(data)
		if err != nil {
			return
		}
		again, err := DecodeHistory(h.Encode())
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}

func TestSupport(t *testing.T) {
	cookie := func() trend.Visitor { return trend.VisitorOf(uuid.NewString(), "") }
	daily := func(digits string) trend.Visitor { return trend.VisitorOf("", digits) }
	var s Support
	assert.False(t, s.Enough())
	faithful := cookie()
	for day := range trend.Day(9) {
		s.Add(faithful, day)
	}
	s.Add(cookie(), 1)
	s.Add(daily("0000000000000001"), 2)
	s.Add(daily("0000000000000002"), 3)
	assert.False(t, s.Enough(), "two cookies, and two visitors of a day")
	threeCookies, threeOfADay := s, Support{}
	threeCookies.Add(cookie(), 7)
	assert.True(t, threeCookies.Enough())
	for _, digits := range []string{"0000000000000001", "0000000000000002", "0000000000000003"} {
		threeOfADay.Add(daily(digits), 5)
	}
	assert.True(t, threeOfADay.Enough())
}
