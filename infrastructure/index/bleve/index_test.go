package bleve_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
)

// library returns an index of books whose ids count from 1.
func library(t *testing.T, books ...*model.Book) *bleve.Index {
	t.Helper()
	index := open(t, filepath.Join(t.TempDir(), "index"))
	for i, b := range books {
		b.ID = uint(i + 1)
	}
	require.NoError(t, put(index, books...))
	return index
}

func search(t *testing.T, index *bleve.Index, s model.Search) *model.SearchResult {
	t.Helper()
	if s.Limit == 0 {
		s.Limit = 20
	}
	result, err := index.SearchBooks(t.Context(), s)
	require.NoError(t, err)
	return result
}

func TestTiers(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Garden Birds", Author: "A. Finch", Description: "with a harbour"},
		&model.Book{Title: "Boats", Author: "B. Mast", Subjects: []string{"Harbour life"}},
		&model.Book{Title: "The Pilot", Author: "Harbour Lowe"},
		&model.Book{Title: "A Night in the Harbour", Author: "C. Reef"},
		&model.Book{Title: "Harbour Lights", Author: "D. Keel"},
		&model.Book{Title: "Harbour", Author: "E. Rope"},
		&model.Book{Title: "Harbour!", Author: "F. Sail"},
		&model.Book{Title: "Harbours of the North", Author: "G. Oar", Language: "en", Popularity: 1000},
	)
	assert.Equal(t, []uint{7, 6, 5, 3, 4, 8, 2, 1}, search(t, index, model.Search{Keyword: "Harbour!"}).IDs)
	assert.Equal(t, []uint{6, 7, 5, 3, 4, 8, 2, 1}, search(t, index, model.Search{Keyword: "harbour"}).IDs)
}

// Where nothing says how well books are known, a work with more editions stands first.
func TestEditionsCount(t *testing.T) {
	edition := func(title, author, publisher string) *model.Book {
		return &model.Book{Title: title, Author: author, Publisher: publisher, Language: "en"}
	}
	known := edition("Tea Houses", "A. Leaf", "North")
	known.Popularity = 3
	x := library(t, edition("Tea Gardens", "B. Pot", "North"), edition("Tea Rooms", "C. Cup", "North"), edition("Tea Rooms", "C. Cup", "South"), known)
	assert.Equal(t, []uint{4, 2, 3, 1}, search(t, x, model.Search{Keyword: "tea"}).IDs)
}

// A wrong first letter is corrected, unless another letter is wrong, too.
func TestWrongFirstLetter(t *testing.T) {
	x := library(t, &model.Book{Title: "Harbours", Author: "Ann Hemsworth"})
	for keyword, match := range map[model.Keyword]model.Match{
		"jemsworth": model.CorrectedMatch, "hemswroht": model.CorrectedMatch, "hensvorth": model.CorrectedMatch, "jemzworth": model.NoMatch, "ann jemsworth": model.CorrectedMatch,
	} {
		assert.Equal(t, match, search(t, x, model.Search{Keyword: keyword}).Match, keyword)
	}
}

// Compacting leaves one segment, without the books that were deleted.
func TestCompact(t *testing.T) {
	x := open(t, filepath.Join(t.TempDir(), "index"))
	for i := range 40 {
		require.NoError(t, put(x, &model.Book{ID: uint(i + 1), Title: fmt.Sprint("Tea ", i)}))
	}
	require.NoError(t, x.Apply(nil, []uint{1, 2, 3}, index.Position{}))
	require.NoError(t, x.Sync())
	before := search(t, x, model.Search{Keyword: "tea", Limit: 50})
	require.NoError(t, x.Compact(t.Context()))
	assert.Eventually(t, func() bool { return x.Segments() == 1 }, time.Minute, time.Millisecond)
	assert.Equal(t, before, search(t, x, model.Search{Keyword: "tea", Limit: 50}))
	assert.Len(t, before.IDs, 37)
	require.NoError(t, x.Compact(t.Context()), "again")

	ended, end := context.WithCancel(t.Context())
	end()
	require.NoError(t, put(x, &model.Book{ID: 50, Title: "Tea"}))
	require.NoError(t, x.Sync())
	require.NoError(t, x.Compact(ended))
	require.NoError(t, x.Close())
	assert.ErrorIs(t, x.Compact(t.Context()), bleve.ErrClosed)
}

func TestPopularityWithinATier(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Tea in China", Author: "A"},
		&model.Book{Title: "Tea in Japan", Author: "B", Popularity: 5000},
		&model.Book{Title: "Tea", Author: "C"},
	)
	assert.Equal(t, []uint{3, 2, 1}, search(t, index, model.Search{Keyword: "tea"}).IDs, "nothing beats the whole title")
}

