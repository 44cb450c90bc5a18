package bleve_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestExplanations(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Winter Harbour", Author: "Ada Sole", Language: "en", Popularity: 100},
		&model.Book{Title: "The Harbours", Author: "Winter Moss", Language: "en"},
		&model.Book{Title: "Boats", Author: "B. Mast", Description: "of winter, in a harbour", Language: "de"},
		&model.Book{Title: "Summer", Author: "C. Reef"},
	)
	for name, test := range map[string]struct {
		search model.Search
		book   uint
		want   model.Explanation
		words  [][]string
	}{
		"whole title":    {model.Search{Keyword: "winter harbour"}, 1, model.Explanation{Found: true, Rank: 1, Tier: 1, Why: "The title is the query, with its punctuation.", Popularity: 100}, [][]string{{"title"}, {"title"}}},
		"another form":   {model.Search{Keyword: "winter harbour"}, 2, model.Explanation{Found: true, Rank: 2, Tier: 6, Why: "All words are outside the description, at least one of them in another form."}, [][]string{{"authors"}, {"another form"}}},
		"description":    {model.Search{Keyword: "winter harbour"}, 3, model.Explanation{Found: true, Rank: 3, Tier: 7, Why: "At least one word is only in the description."}, [][]string{{"description"}, {"description"}}},
		"a missing word": {model.Search{Keyword: "winter harbour"}, 4, model.Explanation{Why: `It doesn't have the word "winter".`}, [][]string{{}, {}}},
		"filter":         {model.Search{Keyword: "winter", Filters: model.Filters{Language: "en"}}, 3, model.Explanation{Why: "A filter rules it out."}, [][]string{{"description"}}},
		"excluded":       {model.Search{Keyword: "winter -boats"}, 3, model.Explanation{Why: "A phrase, a field, an ISBN or an excluded word of the query rules it out."}, [][]string{{"description"}}},
		"no such book":   {model.Search{Keyword: "winter"}, 9, model.Explanation{Why: "The index doesn't have this book."}, nil},
		"filters alone":  {model.Search{Filters: model.Filters{Language: "de"}}, 3, model.Explanation{Found: true, Rank: 1, Why: "It passes the filters."}, nil},
		"no word":        {model.Search{Keyword: "\u200f"}, 1, model.Explanation{Why: "The query has no word to search for.", Popularity: 100}, nil},
		"corrected":      {model.Search{Keyword: "wintre harbour"}, 1, model.Explanation{Found: true, Rank: 1, Tier: 1, Why: "The title is the query.", Popularity: 100}, [][]string{{"title"}, {"title"}}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := index.Explain(t.Context(), test.search, test.book)
			require.NoError(t, err)
			var in [][]string
			for _, w := range e.Words {
				in = append(in, w.In)
			}
			assert.Equal(t, test.words, in)
			test.want.BookID, test.want.Words, test.want.Weight = test.book, e.Words, e.Weight
			assert.Equal(t, &test.want, e)
		})
	}
}

// By work, a book has the place of its work.
func TestExplainedByWork(t *testing.T) {
	index := library(t,
		&model.Book{Title: "Winter Harbour", Author: "Ada Sole", Language: "en", Popularity: 100},
		&model.Book{Title: "Winter Harbour", Author: "Ada Sole", Language: "en", Popularity: 50},
		&model.Book{Title: "Winter Harbour Walks", Author: "Bo Reed", Language: "en"},
	)
	for book, ranks := range map[uint][2]int{1: {1, 1}, 2: {2, 1}, 3: {3, 2}} {
		for i, byWork := range []bool{false, true} {
			e, err := index.Explain(t.Context(), model.Search{Keyword: "winter harbour", ByWork: byWork}, book)
			require.NoError(t, err)
			assert.Equal(t, ranks[i], e.Rank, "book %d, by work %t", book, byWork)
		}
	}
}
