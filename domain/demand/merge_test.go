package demand

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keywords returns keywords of so many searches, each of visitors of its own.
func keywords(searches map[string]int64) (list []*Keyword) {
	visitor := uint64(0)
	for _, folded := range slices.Sorted(func(yield func(string) bool) {
		for folded := range searches {
			if !yield(folded) {
				return
			}
		}
	}) {
		k := &Keyword{Folded: folded, Numbers: Numbers{Searches: searches[folded]}}
		for range searches[folded] {
			visitor++
			k.Visitors = append(k.Visitors, visitor)
		}
		list = append(list, k)
	}
	return list
}

func names(entries []*Entry) (list []string) {
	for _, e := range entries {
		list = append(list, strings.Join(e.Texts(), "|"))
	}
	return list
}

func TestMergeSpellings(t *testing.T) {
	for name, c := range map[string]struct {
		searches map[string]int64
		want     []string
	}{
		"a wrong letter in a short word":  {map[string]int64{"dune": 3, "dun": 2, "tune": 1}, []string{"dune|tune", "dun"}},
		"two wrong letters in a long one": {map[string]int64{"murderbot": 3, "murdrebot": 2, "muderbott": 1, "murder": 1}, []string{"murderbot|murdrebot|muderbott", "murder"}},
		"swapped letters":                 {map[string]int64{"wolves": 2, "wovles": 1}, []string{"wolves|wovles"}},
		"variants of variants":            {map[string]int64{"aaaaaaaaaa": 3, "aaaaaaaabb": 2, "aaaaaabbbb": 1}, []string{"aaaaaaaaaa|aaaaaaaabb", "aaaaaabbbb"}},
		"years and volumes":               {map[string]int64{"atlas 2024": 4, "atlas 2025": 3, "star wars ii": 2, "star wars iii": 1}, []string{"atlas 2024", "atlas 2025", "star wars ii", "star wars iii"}},
		"plans":                           {map[string]int64{"plan b today": 2, "plan c today": 1}, []string{"plan b today", "plan c today"}},
		"ISBNs":                           {map[string]int64{"9780306406157": 1, "978-0-306-40615-7": 2, "0306406152": 1, "9780306406164": 9}, []string{"978-0-306-40615-7|0306406152|9780306406157", "9780306406164"}},
		"scripts":                         {map[string]int64{"москва слезам": 2, "мосkва слезам": 1}, []string{"москва слезам", "мосkва слезам"}},
		"many syllables":                  {map[string]int64{"ハリーポッターと賢者の石": 2, "ハリーポッタと賢者の石": 1}, []string{"ハリーポッターと賢者の石|ハリーポッタと賢者の石"}},
		"few letters that are words":      {map[string]int64{"吾輩は猫である": 2, "吾輩は犬である": 1}, []string{"吾輩は猫である", "吾輩は犬である"}},
		"fewer letters that are words":    {map[string]int64{"三国演义": 2, "三国志演": 1}, []string{"三国演义", "三国志演"}},
	} {
		assert.ElementsMatch(t, c.want, names(Merge(keywords(c.searches), nil)), name)
	}
}

func TestMergeByCorrection(t *testing.T) {
	list := keywords(map[string]int64{"tolstoi war peace": 2, "war und pece": 1})
	list[0].Meant, list[1].Meant = "war and peace", "war and peace"
	assert.Equal(t, []string{"tolstoi war peace|war und pece"}, names(Merge(list, nil)))
}

func TestMergeOrder(t *testing.T) {
	list := keywords(map[string]int64{"many visitors": 9, "rescued completely": 20, "9780306406157": 1, "a few visitors": 3})
	for _, k := range list {
		if k.Folded == "rescued completely" {
			k.Rescued = k.Searches
		}
	}
	stored := []Stored{{Keyword: "Wanted Thing", State: Open, Requests: 2}, {Keyword: "A few  visitors", State: Open, Requests: 1}}
	got := Merge(list, stored)
	assert.Equal(t, []string{"9780306406157", "A few  visitors|a few visitors", "Wanted Thing", "many visitors", "rescued completely"}, names(got))
	assert.Equal(t, int64(3), got[1].DailyVisitors)
	assert.True(t, got[4].Rescued())
	assert.Equal(t, ID("wanted thing"), got[2].ID)
}

// A visitor who tries two spellings is one visitor.
func TestMergeCountsVisitorsOnce(t *testing.T) {
	asked := time.UnixMilli(5000)
	got := Merge([]*Keyword{
		{Folded: "murderbot", Visitors: []uint64{1, 2}, Numbers: Numbers{Searches: 2, Week: 2, LastAsked: time.UnixMilli(1)}},
		{Folded: "murdrebot", Visitors: []uint64{2, 3}, Numbers: Numbers{Searches: 1, Rescued: 1, WeekBefore: 1, LastAsked: asked}},
	}, []Stored{{Keyword: "Murderbot", State: Open, Requests: 1}, {Keyword: "Murdrebot", State: Open, Requests: 2, RequestedAt: asked}})
	require.Len(t, got, 1)
	assert.Equal(t, int64(3), got[0].DailyVisitors)
	assert.Equal(t, Numbers{Searches: 3, Rescued: 1, Week: 2, WeekBefore: 1, LastAsked: asked}, got[0].Numbers)
	assert.Equal(t, int64(3), got[0].Requests)
	assert.Equal(t, asked, got[0].RequestedAt)
}

