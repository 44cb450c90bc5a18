package flatfile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// Of two books that get as many clicks, the one that was shown further down is the better one.
func TestJudgements(t *testing.T) {
	var events []any
	var clicks []any
	for i := range 10 {
		one := search(fmt.Sprint("a", i), []string{"moon", "Moon"}[min(1, i/7)], 1, 2)
		events = append(events, one)
		if i < 4 {
			clicks = append(clicks, click(one, 1, 1))
		}
		if i < 2 {
			clicks = append(clicks, click(one, 2, 2), click(one, 2, 2)) // opened twice
		}
		other := search(fmt.Sprint("b", i), "tide", 3, 4)
		events = append(events, other)
		if i < 4 {
			clicks = append(clicks, click(other, 4, 2))
		}
	}
	bot, demo, nothing := search("c", "moon", 1), search("d", "moon", 1), search("e", "nothing")
	bot.Agent, demo.Surface = model.BotAgent, model.DemoSurface
	events = append(append(events, bot, demo, nothing), clicks...)
	events = append(events, click(bot, 1, 1), click(demo, 1, 1), click(nothing, 9, 1))
	// At place 1, 4 of 20 were opened, at place 2, 6 of 20.
	text, x := exported(t, Options{Kind: Judgements, MinShown: 1}, JSONLines, events...)
	assert.Equal(t, `{"query":"moon","docid":"1","rating":3,"clicks":4,"shown":10,"expected":2,"coec":2}
{"query":"moon","docid":"2","rating":1,"clicks":2,"shown":10,"expected":3,"coec":0.6667}
{"query":"tide","docid":"4","rating":2,"clicks":4,"shown":10,"expected":3,"coec":1.3333}
{"query":"tide","docid":"3","rating":0,"clicks":0,"shown":10,"expected":2,"coec":0}
`, text)
	assert.Equal(t, 4, x.Rows)
	text, _ = exported(t, Options{Kind: Judgements, MinShown: 1}, CSV, events...)
	assert.Equal(t, "query,docid,rating\nmoon,1,3\nmoon,2,1\ntide,4,2\ntide,3,0\n", text, "Quepid wants just these columns and no CR")
	text, _ = exported(t, Options{Kind: Judgements, MinShown: 11}, CSV, events...)
	assert.Equal(t, "query,docid,rating\n", text)
	text, _ = exported(t, Options{Kind: Judgements, MinShown: 1, Surface: model.DemoSurface}, CSV, events...)
	assert.Equal(t, "query,docid,rating\nmoon,1,2\n", text)
}

func TestRate(t *testing.T) {
	for coec, want := range map[float64]int{0: 0, 0.24: 0, 0.25: 1, 0.74: 1, 0.75: 2, 1: 2, 1.49: 2, 1.5: 3, 40: 3} {
		assert.Equal(t, want, rate(coec), coec)
	}
}

// Judgements recover which books are attractive, although shoppers rarely look at lower places.
func TestJudgementsUndoThePositionBias(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	attractive := map[uint]float64{1: 0.1, 2: 0.9, 3: 0.5, 4: 0.1, 5: 0.9}
	events, clicks := []any{}, []any{}
	for i := range 4000 {
		books := []uint{1, 2, 3, 4, 5}
		if i%2 == 0 { // another keyword shows other books at the top
			books = []uint{5, 4, 3, 2, 1}
		}
		s := search(fmt.Sprint(i), []string{"one", "two"}[i%2], books...)
		events = append(events, s)
		for place, book := range books {
			if rng.Float64() < attractive[book]/math.Pow(float64(place+1), 0.8) {
				clicks = append(clicks, click(s, book, place+1))
			}
		}
	}
	ratings := map[string]int{}
	text, _ := exported(t, Options{Kind: Judgements, MinShown: 1}, CSV, append(events, clicks...)...)
	for line := range strings.Lines(text) {
		var rating int
		query, rest, _ := strings.Cut(strings.TrimSpace(line), ",")
		book, number, _ := strings.Cut(rest, ",")
		if _, err := fmt.Sscan(number, &rating); err == nil {
			ratings[query+book] = rating
		}
	}
	for _, query := range []string{"one", "two"} {
		assert.GreaterOrEqual(t, ratings[query+"2"], 2, ratings)
		assert.GreaterOrEqual(t, ratings[query+"5"], 2, ratings)
		assert.Equal(t, 0, ratings[query+"1"], ratings)
		assert.Equal(t, 0, ratings[query+"4"], ratings)
	}
}

func TestJudgementsAreBounded(t *testing.T) {
	r := newRatings()
	r.left = 100
	var err error
	n := 0
	for ; n < 1000 && err == nil; n++ {
		err = r.addSearch(search(fmt.Sprint(n), fmt.Sprint("keyword ", n), 1))
	}
	require.ErrorIs(t, err, ErrTooMany)
	assert.InDelta(t, 34, n, 1, "three entries for each: a spelling, a pair and a place")
	r = newRatings()
	s := search("s", "moon", 1)
	require.NoError(t, r.addSearch(s))
	r.left = 0
	require.ErrorIs(t, r.addClick(click(s, 1, 1)), ErrTooMany)
}
