package interest

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"literank.com/event-books/domain/trend"
)

const (
	// Seeds is how many books recommendations begin with: the last that a visitor opened.
	Seeds = 5
	// prior is how many sessions the similarity of content is worth.
	prior = 10
	// recency is what a seed counts, compared with the one that was opened after it.
	recency = 0.6
)

// Neighbour is a book that was opened in the same sessions as another one.
type Neighbour struct {
	Book uint
	// Pair is the count of the pair, Own that of the neighbour.
	Pair, Own float64
}

// Cosine is the cosine of the sessions of two books, from their counts. It is 1 if all sessions
// have both books.
func Cosine(pair, a, b float64) float64 {
	if pair <= 0 || a <= 0 || b <= 0 {
		return 0
	}
	return pair / math.Sqrt(a) / math.Sqrt(b) // the product of two counts could overflow
}

// Score says how well a book suits readers of another one, from 0 to 1: the cosine, if many
// sessions have both, and the similarity of content, if few do. own is the count of the seed.
func Score(n Neighbour, own, content float64, today trend.Day) float64 {
	c := Worth(n.Pair, today)
	return (c*Cosine(n.Pair, own, n.Own) + prior*content) / (c + prior)
}

// Suggestion is a book that suits readers of another one.
type Suggestion struct {
	Book  uint
	Score float64
	// Read says that readers of the other book opened it, too; else it is only similar.
	Read bool
}

// Compare orders suggestions, the best first.
func (s Suggestion) Compare(other Suggestion) int {
	return cmp.Or(cmp.Compare(other.Score, s.Score), cmp.Compare(s.Book, other.Book))
}

// Recommendation is a book for a visitor.
type Recommendation struct {
	Suggestion
	// Because is the seed that says most for it.
	Because uint
}

// Recommend merges what the seeds suggest; the seed that was opened last comes first and counts
// most. It leaves out the books of seen, and returns the best n books. A score is the mean of those
// with all seeds, by their square roots: so a book that goes with several seeds comes before one that
// goes only with one of them. It lies between 0 and 1.
func Recommend(seeds []uint, suggest map[uint][]Suggestion, seen map[uint]bool, n int) []Recommendation {
	type sum struct {
		Recommendation
		most float64
	}
	sums := map[uint]*sum{}
	all := 0.0
	for i, seed := range seeds {
		weight := math.Pow(recency, float64(i))
		all += weight
		for _, s := range suggest[seed] {
			if seen[s.Book] || s.Score <= 0 {
				continue
			}
			known := sums[s.Book]
			if known == nil {
				known = &sum{}
				known.Book = s.Book
				sums[s.Book] = known
			}
			share := weight * math.Sqrt(s.Score)
			known.Score += share
			if share > known.most {
				known.most, known.Because, known.Read = share, seed, s.Read
			}
		}
	}
	var list []Recommendation
	for _, s := range slices.SortedFunc(maps.Values(sums), func(a, b *sum) int { return a.Compare(b.Suggestion) }) {
		if len(list) == n {
			break
		}
		s.Score = math.Pow(s.Score/all, 2)
		list = append(list, s.Recommendation)
	}
	return list
}