func TestCorrections(t *testing.T) {
	index := library(t,
		&model.Book{Title: "The Silent Lighthouse", Author: "Mara Quill"},
		&model.Book{Title: "A History of Lighthouses", Author: "Ned Brook"},
		&model.Book{Title: "Moorland Walks 1984", Author: "Ivy Stone"},
		&model.Book{Title: "Kitchen Chemistry", Author: "Lou Pan", Language: "de"},
	)
	for _, test := range []struct {
		keyword model.Keyword
		match   model.Match
		served  string
		first   uint
	}{
		{"silent lighthouse", model.ExactMatch, "", 1},
		{"silnet lighthouse", model.CorrectedMatch, "silent lighthouse", 1},
		{"The Silent Lihgthouse?", model.CorrectedMatch, "The Silent lighthouse?", 1},
		{"silent lighthose mara", model.CorrectedMatch, "silent lighthouse mara", 1},
		{"moorland walsk 1984", model.CorrectedMatch, "moorland walks 1984", 3},
		{"moorland walks 1985", model.NoMatch, "", 0},
		{"kitchen chemistry xylophone", model.RelaxedMatch, "kitchen chemistry", 4},
		{"xylophone", model.NoMatch, "", 0},
		{"the xylophone", model.NoMatch, "", 0},
		{"The Silent Lighthouse by Mara Quill", model.RelaxedMatch, "The Silent Lighthouse Mara Quill", 1},
		{"books about moorland", model.RelaxedMatch, "moorland", 3},
	} {
		t.Run(string(test.keyword), func(t *testing.T) {
			result := search(t, index, model.Search{Keyword: test.keyword})
			assert.Equal(t, test.match, result.Match)
			assert.Equal(t, test.served, result.Served)
			if test.first == 0 {
				assert.Empty(t, result.IDs)
			} else if assert.NotEmpty(t, result.IDs) {
				assert.Equal(t, test.first, result.IDs[0])
			}
			exact := search(t, index, model.Search{Keyword: test.keyword, Exact: true})
			assert.Empty(t, exact.Served)
			if test.match != model.ExactMatch {
				assert.Empty(t, exact.IDs)
			}
		})
	}
}

// A filter that lets nothing pass isn't a misspelt word.
func TestNoCorrectionForAFilter(t *testing.T) {
	index := library(t, &model.Book{Title: "Silent Water", Language: "en"}, &model.Book{Title: "Silent Wafer", Language: "de"})
	result := search(t, index, model.Search{Keyword: "wafer", Filters: model.Filters{Language: "en"}})
	assert.Equal(t, model.NoMatch, result.Match)
	assert.Empty(t, result.IDs)
}

func TestFacets(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Rivers One", Author: "Ann Lake, Bo Reed", Language: "en", PublishedAt: "1991", Subjects: []string{"Water"}, Availability: model.InStock},
		&model.Book{Title: "Rivers Two", Author: "Ann Lake", Language: "fr", PublishedAt: "1999-05", Subjects: []string{"Water", "Maps"}},
		&model.Book{Title: "Rivers Three", Author: "Cy Moss", Language: "en", PublishedAt: "2004"},
		&model.Book{Title: "Hills", Author: "Ann Lake", Language: "en"},
	)
	facets := search(t, index, model.Search{Keyword: "rivers", WithFacets: true}).Facets
	require.NotNil(t, facets)
	assert.Equal(t, []model.FacetValue{{Value: "Ann Lake", Count: 2}, {Value: "Bo Reed", Count: 1}, {Value: "Cy Moss", Count: 1}}, facets.Authors)
	assert.Equal(t, []model.FacetValue{{Value: "en", Count: 2}, {Value: "fr", Count: 1}}, facets.Languages)
	assert.Equal(t, []model.FacetValue{{Value: "1990", Count: 2}, {Value: "2000", Count: 1}}, facets.Decades)
	assert.Equal(t, []model.FacetValue{{Value: "Water", Count: 2}, {Value: "Maps", Count: 1}}, facets.Subjects)
	assert.Equal(t, []model.FacetValue{{Value: "false", Count: 2}, {Value: "true", Count: 1}}, facets.Availability)

	filtered := search(t, index, model.Search{Keyword: "rivers", Filters: model.Filters{Language: "fr"}, WithFacets: true}).Facets
	assert.Equal(t, facets.Languages, filtered.Languages, "its own filter doesn't narrow a facet")
	assert.Equal(t, []model.FacetValue{{Value: "Ann Lake", Count: 1}}, filtered.Authors)
}

