package shoppers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/agent"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
)

// classics is the starter catalogue, with ids.
func classics(t testing.TB) []*model.Book {
	t.Helper()
	books, err := catalog.Starter()
	require.NoError(t, err)
	for i, b := range books {
		b.ID = uint(i + 1)
	}
	return books
}

// numbered are books whose ten neighbours have the same author.
func numbered(n int) []*model.Book {
	books := make([]*model.Book, n)
	for i := range books {
		books[i] = &model.Book{ID: uint(i + 1), Title: fmt.Sprintf("Volume number %d", i), Author: fmt.Sprintf("Author %d", i/10)}
	}
	return books
}

var begin = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

func written(t *testing.T, c *Crowd, n int) string {
	t.Helper()
	var text strings.Builder
	require.NoError(t, c.WriteSessions(&text, n, begin))
	return text.String()
}

// The seed and the books decide everything, whatever the order of the books and of the sessions.
func TestASeedDecidesEverything(t *testing.T) {
	books := classics(t)
	c := New(books, 7)
	text := written(t, c, 500)
	slices.Reverse(books)
	assert.Equal(t, text, written(t, New(books, 7), 500))
	assert.NotEqual(t, text, written(t, New(books, 8), 500))
	assert.NotEqual(t, text, written(t, New(books[1:], 7), 500))

	play := func(number int) (all []string) {
		s := c.Session(number)
		all = append(all, fmt.Sprint(s.Shopper))
		for search, ok := s.Next(); ok; search, ok = s.Next() {
			all = append(all, fmt.Sprint(search, s.Open([]uint{1, 2, 3, 4, 5}, true)))
		}
		return all
	}
	later := play(9)
	assert.Equal(t, play(3), play(3))
	assert.Equal(t, later, play(9), "a session doesn't depend on others")
}

// Recommendations are judged on these sessions, so the generator must not change unnoticed.
func TestTheGeneratorIsFrozen(t *testing.T) {
	sum := sha256.Sum256([]byte(written(t, New(numbered(400), 1), 2000)))
	assert.Equal(t, "462d738ed20ef739", hex.EncodeToString(sum[:8]))
}

func TestSessionsAreBounded(t *testing.T) {
	c := New(classics(t), 1)
	searches, longest := 0, 0
	const sessions = 2000
	for number := range sessions {
		n := 0
		for s := c.Session(number); ; n++ {
			search, ok := s.Next()
			if !ok {
				break
			}
			require.NotEmpty(t, strings.TrimSpace(search.Keyword))
			require.True(t, utf8.ValidString(search.Keyword))
			_, err := model.ParseKeyword(search.Keyword)
			require.NoError(t, err)
			s.Open([]uint{1, 2, 3}, true)
		}
		searches, longest = searches+n, max(longest, n)
		require.Positive(t, n)
	}
	assert.LessOrEqual(t, longest, MaxSearches)
	assert.InDelta(t, 2.8, float64(searches)/sessions, 0.3)
}

// All kinds of searches come about as often as they should, in many scripts, and some repeat,
// turn pages, filter, or have a tag.
func TestWhatShoppersType(t *testing.T) {
	c := New(classics(t), 3)
	kinds, scripts := map[Kind]int{}, map[string]int{}
	var all, pages, filters, tagged, repeated int
	for number := range 4000 {
		s := c.Session(number)
		var before Search
		for search, ok := s.Next(); ok; search, ok = s.Next() {
			all++
			kinds[search.Kind]++
			for name, script := range map[string]*unicode.RangeTable{"Latin": unicode.Latin, "Cyrillic": unicode.Cyrillic, "Greek": unicode.Greek, "Han": unicode.Han, "Arabic": unicode.Arabic, "Hebrew": unicode.Hebrew, "Hangul": unicode.Hangul} {
				if strings.IndexFunc(search.Keyword, func(r rune) bool { return unicode.Is(script, r) }) >= 0 {
					scripts[name]++
				}
			}
			switch {
			case search == before:
				repeated++
			case search.Offset > 0:
				pages++
			case search.Language != "":
				filters++
			}
			if search.Tag != "" {
				tagged++
			}
			before = search
			s.Open([]uint{1, 2, 3, 4, 5, 6}, search.Kind != Miss)
		}
	}
	for _, s := range shares {
		if s.Kind != ISBN { // the classics have none
			assert.InDelta(t, s.share, float64(kinds[s.Kind])/float64(all), 0.03, s.Kind)
		}
	}
	for _, script := range []string{"Latin", "Cyrillic", "Greek", "Han", "Arabic", "Hebrew", "Hangul"} {
		assert.Greater(t, scripts[script], all/200, script)
	}
	for what, n := range map[string]int{"repeated": repeated, "pages": pages, "filters": filters, "tagged": tagged} {
		assert.Greater(t, n, all/100, what)
		assert.Less(t, n, all/4, what)
	}
}

