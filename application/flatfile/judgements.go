package flatfile

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"

	"literank.com/event-books/domain/model"
)

// ErrTooMany means that judging exactly would take more memory than is allowed.
var ErrTooMany = errors.New("there are too many searches to judge them in memory")

// maxJudged bounds the pairs, places and clicks that ratings keeps: some 400 MB.
const maxJudged = 3_000_000

// judgement is a row of Judgements.
type judgement struct {
	// Query is the spelling that was typed most often, Book a book that was shown for it.
	Query string `json:"query"`
	Book  string `json:"docid"`
	// Rating is COEC on a scale from 0 to 3.
	Rating int   `json:"rating"`
	Clicks int64 `json:"clicks"`
	Shown  int64 `json:"shown"`
	// Expected is how many clicks any book would have got at the places where this one was
	// shown. COEC is Clicks divided by it.
	Expected float64 `json:"expected"`
	COEC     float64 `json:"coec"`
}

// Columns are those of a CSV file: Quepid takes no others.
func (j judgement) columns() []string { return []string{"query", "docid", "rating"} }

// rate returns the rating of a COEC: 0 below a quarter of the expected clicks, 1 below three
// quarters, 2 below one and a half, and 3.
func rate(coec float64) int {
	limits := []float64{0.25, 0.75, 1.5}
	rating, found := slices.BinarySearch(limits, coec)
	if found {
		rating++
	}
	return rating
}

// pair is a book that was shown for a keyword.
type pair struct {
	folded string
	book   uint
}

// seen counts how often a pair was shown at each place, and opened.
type seen struct {
	shown  map[int]int64
	clicks int64
}

// ratings gathers how often books were shown and opened.
type ratings struct {
	spellings map[string]map[string]int64
	pairs     map[pair]*seen
	clicked   map[[16]byte]bool // a book of a result counts once
	// shown and clicks are the sums of each place, over all keywords.
	shown, clicks map[int]int64
	left          int
}

func newRatings() *ratings {
	return &ratings{
		spellings: map[string]map[string]int64{}, pairs: map[pair]*seen{}, clicked: map[[16]byte]bool{},
		shown: map[int]int64{}, clicks: map[int]int64{}, left: maxJudged,
	}
}

// addSearch counts what a search showed. Bots don't judge.
func (r *ratings) addSearch(e *model.SearchEvent) error {
	books, err := model.DecodeBooks(e.Value)
	if err != nil || e.Agent == model.BotAgent || len(books) == 0 {
		return nil
	}
	folded := model.Fold(string(e.Search.Keyword))
	if r.spellings[folded] == nil {
		r.spellings[folded] = map[string]int64{}
	}
	if r.spellings[folded][string(e.Search.Keyword)]++; r.spellings[folded][string(e.Search.Keyword)] == 1 {
		r.left--
	}
	for i, b := range books {
		place, of := e.Search.Offset+i+1, pair{folded, b.ID}
		if r.pairs[of] == nil {
			r.pairs[of] = &seen{shown: map[int]int64{}}
			r.left--
		}
		if r.pairs[of].shown[place]++; r.pairs[of].shown[place] == 1 {
			r.left--
		}
		r.shown[place]++
	}
	return r.check()
}

// addClick counts a click on a book that was shown.
func (r *ratings) addClick(e *model.ClickEvent) error {
	pair := r.pairs[pair{model.Fold(string(e.Keyword)), e.Book}]
	sum := sha256.Sum256([]byte(e.SearchID + " " + strconv.FormatUint(uint64(e.Book), 10)))
	click := [16]byte(sum[:])
	if pair == nil || e.Agent == model.BotAgent || r.clicked[click] {
		return nil
	}
	r.clicked[click] = true
	r.left--
	pair.clicks++
	r.clicks[e.Ordinal]++
	return r.check()
}

func (r *ratings) check() error {
	if r.left < 0 {
		return ErrTooMany
	}
	return nil
}

// each calls do for the judgements of books that were shown often enough, by keyword, and the
// best first.
func (r *ratings) each(minShown int, do func(judgement) error) error {
	byKeyword := map[string][]judgement{}
	for of, seen := range r.pairs {
		if j := r.judge(of, seen); j.Shown >= int64(minShown) {
			byKeyword[of.folded] = append(byKeyword[of.folded], j)
		}
	}
	for _, folded := range slices.Sorted(maps.Keys(byKeyword)) {
		judgements := byKeyword[folded]
		slices.SortFunc(judgements, func(a, b judgement) int {
			return cmp.Or(-cmp.Compare(a.COEC, b.COEC), -cmp.Compare(a.Shown, b.Shown), cmp.Compare(a.Book, b.Book))
		})
		for _, j := range judgements {
			if err := do(j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *ratings) judge(of pair, seen *seen) judgement {
	j := judgement{Query: mostTyped(r.spellings[of.folded]), Book: bookID(of.book), Clicks: seen.clicks}
	for _, place := range slices.Sorted(maps.Keys(seen.shown)) { // sums of fractions depend on their order
		n := seen.shown[place]
		j.Shown += n
		j.Expected += float64(n) * float64(r.clicks[place]) / float64(r.shown[place])
	}
	if j.Expected > 0 {
		j.COEC = float64(j.Clicks) / j.Expected
	}
	j.Rating, j.Expected, j.COEC = rate(j.COEC), rounded(j.Expected), rounded(j.COEC)
	return j
}

func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// mostTyped returns the most frequent spelling, of equal ones the first in byte order.
func mostTyped(spellings map[string]int64) (most string) {
	for _, spelling := range slices.Sorted(maps.Keys(spellings)) {
		if most == "" || spellings[spelling] > spellings[most] {
			most = spelling
		}
	}
	return most
}
