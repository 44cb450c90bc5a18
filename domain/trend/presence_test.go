package trend

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Presence counts the visitors of any run of buckets exactly, also after some have left.
func TestPresenceCountsAnyRun(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := Presence{}
	var masks []uint64
	for range 200 {
		mask := random.Uint64() & random.Uint64() & random.Uint64() & random.Uint64() & (1<<Buckets - 1)
		masks = append(masks, mask)
		p.Add(mask, 1)
	}
	for _, mask := range masks[:50] {
		p.Add(mask, -1)
	}
	decoded, err := DecodePresence(p.Encode())
	require.NoError(t, err)
	assert.Equal(t, p, decoded)
	for from := range Buckets {
		for to := from; to <= Buckets; to++ {
			want := int64(0)
			for _, mask := range masks[50:] {
				if mask>>from&(1<<(to-from)-1) != 0 {
					want++
				}
			}
			require.Equal(t, want, decoded.Count(from, to), "%d to %d", from, to)
		}
	}
}

func TestVisitsOfSeveralLanguages(t *testing.T) {
	const day = Day(20_000)
	noon := day.Start().Add(12 * time.Hour)
	for name, fill := range map[string]func(Visit){
		"none":    func(Visit) {},
		"unknown": func(v Visit) { v.Add("", day, 24, Searched, noon) },
		"one":     func(v Visit) { v.Add("de", day, 24, Searched|Shown, noon) },
		"two": func(v Visit) {
			v.Add("de", day, 24, Searched, noon)
			v.Add("en", day, 25, Searched, noon.Add(time.Hour))
		},
		"with one": func(v Visit) {
			v.Add("", day, 24, Searched, noon)
			v.Add("en", day, 24, Searched, noon.Add(time.Second))
		},
	} {
		v := Visit{}
		fill(v)
		decoded, err := DecodeVisit(v.Facts().Encode(), v.EncodeLanguages())
		require.NoError(t, err, name)
		assert.Equal(t, v, decoded, name)
	}
	former, err := DecodeVisit(Facts{{bucket: 3, facts: Searched}}.Encode(), nil)
	require.NoError(t, err)
	assert.Equal(t, Visit{"": {{bucket: 3, facts: Searched}}}, former, "a row of an earlier version")

	v := Visit{}
	v.Add("de", day, 24, Searched, noon)
	v.Add("en", day, 24, Searched, noon.Add(time.Minute))
	v.Erase(day, noon)
	assert.Len(t, v, 1)
	assert.Contains(t, v, "en")
}

func TestGroupsOfAScope(t *testing.T) {
	scope := Scope{Page, "letter", "de"}
	for _, group := range []Scope{scope, {People, Any, Any}, {Page, Any, "de"}, {People, "letter", Any}} {
		assert.True(t, group.Has(scope), group)
	}
	for _, group := range []Scope{{API, Any, Any}, {Page, "", Any}, {Demo, "letter", "de"}} {
		assert.False(t, group.Has(scope), group)
	}
	assert.False(t, Scope{People, Any, Any}.Has(Scope{Demo, "", ""}))
	for _, kind := range []Kind{Page, API, Demo} { // both say the same
		for _, group := range (Scope{kind, "letter", "de"}).Groups() {
			assert.True(t, group.Has(Scope{kind, "letter", "de"}), group)
		}
	}
}

func TestPlaces(t *testing.T) {
	p := Places{}
	for _, ordinal := range []int{1, 1, 10, 11, 20, 21, 50, 51, 100, 101, 9999} {
		p.Add(3, ordinal, 1)
	}
	p.Add(4, 1, 1)
	decoded, err := DecodePlaces(p.Encode())
	require.NoError(t, err)
	assert.Equal(t, p, decoded)
	assert.Equal(t, [len(PlaceNames)]int64{0: 2, 9: 1, 10: 2, 11: 2, 12: 2, 13: 2}, decoded.Sum(3, 4))
	assert.Equal(t, int64(3), decoded.Sum(0, Buckets)[0])
}

// Damaged rows are errors, and never more than that.
func FuzzDecodeInsights(f *testing.F) {
	noon := Day(20_000).Start().Add(12 * time.Hour)
	a := Activity{}
	a.Add(Scope{Page, "letter", "de"}, 20_000, noon)
	p := Presence{}
	p.Add(0b1011, 2)
	f.Add(a.Encode(), p.Encode(), []byte("\x02de"))
	f.Fuzz(func(t *testing.T, one, other, third []byte) {
		if a, err := DecodeActivity(one); err == nil {
			_ = a.Buckets()
		}
		if p, err := DecodePresence(other); err == nil {
			_ = p.Count(0, Buckets)
		}
		_, _ = DecodePlaces(one)
		if v, err := DecodeVisit(one, third); err == nil {
			_ = v.Facts()
		}
	})
}

// A search in several languages counts once, for the language that was searched last.
func TestAVisitCountsOnce(t *testing.T) {
	const day = Day(20_000)
	noon := day.Start().Add(12 * time.Hour)
	v := Visit{}
	v.Add("en-GB", day, 24, Searched|Shown|Hit, noon)
	v.Add("de", day, 24, Searched, noon.Add(time.Minute))
	v.Add("", day, 24, Clicked, noon.Add(2*time.Minute)) // an earlier version's click
	v.Add("fr", day, 25, Clicked, noon.Add(time.Hour))   // its search never arrived
	assert.Equal(t, map[string]DayCounts{"de": {24: {Searches: 1, Shown: 1, Clicked: 1}}}, v.Counts())
	sum := DayCounts{}
	sum.AddFacts(v.Facts(), 1)
	assert.Equal(t, sum, v.Counts()["de"], "as much as for the keyword")
}