func TestSyntax(t *testing.T) {
	index := library(t,
		&model.Book{Title: "War and Peace", Author: "Leo Tolstoy", PublishedAt: "1869", ISBN: "9780140447934"},
		&model.Book{Title: "Peace after War", Author: "Ann Lake", PublishedAt: "1950"},
		&model.Book{Title: "Tolstoy: A Life", Author: "Ann Lake", PublishedAt: "1951", Subjects: []string{"War and society"}},
	)
	for keyword, want := range map[model.Keyword][]uint{
		`war peace`:                        {1, 2},
		`"war and peace"`:                  {1},
		`tolstoy`:                          {3, 1},
		`author:tolstoy`:                   {1},
		`title:tolstoy`:                    {3},
		`tolstoy -author:lake`:             {1},
		`peace -war`:                       nil,
		`lake year:1951`:                   {3},
		`lake year:1950s`:                  {2, 3},
		`subject:war`:                      {3},
		`978-0-14-044793-4`:                {1},
		`ISBN 0140447938`:                  {1},
		`isbn:97801404`:                    {1},
		`97801404`:                         {1},
		`1404479 war`:                      nil,
		`9780140447934 tolstoy`:            {1},
		`9780140447934 lake`:               nil,
		"9780306406157":                    nil, // valid, but not here
		"Tolstoy - War & Peace":            {1},
		"“war and peace” leo":              {1},
		"war peace nothing:special -peace": nil,
	} {
		assert.ElementsMatch(t, want, search(t, index, model.Search{Keyword: keyword, Exact: true}).IDs, "%s", keyword)
	}
}

func TestSortByTitleBeyondItsBeginning(t *testing.T) {
	var books []*model.Book
	for i := range 300 {
		books = append(books, &model.Book{Title: fmt.Sprintf("The History of Everything, Volume %03d", 299-i)})
	}
	index := library(t, books...)
	for _, offset := range []int{0, 95, 290} {
		got := search(t, index, model.Search{Keyword: "history", Sort: model.ByTitle, Offset: offset, Limit: 10}).IDs
		var want []uint
		for i := range 10 {
			want = append(want, uint(300-offset-i))
		}
		assert.Equal(t, want, got)
	}
}

func TestReopened(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "index")
	x, err := bleve.Open(folder, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Zero(t, x.Position())
	require.NoError(t, put(x, &model.Book{ID: 1, Title: "Kept"}, &model.Book{ID: 2, Title: "Gone"}))
	require.NoError(t, put(x, &model.Book{ID: 1, Title: "Changed", Version: 7}))
	at := index.Position{Generation: model.Generation{Database: "d", Restored: "r"}, Version: 8}
	require.NoError(t, x.Apply(nil, []uint{2}, at))
	assert.Equal(t, at, x.Position())
	require.NoError(t, x.Close())
	require.NoError(t, x.Close(), "a second time")
	_, err = x.SearchBooks(t.Context(), model.Search{Limit: 1})
	require.ErrorIs(t, err, bleve.ErrClosed)
	require.ErrorIs(t, put(x, &model.Book{ID: 3}), bleve.ErrClosed)
	_, err = x.Versions()
	require.ErrorIs(t, err, bleve.ErrClosed)

	x = open(t, folder)
	assert.Equal(t, at, x.Position())
	versions, err := x.Versions()
	require.NoError(t, err)
	assert.Equal(t, map[uint]int64{1: 7}, maps.Collect(versions))
	assert.Equal(t, []uint{1}, search(t, x, model.Search{}).IDs)
	assert.Equal(t, []uint{1}, search(t, x, model.Search{Keyword: "changed"}).IDs)
	assert.Empty(t, search(t, x, model.Search{Keyword: "kept"}).IDs)
}

// Searches see each batch as a whole, while books are changed and segments merged.
func TestConcurrentSearches(t *testing.T) {
	const books = 50
	var shelf []*model.Book
	for range books {
		shelf = append(shelf, &model.Book{Title: "State 0"})
	}
	index := library(t, shelf...)
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				result, err := index.SearchBooks(t.Context(), model.Search{Keyword: "state", Limit: 100, WithFacets: true})
				if !assert.NoError(t, err) || !assert.Len(t, result.IDs, books) || !assert.Equal(t, books, result.Total) {
					return
				}
			}
		})
	}
	for i := range 60 {
		for _, b := range shelf {
			b.Title = fmt.Sprint("State ", i)
		}
		require.NoError(t, put(index, shelf...))
		assert.Equal(t, books, search(t, index, model.Search{Keyword: model.Keyword(fmt.Sprint("state ", i)), Exact: true}).Total)
	}
	close(done)
	group.Wait()
}

// Close waits for Apply, which fails afterwards instead of waiting for a closed store.
func TestClosedWhileApplying(t *testing.T) {
	for range 30 {
		x, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		begun := make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		var writing sync.WaitGroup
		writing.Go(func() {
			for {
				if err := put(x, &model.Book{ID: 1, Title: "Late"}); err != nil {
					assert.ErrorIs(t, err, bleve.ErrClosed)
					return
				}
				begin()
			}
		})
		<-begun
		require.NoError(t, x.Close())
		writing.Wait()
	}
}