// What staff have decided on keeps its entry, and draws variants to it, even if they are searched more.
func TestMergeKeepsDecisions(t *testing.T) {
	decided := Stored{Keyword: "Murdrebot", State: Ordered, DecidedAt: time.UnixMilli(1), Note: "asked Ingram"}
	got := Merge(keywords(map[string]int64{"murderbot": 9, "murdrebot": 1}), []Stored{decided})
	require.Len(t, got, 1)
	assert.Equal(t, decided, got[0].Stored)
	assert.Equal(t, int64(10), got[0].Searches)
	other := Stored{Keyword: "murderbot", State: Ignored, DecidedAt: time.UnixMilli(2)}
	assert.Len(t, Merge(nil, []Stored{decided, other}), 2, "two decisions stay two")
}

// Merging agrees with a comparison of each keyword with all before it.
func TestMergeAgreesWithComparingAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		searches := map[string]int64{}
		for range 30 {
			text := make([]byte, 3+random.IntN(8))
			for i := range text {
				text[i] = "ab c"[random.IntN(4)]
			}
			if folded := strings.Join(strings.Fields(string(text)), " "); folded != "" {
				searches[folded] = int64(random.IntN(4))
			}
		}
		list := keywords(searches)
		got := names(Merge(list, nil))
		slices.Sort(got)
		require.Equal(t, naive(list), got)
	}
}

// naive compares each keyword with all entries so far.
func naive(list []*Keyword) (joined []string) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *Keyword) int {
		return cmp.Or(cmp.Compare(b.Searches, a.Searches), cmp.Compare(a.Folded, b.Folded))
	})
	var groups [][]string
	for _, k := range list {
		best, least := -1, 100
		for i, group := range groups {
			class := classOf(k.Folded)
			if classOf(group[0]) != class {
				continue
			}
			a, b := []rune(k.Folded), []rune(group[0])
			wrong := plainDistance(a, b)
			allowed := min(wrongLetters(len(a), class), wrongLetters(len(b), class))
			if wrong > allowed && allowed > 0 && len(a) < longText && swapped(k.Folded, group[0]) {
				wrong, allowed = 50, 50
			}
			if wrong <= allowed && wrong < least {
				best, least = i, wrong
			}
		}
		if best < 0 {
			groups = append(groups, []string{k.Folded})
		} else {
			groups[best] = append(groups[best], k.Folded)
		}
	}
	for _, group := range groups {
		joined = append(joined, strings.Join(group, "|"))
	}
	slices.Sort(joined)
	return joined
}

// plainDistance is the Levenshtein distance by its definition.
func plainDistance(a, b []rune) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) + len(b)
	case a[0] == b[0]:
		return plainDistance(a[1:], b[1:])
	case len(a)-len(b) > 4 || len(b)-len(a) > 4:
		return 9
	}
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
				table[i][j] = i + j
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1]
			default:
				table[i][j] = 1 + min(table[i-1][j-1], table[i-1][j], table[i][j-1])
			}
		}
	}
	return table[len(a)][len(b)]
}

func swapped(a, b string) bool {
	for i := range len(a) - 1 {
		if a[:i]+a[i+1:i+2]+a[i:i+1]+a[i+2:] == b {
			return true
		}
	}
	return false
}

// Hostile keywords stay what they are, and cost little.
func TestMergeOfHostileKeywords(t *testing.T) {
	searches := map[string]int64{strings.Repeat("ß", 1000): 1, "<script>alert(1)</script>": 1, "=1+1": 1, "me@example.com": 1, "+49 170 1234567": 1, "+49 170 1234568": 1, "🍕🍕🍕🍕": 1, "🍕🍕🍕🍣": 1, "\xff": 1, "  ": 1}
	assert.Len(t, Merge(keywords(searches), nil), len(searches)-1, "two rows of pizza are one")
}

// randomTitles makes keywords as shoppers type them: titles of three words, some with a slip.
func randomTitles(n int) []*Keyword {
	random := rand.New(rand.NewPCG(5, 6))
	word := func() string {
		text := make([]byte, 3+random.IntN(7))
		for i := range text {
			text[i] = "etaoinshrdlucmfwypvbgk"[min(random.IntN(22), random.IntN(22))]
		}
		return string(text)
	}
	words := make([]string, 5000)
	for i := range words {
		words[i] = word()
	}
	list := make([]*Keyword, 0, n)
	for i := range n {
		text := fmt.Sprintf("%s %s %s", words[random.IntN(50)], words[random.IntN(5000)], words[random.IntN(5000)])
		if i%4 == 3 { // a slip
			text = list[random.IntN(i)].Folded
			at := random.IntN(len(text) - 1)
			text = text[:at] + text[at+1:]
		}
		list = append(list, &Keyword{Number: int64(i), Folded: text, Numbers: Numbers{Searches: int64(random.IntN(100))}, Visitors: []uint64{uint64(i)}})
	}
	return list
}

func BenchmarkMerge100000(b *testing.B) {
	list := randomTitles(100_000)
	for b.Loop() {
		b.ReportMetric(float64(len(Merge(list, nil))), "entries")
	}
}

// All keywords begin alike, which makes the longest lists.
func BenchmarkMerge100000Alike(b *testing.B) {
	list := randomTitles(100_000)
	for _, k := range list {
		k.Folded = "harry potter and the " + k.Folded
	}
	for b.Loop() {
		b.ReportMetric(float64(len(Merge(list, nil))), "entries")
	}
}