// Shoppers look at a place less often the further down it is, and open what they like.
func TestPositionBiasAndTaste(t *testing.T) {
	c := New(numbered(400), 5)
	const places = 10
	var opened [2][places]float64 // by whether the session's taste has the book
	var shown [2][places]float64
	rng := rand.New(rand.NewPCG(1, 1))
	for number := range 30_000 {
		s := c.Session(number)
		if _, ok := s.Next(); !ok {
			continue
		}
		s.target = -1
		page := make([]uint, 0, places)
		for len(page) < places {
			members := c.tastes.members[s.taste]
			id := c.books[members[rng.IntN(len(members))]].ID
			if rng.IntN(2) == 0 {
				id = c.books[rng.IntN(len(c.books))].ID
			}
			if !slices.Contains(page, id) {
				page = append(page, id)
			}
		}
		open := s.Open(page, false)
		for i, id := range page {
			liked := 0
			if c.tastes.likes(s.taste, c.byID[id]) {
				liked = 1
			}
			shown[liked][i]++
			if slices.Contains(open, i) {
				opened[liked][i]++
				break // the shopper may have had enough
			}
		}
	}
	for place := range places {
		rate := opened[1][place] / shown[1][place]
		assert.InEpsilon(t, attractTaste*Examined(place+1), rate, 0.15, "place %d", place+1)
		assert.Greater(t, rate, 3*opened[0][place]/shown[0][place], "place %d", place+1)
	}
	assert.InDelta(t, 1, Examined(1), 1e-9)
	assert.Less(t, opened[1][9]/shown[1][9], opened[1][0]/shown[1][0]/3)
}

// The same shoppers like books of the same author no more often than other books.
func TestTastesDoNotKnowContents(t *testing.T) {
	same, pairs := 0, 0
	for seed := range uint64(20) {
		c := New(numbered(400), seed)
		for _, members := range c.tastes.members {
			for i, one := range members {
				for _, other := range members[:i] {
					pairs++
					if c.books[one].Author == c.books[other].Author {
						same++
					}
				}
			}
		}
	}
	assert.InDelta(t, 9.0/399, float64(same)/float64(pairs), 0.003)
}

// Sessions stay with a taste, and few books are opened much more often than others.
func TestSessionsWithoutAShop(t *testing.T) {
	c := New(numbered(400), 9)
	counts := map[uint]int{}
	ofTaste, all, sessions, last := 0, 0, map[int]bool{}, -1
	for opened := range c.Sessions(8000, begin) {
		require.GreaterOrEqual(t, opened.Session, last)
		last = opened.Session
		require.False(t, opened.At.Before(begin))
		sessions[opened.Session] = true
		counts[opened.Book]++
		all++
		if c.tastes.likes(c.Session(opened.Session).taste, c.byID[opened.Book]) {
			ofTaste++
		}
	}
	assert.Greater(t, float64(ofTaste)/float64(all), 0.6)
	assert.Greater(t, len(sessions), 4000)
	popular := slices.Sorted(func(yield func(int) bool) {
		for _, n := range counts {
			if !yield(-n) {
				return
			}
		}
	})
	top := 0
	for _, n := range popular[:20] {
		top -= n
	}
	share := float64(top) / float64(all)
	assert.Greater(t, share, 0.10, "of the 20 most popular")
	assert.Less(t, share, 0.30, "of the 20 most popular")
	lines := strings.Split(strings.TrimSpace(written(t, c, 10)), "\n")
	assert.Equal(t, "session,item,time", lines[0])
	assert.Regexp(t, `^\d+,\d+,17828\d{5}$`, lines[1])
}

// Browsers of shoppers count as people, and differ: the shoppers of a demo share an address.
func TestBrowsers(t *testing.T) {
	different, cookies, privateOnes := map[string]bool{}, 0, 0
	for _, s := range New(classics(t), 1).shoppers {
		different[s.UserAgent] = true
		r := requestOf(s.UserAgent)
		assert.Equal(t, model.PersonAgent, agent.Of(r), s.UserAgent)
		_, err := model.ParseLanguage(strings.Split(s.AcceptLanguage, ",")[0])
		assert.NoError(t, err, s.AcceptLanguage)
		if s.Consents {
			cookies++
		}
		if s.Private {
			privateOnes++
		}
	}
	assert.Greater(t, len(different), crowdSize/3)
	assert.InDelta(t, consenting*crowdSize, cookies, 40)
	assert.NotZero(t, privateOnes)
}

func TestWithoutBooks(t *testing.T) {
	for _, books := range [][]*model.Book{nil, {{ID: 1, Title: " "}, {Title: "no id"}}} {
		c := New(books, 1)
		s := c.Session(0)
		for search, ok := s.Next(); ok; search, ok = s.Next() {
			assert.Equal(t, Miss, search.Kind)
			s.Open(nil, false)
		}
		for range c.Sessions(50, begin) {
			t.Error("there is nothing to open")
		}
		assert.Len(t, c.Keywords(30), 30)
	}
	one := New([]*model.Book{{ID: 7, Title: "龘"}}, 1)
	for opened := range one.Sessions(50, begin) {
		assert.EqualValues(t, 7, opened.Book)
	}
}

func TestKeywords(t *testing.T) {
	c := New(classics(t), 1)
	keywords := c.Keywords(300)
	require.Len(t, keywords, 300)
	assert.Equal(t, keywords[:50], c.Keywords(50))
	slices.Sort(keywords)
	assert.Len(t, slices.Compact(keywords), 300)
}

func TestPicker(t *testing.T) {
	p := newPicker([]float64{1, 0, 3})
	rng := rand.New(rand.NewPCG(1, 2))
	var counts [3]float64
	for range 40_000 {
		counts[p.pick(rng)]++
	}
	assert.Zero(t, counts[1])
	assert.InDelta(t, 3, counts[2]/counts[0], 0.15)
	assert.False(t, math.IsNaN(zipf(1, 0.6, 10)[0]))
}
