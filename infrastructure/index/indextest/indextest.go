// Package indextest is the contract suite of gateway.BookIndex. Every search engine
// runs it in its tests. It knows the gateways alone.
package indextest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// Catalogue is an index together with the books that it finds.
type Catalogue interface {
	gateway.BookManager
	gateway.BookIndex
}

// Features are abilities of an engine that the contract of BookIndex leaves open.
// The suite tests those that are set.
type Features struct {
	// PartsOfWords: "gramm" finds "Programming".
	PartsOfWords bool
	// Punctuation: "%" finds "100%".
	Punctuation bool
	// Literal: only words that fold alike match. Other engines know other forms of a word, and
	// both kinds of kana.
	Literal bool
	// TitleFirst: books with every word in the title come first in the order
	// ByRelevance, then the others, both ordered by id.
	TitleFirst bool
}

// Run runs the suite. open returns an empty catalogue for each test.
func Run(t *testing.T, open func(t *testing.T) Catalogue, features Features) {
	t.Run("searches", func(t *testing.T) { testSearches(t, open(t), features) })
	t.Run("total behind the end", func(t *testing.T) { testTotalBehindTheEnd(t, open(t)) })
	t.Run("without a total", func(t *testing.T) { testWithoutTotal(t, open(t)) })
	t.Run("changes", func(t *testing.T) { testChanges(t, open(t)) })
}

func ptr[T any](v T) *T { return &v }

// Shelf has the books that the suite searches. Their ids must be their indexes;
// there is no book 0.
var Shelf = []model.Book{
	1: {Title: "Les Misérables", Author: "Victor Hugo", PublishedAt: "1862", Language: "fr", Subjects: []string{"Fiction", "France -- History"}},
	2: {Title: "C++ Primer", Author: "Stanley Lippman, Josée Lajoie", PublishedAt: "2012", Language: "en-US", ISBN: "9780321714114", Stock: ptr(3)},
	3: {Title: "Programming in C", Author: "Stephen Kochan", PublishedAt: "2004-05", Language: "en", Availability: model.InStock},
	4: {Title: "100% Cotton_Wool!", Author: "O'Reilly \\ \"Sons\"", Description: "about C++ and misérables", Availability: model.Unavailable, Stock: ptr(2)},
	5: {Title: "吾輩は猫である", Author: "夏目漱石", PublishedAt: "1905", Language: "ja"},
	6: {Title: "ガラスの家", Author: "某", Description: "か", Language: "ja"},
	7: {Title: "Мой день", Author: "Фёдор", PublishedAt: "-380", Language: "ru"},
	8: {Title: "🍕 book", Author: "Straße Chef", PublishedAt: "2001"},
	9: {Title: "a shelf", Author: "Victor Hugo", Subjects: []string{"fiction"}, PublishedAt: "1870"},
}

// fill creates the books of Shelf.
func fill(t *testing.T, c Catalogue) {
	t.Helper()
	for i := range Shelf[1:] {
		b := Shelf[i+1]
		id, err := c.CreateBook(t.Context(), &b)
		require.NoError(t, err)
		require.EqualValues(t, i+1, id)
	}
}

// need is a feature that a search depends on.
type need func(Features) bool

func partsOfWords(f Features) bool { return f.PartsOfWords }
func punctuation(f Features) bool  { return f.Punctuation }
func literal(f Features) bool      { return f.Literal }

