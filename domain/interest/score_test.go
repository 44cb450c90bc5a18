package interest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestScore(t *testing.T) {
	w := Weight(Origin)
	assert.InDelta(t, 0.2, Score(Neighbour{Book: 1}, 9*w, 0.2, Origin), 1e-9, "without a session, the content decides")
	// 10 sessions have both books, of 10 and 40.
	n := Neighbour{Book: 1, Pair: 10 * w, Own: 40 * w}
	assert.InDelta(t, 0.5, Cosine(n.Pair, 10*w, n.Own), 1e-9)
	assert.InDelta(t, (10*0.5+10*0.3)/20, Score(n, 10*w, 0.3, Origin), 1e-9)
	assert.InDelta(t, (5*0.5+10*0.3)/15, Score(n, 10*w, 0.3, Origin+HalfLife), 1e-9, "half is forgotten")
	assert.Zero(t, Cosine(0, 1, 1))
	assert.Zero(t, Cosine(1, 0, 1))
}

func TestRecommend(t *testing.T) {
	suggest := map[uint][]Suggestion{
		1: {{Book: 10, Score: 0.5}, {Book: 11, Score: 0.4, Read: true}, {Book: 2, Score: 0.9}},
		2: {{Book: 11, Score: 0.5}, {Book: 12, Score: 0.1}, {Book: 13}},
	}
	list := Recommend([]uint{1, 2}, suggest, map[uint]bool{1: true, 2: true}, 9)
	assert.Equal(t, []uint{11, 10, 12}, []uint{list[0].Book, list[1].Book, list[2].Book})
	assert.InDelta(t, math.Pow((math.Sqrt(0.4)+recency*math.Sqrt(0.5))/(1+recency), 2), list[0].Score, 1e-9)
	assert.InDelta(t, 0.4, Recommend([]uint{1}, suggest, map[uint]bool{2: true, 10: true}, 9)[0].Score, 1e-9, "with one seed, the score is that with it")
	assert.Equal(t, []uint{1, 1, 2}, []uint{list[0].Because, list[1].Because, list[2].Because})
	assert.Equal(t, []bool{true, false, false}, []bool{list[0].Read, list[1].Read, list[2].Read})
	assert.Len(t, Recommend([]uint{1, 2}, suggest, nil, 1), 1)
	assert.Empty(t, Recommend(nil, suggest, nil, 9))
}

func TestSimilarity(t *testing.T) {
	similarity := func(a, b model.Book) float64 { return ContentOf(&a).Similarity(ContentOf(&b)) }
	dune := model.Book{Title: "Dune", Author: "Frank Herbert", Series: "Dune", Subjects: []string{"Science fiction", "Deserts"}, Description: "A desert planet."}
	messiah := model.Book{Title: "Dune Messiah", Author: "Frank HERBERT, A Friend", Series: "dune", Subjects: []string{"Science fiction"}, Description: "The planet again."}
	emma := model.Book{Title: "Emma", Author: "Jane Austen", Subjects: []string{"Love stories"}}
	common := func(shares ...float64) (content float64) {
		sum := 0.0
		for _, share := range shares {
			sum += share
		}
		return MaxContent * math.Pow(sum, sharpness)
	}
	assert.InDelta(t, MaxContent, similarity(dune, dune), 1e-9, "it is bounded")
	assert.Greater(t, similarity(dune, messiah), common(sameAuthor, sameSeries))
	assert.InDelta(t, similarity(dune, messiah), similarity(messiah, dune), 0)
	assert.Zero(t, similarity(dune, emma))
	assert.Zero(t, similarity(model.Book{}, model.Book{}))
	assert.InDelta(t, common(subjects), similarity(model.Book{Subjects: []string{"Deserts"}}, model.Book{Subjects: []string{"deserts"}}), 1e-9)
	assert.InDelta(t, common(words), similarity(model.Book{Title: "星の王子さま"}, model.Book{Title: "星の王子さま"}), 1e-9)
}

func TestIsSensitive(t *testing.T) {
	for subject, want := range map[string]bool{
		"Cancer -- Patients": true, "Mental health": true, "Gesundheit": true, "Erotic stories": true, "Lesbians -- Fiction": true,
		"Bible. N.T.": true, "Christian life": true, "Islam": true, "Politics and government": true, "Здоровье": true, "仏教史": true, "الاسلام": true,
		"Santé publique": true, "Sozialismus": true, "": false, "Science fiction": false, "Sextants": false, "Cooking": false, "Judges": false, "宇宙": false, "Detective and mystery stories": false,
	} {
		assert.Equal(t, want, IsSensitive(&model.Book{Subjects: []string{"Fiction", subject}}), subject)
	}
	assert.False(t, IsSensitive(&model.Book{}))
}
