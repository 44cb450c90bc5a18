package bleve_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestWorks(t *testing.T) {
	one := 1
	index := library(t,
		&model.Book{Title: "The Silver Fjord", Author: "Nora Lind", Language: "en", PublishedAt: "1901", Popularity: 10},
		&model.Book{Title: "The Silver Fjord: A Novel", Author: "Nora Lind", Language: "en", PublishedAt: "1955", Popularity: 90, ISBN: "9780306406157"},
		&model.Book{Title: "The Silver Fjord", Author: "Nora Lind", Language: "en", PublishedAt: "1999", Popularity: 10, Stock: &one},
		&model.Book{Title: "The Silver Fjord", Author: "Nora Lind", Language: "no", PublishedAt: "1900"},
		&model.Book{Title: "The Silver Fjord Walks", Author: "Olaf Berg", Language: "en", PublishedAt: "2003"},
		&model.Book{Title: "Poems", Author: "Nora Lind", Language: "en"},
		&model.Book{Title: "Poems", Author: "Nora Lind", Language: "en"},
	)
	find := func(s model.Search) *model.SearchResult {
		s.ByWork = true
		return search(t, index, s)
	}
	all := find(model.Search{Keyword: "the silver fjord", WithFacets: true})
	assert.Equal(t, []uint{3, 4, 5}, all.IDs, "of equal titles, the one in stock")
	assert.Equal(t, []int{2, 0, 0}, all.Editions)
	assert.Equal(t, 3, all.Total)
	assert.True(t, all.ByWork)
	assert.Equal(t, []model.FacetValue{{Value: "en", Count: 2}, {Value: "no", Count: 1}}, all.Facets.Languages)
	assert.Equal(t, []model.FacetValue{{Value: "1900", Count: 2}, {Value: "1950", Count: 1}, {Value: "1990", Count: 1}, {Value: "2000", Count: 1}}, all.Facets.Decades)
	for _, f := range all.Facets.Decades {
		decade, err := strconv.Atoi(f.Value)
		require.NoError(t, err)
		assert.Equal(t, f.Count, find(model.Search{Keyword: "the silver fjord", Filters: model.Filters{Decade: &decade}}).Total, "a click finds as many")
	}
	assert.Equal(t, []uint{2}, find(model.Search{Keyword: "9780306406157"}).IDs, "the edition with the ISBN")
	assert.Equal(t, []int{0}, find(model.Search{Keyword: "9780306406157"}).Editions)
	assert.Equal(t, []uint{6, 7}, find(model.Search{Keyword: "poems"}).IDs, "a title that says nothing doesn't join books")
	assert.Equal(t, 5, search(t, index, model.Search{Keyword: "the silver fjord"}).Total, "books, unless works are asked for")
	assert.Equal(t, []uint{3}, find(model.Search{Keyword: "the silver fjord", Limit: 1}).IDs)
	assert.Equal(t, []uint{4}, find(model.Search{Keyword: "the silver fjord", Limit: 1, Offset: 1}).IDs)
	uncounted := find(model.Search{Keyword: "the silver fjord", Limit: 2, WithoutTotal: true})
	assert.Equal(t, all.IDs[:2], uncounted.IDs)
	assert.Equal(t, 2, uncounted.Total)
	corrected := find(model.Search{Keyword: "the sliver fjord"})
	assert.Equal(t, model.CorrectedMatch, corrected.Match)
	assert.Equal(t, 3, corrected.Total)
	assert.Zero(t, corrected.Typed)
}

// However many editions works have, a page is full.
func TestManyEditions(t *testing.T) {
	var books []*model.Book
	for i := range 1200 {
		books = append(books, &model.Book{Title: fmt.Sprint("Lantern number ", i%3), Author: "May Reed", Language: "en"})
	}
	books = append(books, &model.Book{Title: "A long title about a lantern and all that", Author: "Lee Holm", Language: "en"})
	index := library(t, books...)
	var got []uint
	for offset := range 5 {
		result := search(t, index, model.Search{Keyword: "lantern", ByWork: true, Limit: 1, Offset: offset})
		require.Equal(t, 4, result.Total)
		got = append(got, result.IDs...)
	}
	assert.Equal(t, []uint{1, 2, 3, 1201}, got)
}