// searches lists searches on Shelf with the ids of their results.
var searches = []struct {
	name   string
	search model.Search
	want   []uint
	needs  need // nil if the contract promises the results
}{
	{name: "all", search: model.Search{}, want: []uint{1, 2, 3, 4, 5, 6, 7, 8, 9}},
	{name: "title before the rest", search: model.Search{Keyword: "miserables"}, want: []uint{1, 4}},
	{name: "case and accents", search: model.Search{Keyword: "MISÉRABLES hugo"}, want: []uint{1}},
	{name: "decomposed", search: model.Search{Keyword: "mise\u0301rables hugo"}, want: []uint{1}},
	{name: "every word", search: model.Search{Keyword: "victor shelf"}, want: []uint{9}},
	{name: "part of a word", search: model.Search{Keyword: "gramm"}, want: []uint{3}, needs: partsOfWords},
	{name: "++ literally", search: model.Search{Keyword: "c++"}, want: []uint{2, 4}},
	{name: "percent", search: model.Search{Keyword: "%"}, want: []uint{4}, needs: punctuation},
	{name: "underscore", search: model.Search{Keyword: "_"}, want: []uint{4}, needs: punctuation},
	{name: "escape character", search: model.Search{Keyword: "!"}, want: []uint{4}, needs: punctuation},
	{name: "both", search: model.Search{Keyword: "100% cotton_wool!"}, want: []uint{4}},
	{name: "quotes", search: model.Search{Keyword: `o'reilly "sons"`}, want: []uint{4}},
	{name: "backslash", search: model.Search{Keyword: `\`}, want: []uint{4}, needs: punctuation},
	{name: "injection", search: model.Search{Keyword: "' OR 1=1 --"}, want: nil},
	{name: "Japanese", search: model.Search{Keyword: "猫"}, want: []uint{5}},
	{name: "ka is not ga", search: model.Search{Keyword: "カ"}, want: nil, needs: literal},
	{name: "only ga", search: model.Search{Keyword: "ガ"}, want: []uint{6}},
	{name: "ga", search: model.Search{Keyword: "ガラス"}, want: []uint{6}},
	{name: "half width", search: model.Search{Keyword: "ｶﾞﾗｽ"}, want: []uint{6}},
	{name: "yo is ye", search: model.Search{Keyword: "федор"}, want: []uint{7}},
	{name: "short i is not i", search: model.Search{Keyword: "мои"}, want: nil, needs: literal},
	{name: "pizza", search: model.Search{Keyword: "🍕"}, want: []uint{8}},
	{name: "sushi is not pizza", search: model.Search{Keyword: "🍣"}, want: nil},
	{name: "sharp s", search: model.Search{Keyword: "STRASSE"}, want: []uint{8}},
	{name: "ISBN with hyphens", search: model.Search{Keyword: "978-0-321-71411-4"}, want: []uint{2}},
	{name: "ISBN-10", search: model.Search{Keyword: "0321714113"}, want: []uint{2}},
	{name: "invisible characters", search: model.Search{Keyword: "\u200fhugo\u200b"}, want: []uint{1, 9}},
	{name: "nothing but invisible", search: model.Search{Keyword: "\u200f"}, want: nil},
	{name: "no such", search: model.Search{Keyword: "zzzz"}, want: nil},
	{name: "17 words", search: model.Search{Keyword: model.Keyword(strings.Repeat("c ", 16) + "zzzz")}, want: []uint{2, 3, 4, 1, 8, 9}, needs: partsOfWords},
	{name: "by title", search: model.Search{Sort: model.ByTitle}, want: []uint{4, 9, 2, 1, 3, 7, 6, 5, 8}},
	{name: "newest", search: model.Search{Sort: model.ByNewest}, want: []uint{2, 3, 8, 5, 9, 1, 7, 4, 6}},
	{name: "oldest", search: model.Search{Sort: model.ByOldest}, want: []uint{7, 1, 9, 5, 8, 3, 2, 4, 6}},
	{name: "author", search: model.Search{Filters: model.Filters{Author: "victor HUGO"}}, want: []uint{1, 9}},
	{name: "one of two authors", search: model.Search{Filters: model.Filters{Author: "Josee Lajoie"}}, want: []uint{2}},
	{name: "whole author line", search: model.Search{Filters: model.Filters{Author: "Stanley Lippman, Josée Lajoie"}}, want: []uint{2}},
	{name: "part of an author", search: model.Search{Filters: model.Filters{Author: "Hugo"}}, want: nil},
	{name: "subject", search: model.Search{Filters: model.Filters{Subject: "FICTION"}}, want: []uint{1, 9}},
	{name: "language", search: model.Search{Filters: model.Filters{Language: "en"}}, want: []uint{2, 3}},
	{name: "language with region", search: model.Search{Filters: model.Filters{Language: "en-US"}}, want: []uint{2}},
	{name: "decade", search: model.Search{Filters: model.Filters{Decade: ptr(2000)}}, want: []uint{3, 8}},
	{name: "decade before our era", search: model.Search{Filters: model.Filters{Decade: ptr(-380)}}, want: []uint{7}},
	{name: "available", search: model.Search{Filters: model.Filters{Available: ptr(true)}}, want: []uint{2, 3}},
	{name: "not available", search: model.Search{Filters: model.Filters{Available: ptr(false)}}, want: []uint{1, 4, 5, 6, 7, 8, 9}},
	{name: "keyword and filter", search: model.Search{Keyword: "hugo", Filters: model.Filters{Language: "fr"}}, want: []uint{1}},
	{name: "keyword and sort", search: model.Search{Keyword: "hugo", Sort: model.ByNewest}, want: []uint{9, 1}},
}

func testSearches(t *testing.T, c Catalogue, features Features) {
	fill(t, c)
	for _, test := range searches {
		if test.needs != nil && !test.needs(features) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			if test.search.Sort == "" {
				test.search.Sort = model.ByRelevance
			}
			test.search.Exact = true
			ordered := features.TitleFirst || test.search.Plain() || test.search.Sort != model.ByRelevance
			for _, limit := range []int{100, 2} { // in one page, and page by page
				got := pages(t, c, test.search, limit, len(test.want))
				if ordered {
					assert.Equal(t, test.want, got)
				} else {
					assert.ElementsMatch(t, test.want, got)
				}
			}
		})
	}
}

// pages reads the results of a search page by page, up to the first empty one,
// and checks the total.
func pages(t *testing.T, c Catalogue, search model.Search, limit, total int) (ids []uint) {
	t.Helper()
	for offset := 0; ; offset += limit {
		search.Offset, search.Limit = offset, limit
		result, err := c.SearchBooks(t.Context(), search)
		require.NoError(t, err)
		if len(result.IDs) == 0 && offset > 0 {
			assert.Contains(t, []int{total, offset}, result.Total)
			return ids
		}
		assert.Equal(t, total, result.Total)
		ids = append(ids, result.IDs...)
		if len(result.IDs) == 0 {
			return ids
		}
	}
}

func testTotalBehindTheEnd(t *testing.T, c Catalogue) {
	fill(t, c)
	result, err := c.SearchBooks(t.Context(), model.Search{Keyword: "hugo", Offset: model.MaxOffset, Limit: 5})
	require.NoError(t, err)
	assert.Equal(t, 2, result.Total)
}

func testWithoutTotal(t *testing.T, c Catalogue) {
	fill(t, c)
	search := model.Search{Keyword: "hugo", Limit: 1}
	want, err := c.SearchBooks(t.Context(), search)
	require.NoError(t, err)
	search.WithoutTotal = true
	got, err := c.SearchBooks(t.Context(), search)
	require.NoError(t, err)
	assert.Equal(t, want.IDs, got.IDs)
	assert.LessOrEqual(t, got.Total, want.Total)
}

func testChanges(t *testing.T, c Catalogue) {
	ctx := t.Context()
	found := func(keyword model.Keyword) []uint {
		t.Helper()
		result, err := c.SearchBooks(ctx, model.Search{Keyword: keyword, Limit: 5})
		require.NoError(t, err)
		return result.IDs
	}
	id, err := c.CreateBook(ctx, &model.Book{Title: "Before"})
	require.NoError(t, err)
	assert.Len(t, found("before"), 1)
	Replace(t, c, id, &model.Book{Title: "After"})
	assert.Empty(t, found("before"), "the old title finds nothing")
	assert.Equal(t, []uint{id}, found("after"))
	Delete(t, c, id)
	assert.Empty(t, found("after"))
}

// Replace stores b in the place of a book.
func Replace(t *testing.T, c gateway.BookManager, id uint, b *model.Book) {
	t.Helper()
	_, err := c.ChangeBook(t.Context(), id, func(*model.Book) (*model.Book, error) { return b, nil })
	require.NoError(t, err)
}

// Delete deletes a book.
func Delete(t *testing.T, c gateway.BookManager, id uint) {
	t.Helper()
	Replace(t, c, id, nil)
}
