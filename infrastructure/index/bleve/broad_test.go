package bleve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	bleve "github.com/blevesearch/bleve_index_api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/work"
	"literank.com/event-books/infrastructure/index"
)

// large returns an index with two large segments and a small one, and its books. "Many" and "rare" are
// in many titles, "some" in a few, "few" in fewer. Some books have been deleted.
func large(t *testing.T) (*Index, []*model.Book) {
	t.Helper()
	x, err := Open(t.TempDir()+"/index", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	random := rand.New(rand.NewPCG(1, 2))
	// A few values are common, most are rare.
	value := func(name string) string {
		return fmt.Sprintf("%s %d", name, int(900*random.Float64()*random.Float64()*random.Float64()))
	}
	var books []*model.Book
	for _, size := range []int{manyDocuments + 500, manyDocuments, 700} {
		batch := bleve.NewBatch()
		first := len(books)
		for range size {
			author := fmt.Sprint("Author ", random.IntN(3000)) // so many that none is common
			if random.IntN(3) == 0 {
				author = strings.ToUpper(author)
			}
			b := &model.Book{ID: uint(len(books) + 1), Title: "Rare", Author: author, Subjects: []string{value("Subject"), value("Topic")},
				Language: []string{"en", "en-US", "de", "fr", ""}[random.IntN(5)], Popularity: int64(random.IntN(40))}
			if random.IntN(9) > 0 {
				b.PublishedAt = fmt.Sprint(1700 + 30*random.IntN(10))
			}
			for word, n := range map[string]int{"Many": 80, "Some": 15, "Few": 2} {
				if random.IntN(100) < n {
					b.Title += " " + word
				}
			}
			b.Title += []string{"", " walk", " walks", " walking"}[random.IntN(4)]
			books = append(books, b)
		}
		fill(batch, books[first:])
		require.NoError(t, x.batch(batch))
	}
	require.NoError(t, x.refresh())
	require.Equal(t, 3, x.Segments())
	var gone []uint
	for i := 0; i < len(books); i += 40 {
		gone = append(gone, books[i].ID)
	}
	require.NoError(t, x.Apply(nil, gone, index.Position{}))
	return x, slices.DeleteFunc(books, func(b *model.Book) bool { return slices.Contains(gone, b.ID) })
}

// counted counts the values of books by their folded names. With byWork, the editions of a work count
// once for each value.
func counted(books []*model.Book, byWork bool, values func(b *model.Book) []string) map[string]int {
	seen, counts := map[string]bool{}, map[string]int{}
	for _, b := range books {
		owner := fmt.Sprint(b.ID)
		if key, ok := work.Key(b); ok && byWork {
			owner = key
		}
		for _, v := range values(b) {
			if value := model.Fold(v); !seen[owner+"/"+value] {
				seen[owner+"/"+value] = true
				counts[value]++
			}
		}
	}
	return counts
}

// highest returns the highest counts, as many as a facet has.
func highest(counts map[string]int) []int {
	all := slices.Collect(maps.Values(counts))
	slices.SortFunc(all, func(a, b int) int { return cmp.Compare(b, a) })
	return all[:min(len(all), facetValues)]
}

func decadesOf(b *model.Book) []string {
	if year, ok := b.Year(); ok {
		return []string{fmt.Sprint(decadeOf(year))}
	}
	return nil
}

// Facets of many books are those that counting each book would give, also if several searches count
// at once.
func TestFacetsOfManyBooks(t *testing.T) {
	x, books := large(t)
	for _, search := range []model.Search{
		{Keyword: "many"}, {Keyword: "rare"}, {Keyword: "some"}, {Keyword: "few"}, {Keyword: "many few"},
		{Keyword: "many", Filters: model.Filters{Language: "en"}}, {Keyword: "many", ByWork: true}, {Keyword: "few", ByWork: true},
	} {
		t.Run(fmt.Sprint(search.Keyword, search.Filters.Language, search.ByWork), func(t *testing.T) {
			t.Parallel()
			search.Limit, search.WithFacets = 30, true
			result, err := x.SearchBooks(context.Background(), search)
			require.NoError(t, err)

			words := strings.Fields(string(search.Keyword))
			found := slices.DeleteFunc(slices.Clone(books), func(b *model.Book) bool {
				title := strings.Fields(strings.ToLower(b.Title))
				return slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(title, w) })
			})
			passing := slices.DeleteFunc(slices.Clone(found), func(b *model.Book) bool {
				return search.Filters.Language != "" && !slices.Contains(tags(b.Language), search.Filters.Language)
			})
			if !search.ByWork {
				assert.Equal(t, len(passing), result.Total)
			}
			facets := result.Facets
			for _, test := range []struct {
				facet  string
				got    []model.FacetValue
				books  []*model.Book
				values func(b *model.Book) []string
			}{
				{"authors", facets.Authors, passing, (*model.Book).Authors},
				{"languages", facets.Languages, found, func(b *model.Book) []string { return tags(b.Language) }},
				{"subjects", facets.Subjects, passing, func(b *model.Book) []string { return b.Subjects }},
				{"decades", facets.Decades, passing, decadesOf},
			} {
				want := counted(test.books, search.ByWork, test.values)
				var counts []int
				for _, value := range test.got {
					counts = append(counts, value.Count)
					assert.Equal(t, want[model.Fold(value.Value)], value.Count, "%s: %s", test.facet, value.Value)
				}
				assert.Equal(t, highest(want), counts, test.facet)
			}
		})
	}
}

// The best of many books are those that looking at each would find.
func TestBestOfManyBooks(t *testing.T) {
	x, _ := large(t)
	v, err := x.view()
	require.NoError(t, err)
	defer func() { require.NoError(t, v.release()) }()
	for _, keyword := range []model.Keyword{"many", "few"} {
		r, err := v.run(t.Context(), newPlan(keyword, model.Filters{}))
		require.NoError(t, err)
		for _, limit := range []int{1, 10, 100, 5000} {
			fast, slow := top{limit: limit}, top{limit: limit}
			for _, m := range r.parts {
				fast.addRanked(m.part, m.found)
				slow.add(m.part, m.found, func(doc uint32) uint64 { return m.part.columns.rank[doc] })
			}
			fast.cut()
			slow.cut()
			assert.Equal(t, slow.hits[:min(limit, len(slow.hits))], fast.hits[:min(limit, len(fast.hits))])
		}
	}
}

// Dense sets have the same documents as bitmaps.
func TestDenseSets(t *testing.T) {
	x, _ := large(t)
	v, err := x.view()
	require.NoError(t, err)
	defer func() { require.NoError(t, v.release()) }()
	for _, keyword := range []model.Keyword{"walking", "walks many", "some walk rare", "nothing", "walk nothing"} {
		for _, part := range v.parts {
			m := newMatcher(newPlan(keyword, model.Filters{}), part)
			for _, docs := range []*roaring.Bitmap{nil, m.everything(), m.term(titleField, "few"), none} {
				var sets []*either
				want := docs
				for i := range m.words {
					sets = append(sets, m.widely(i))
					want = m.within(want, sets[i])
				}
				assert.True(t, want.Equals(m.allDense(sets, docs)), keyword)
			}
			require.NoError(t, m.err)
		}
	}
}
