package bleve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	bleve "github.com/blevesearch/bleve_index_api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

// large returns an index with two large segments and a small one, and its books. Many books have the
// word "many", some "few".
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
			author := value("Author")
			if random.IntN(3) == 0 {
				author = strings.ToUpper(author)
			}
			b := &model.Book{ID: uint(len(books) + 1), Title: "Rare", Author: author, Subjects: []string{value("Subject"), value("Topic")},
				Language: []string{"en", "en-US", "de", "fr", ""}[random.IntN(5)], Popularity: int64(random.IntN(400))}
			if random.IntN(9) > 0 {
				b.PublishedAt = fmt.Sprint(1700 + random.IntN(300))
			}
			if random.IntN(5) > 0 {
				b.Title = "Many " + b.Title
			}
			if random.IntN(50) == 0 {
				b.Title += " few"
			}
			books = append(books, b)
		}
		fill(batch, books[first:])
		require.NoError(t, x.batch(batch))
	}
	require.NoError(t, x.refresh())
	require.Equal(t, 3, x.Segments())
	return x, books
}

// counted returns the commonest values of books, as the facets do.
func counted(books []*model.Book, values func(b *model.Book) []string) []model.FacetValue {
	counts, names := map[string]int{}, map[string]string{}
	for _, b := range books {
		for _, v := range values(b) {
			counts[model.Fold(v)]++
			names[model.Fold(v)] = v
		}
	}
	var all []model.FacetValue
	for key, n := range counts {
		all = append(all, model.FacetValue{Value: key, Count: n})
	}
	slices.SortFunc(all, func(a, b model.FacetValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(names[a.Value], names[b.Value]))
	})
	return all[:min(len(all), facetValues)]
}

// counts drops the names: values with the same count may be named by either spelling.
func counts(values []model.FacetValue) (n []int) {
	for _, v := range values {
		n = append(n, v.Count)
	}
	return n
}

func TestBroadSearches(t *testing.T) {
	x, books := large(t)
	for _, keyword := range []model.Keyword{"many", "rare", "few", "many few"} {
		t.Run(string(keyword), func(t *testing.T) {
			var found []*model.Book
			for _, b := range books {
				words := strings.Fields(strings.ToLower(b.Title))
				if !slices.ContainsFunc(strings.Fields(string(keyword)), func(w string) bool { return !slices.Contains(words, w) }) {
					found = append(found, b)
				}
			}
			result, err := x.SearchBooks(context.Background(), model.Search{Keyword: keyword, Limit: 30, WithFacets: true})
			require.NoError(t, err)
			assert.Equal(t, len(found), result.Total)

			facets := result.Facets
			for _, test := range []struct {
				facet  string
				got    []model.FacetValue
				values func(b *model.Book) []string
			}{
				{"authors", facets.Authors, (*model.Book).Authors},
				{"languages", facets.Languages, func(b *model.Book) []string { return tags(b.Language) }},
				{"subjects", facets.Subjects, func(b *model.Book) []string { return b.Subjects }},
				{"decades", facets.Decades, func(b *model.Book) []string {
					if year, ok := b.Year(); ok {
						return []string{fmt.Sprint(decadeOf(year))}
					}
					return nil
				}},
			} {
				assert.Equal(t, counts(counted(found, test.values)), counts(test.got), test.facet)
				for _, value := range test.got {
					n := 0
					for _, b := range found {
						if slices.ContainsFunc(test.values(b), func(v string) bool { return model.Fold(v) == model.Fold(value.Value) }) {
							n++
						}
					}
					assert.Equal(t, n, value.Count, "%s: %s", test.facet, value.Value)
				}
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
		for _, limit := range []int{1, 10, 500} {
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