func TestOddBooks(t *testing.T) {
	long := ""
	for i := range 1000 {
		long += fmt.Sprintf("word%d ", i)
	}
	var subjects []string
	for i := range 500 {
		subjects = append(subjects, fmt.Sprint("Subject ", i))
	}
	index := library(t, &model.Book{}, &model.Book{Title: long, Description: long + long}, &model.Book{Title: "!?", Subjects: subjects},
		&model.Book{Title: "\xff\x00", Author: "\x00"})
	assert.Equal(t, []uint{2}, search(t, index, model.Search{Keyword: "word999"}).IDs)
	assert.Equal(t, []uint{3}, search(t, index, model.Search{Keyword: "subject 499", Exact: true}).IDs)
	assert.Equal(t, 4, search(t, index, model.Search{}).Total)
	for _, keyword := range []model.Keyword{`"`, `-`, `title:`, `*`, `[a-z]+`, `(`, "\u200f", `""`, `-x`, `a"b"c`, `isbn:`, `year:x`} {
		_, err := index.SearchBooks(t.Context(), model.Search{Keyword: keyword, Limit: 5, WithFacets: true})
		assert.NoError(t, err, "%s", keyword)
	}
}

// Two letters are a word where there are no blanks, so words overlap.
func TestRelaxedInScriptsWithoutBlanks(t *testing.T) {
	index := library(t, &model.Book{Title: "漫長的冬天", Author: "林小橋"}, &model.Book{Title: "เรื่องของแมว", Author: "สมชาย"})
	for keyword, want := range map[model.Keyword]struct {
		served string
		id     uint
	}{
		"漫長的冬天 by 林小橋":   {"漫長的冬天 林小橋", 1},
		"漫長的冬天色":         {"漫長的冬天", 1},
		"色漫長的冬天":         {"漫長的冬天", 1},
		"เรื่องของแมวดำ": {"เรื่องของแมว", 2},
	} {
		result := search(t, index, model.Search{Keyword: keyword})
		assert.Equal(t, []uint{want.id}, result.IDs, "%s", keyword)
		assert.Equal(t, want.served, result.Served, "%s", keyword)
	}
}

func TestPhrasesInDescriptions(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Boats", Description: "A winter in the harbour"},
		&model.Book{Title: "Harbour", Description: "in the winter"},
	)
	assert.Equal(t, []uint{1}, search(t, index, model.Search{Keyword: `"in the harbour"`, Exact: true}).IDs)
	assert.Equal(t, []uint{2}, search(t, index, model.Search{Keyword: `harbour -boats`}).IDs)
}

// A large batch becomes several segments, but searches see all of it or nothing, and a book that
// comes twice is the last one.
func TestLargeBatches(t *testing.T) {
	const books = 600
	x := open(t, filepath.Join(t.TempDir(), "index"))
	batch := func(state int) (put []*model.Book) {
		for _, title := range []string{"Early", "Late"} {
			for id := range uint(books) {
				put = append(put, &model.Book{ID: id + 1, Title: fmt.Sprintf("%s %d", title, state)})
			}
		}
		return put
	}
	require.NoError(t, put(x, batch(0)...))
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			result, err := x.SearchBooks(t.Context(), model.Search{Keyword: "late", Limit: 1, WithFacets: true})
			if !assert.NoError(t, err) || !assert.Equal(t, books, result.Total) {
				return
			}
		}
	})
	for state := 1; state <= 3; state++ {
		require.NoError(t, x.Apply(batch(state), []uint{books + 1}, index.Position{Version: int64(state)}))
		assert.Equal(t, books, search(t, x, model.Search{Keyword: model.Keyword(fmt.Sprint("late ", state)), Exact: true}).Total)
		assert.Zero(t, search(t, x, model.Search{Keyword: "early", Exact: true}).Total)
	}
	close(done)
	group.Wait()
	assert.Equal(t, int64(3), x.Position().Version)
}

func TestFacetsOfRegionalLanguages(t *testing.T) {
	index := library(t, &model.Book{Title: "One", Language: "en-US"}, &model.Book{Title: "Two", Language: "en"}, &model.Book{Title: "Three", Language: "zh-Hant-TW"})
	facets := search(t, index, model.Search{WithFacets: true}).Facets
	assert.Equal(t, []model.FacetValue{{Value: "en", Count: 2}, {Value: "en-US", Count: 1}, {Value: "zh", Count: 1}, {Value: "zh-Hant", Count: 1}, {Value: "zh-Hant-TW", Count: 1}}, facets.Languages)
	for _, f := range facets.Languages {
		assert.Equal(t, f.Count, search(t, index, model.Search{Filters: model.Filters{Language: f.Value}}).Total, f.Value)
	}
}
