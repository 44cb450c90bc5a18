package bleve_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
)

func suggested(t *testing.T, x *bleve.Index, typed model.Keyword) []string {
	t.Helper()
	found, err := x.Suggest(t.Context(), typed, 8)
	require.NoError(t, err)
	var texts []string
	for _, s := range found {
		texts = append(texts, s.Text)
	}
	return texts
}

func TestSuggest(t *testing.T) {
	x := library(t,
		&model.Book{Title: "The Lighthouse Keeper", Author: "Ada Lindqvist", Popularity: 900},
		&model.Book{Title: "Light", Author: "Tom Barr"},
		&model.Book{Title: "Lighter than Wind", Author: "Tom Barr", Popularity: 5},
		&model.Book{Title: "Märchen aus Österreich", Author: "Käthe Müller", Language: "de"},
		&model.Book{Title: "Повесть о зиме", Author: "Иван Снегирёв", Language: "ru"},
		&model.Book{Title: "漫長的冬天", Author: "林小橋", Language: "zh"},
		&model.Book{Title: "サーバーの本", Author: "田中花子", Language: "ja"},
		&model.Book{Title: "เรื่องของแมว", Author: "สมชาย", Language: "th"},
		&model.Book{Title: "겨울 바다", Author: "이하늘", Language: "ko"},
		&model.Book{Title: "كتاب البحر", Author: "نور الدين", Language: "ar"},
		&model.Book{Title: "C++ in Practice", Author: "Nell Van der Berg"},
	)
	for typed, want := range map[model.Keyword][]string{
		"lig":              {"Lighter than Wind", "The Lighthouse Keeper", "Light"},
		"lighth":           {"The Lighthouse Keeper"},
		"the light":        {"The Lighthouse Keeper"},
		"the lighthouse k": {"The Lighthouse Keeper"},
		"keep":             {"The Lighthouse Keeper"}, // an inner word
		"keeper light":     {"The Lighthouse Keeper"}, // in another order
		"lindq":            {"Ada Lindqvist"},
		"lindqvist, a":     {"Ada Lindqvist"},
		"tom b":            {"Tom Barr"}, // once, though of two books
		"berg":             {"Nell Van der Berg"},
		"marchen":          {"Märchen aus Österreich"},
		"maerch":           {"Märchen aus Österreich"},
		"osterr":           {"Märchen aus Österreich"},
		"повес":            {"Повесть о зиме"},
		"снегире":          {"Иван Снегирёв"},
		"漫":                {"漫長的冬天"},
		"漫长":               {"漫長的冬天"}, // simplified
		"冬天":               {"漫長的冬天"},
		"林小":               {"林小橋"},
		"サーバ":              {"サーバーの本"},
		"เรื่":             {"เรื่องของแมว"},
		"แมว":              {"เรื่องของแมว"},
		"겨울":               {"겨울 바다"},
		"البحر":            {"كتاب البحر"},
		"c++":              {"C++ in Practice"},
		// One letter may be wrong from the fifth on.
		"lihgth":        {"The Lighthouse Keeper"},
		"lindkv":        {"Ada Lindqvist"},
		"the lightuose": nil, // two are wrong
		"kepe":          nil, // too short to tell
		"снигирев":      {"Иван Снегирёв"},
		"tom barrow":    nil,
		// Nothing to complete.
		"":     nil,
		"!?":   nil,
		"zzzz": nil,
	} {
		assert.Equal(t, want, suggested(t, x, typed), "%s", typed)
	}
}

func TestSuggestKinds(t *testing.T) {
	x := library(t, &model.Book{Title: "Emma Woodhouse", Author: "Jane Emmaline"}, &model.Book{Title: "Quiet Rivers", Author: "Emma Stone, Ann Lake"})
	found, err := x.Suggest(t.Context(), "emma", 8)
	require.NoError(t, err)
	assert.Equal(t, []model.Suggestion{{Text: "Emma Woodhouse", Kind: model.TitleSuggestion, BookID: 1}, {Text: "Emma Stone", Kind: model.AuthorSuggestion}}, found)
}

// The best known of many come first, then those of which most is typed; the limit holds, and each
// text comes once.
func TestSuggestOrder(t *testing.T) {
	books := []*model.Book{{Title: "Rivers of the Whole Wide World", Popularity: 1_000_000}, {Title: "All Great Rivers and Their Histories", Popularity: 2_000_000},
		{Title: "Rivers", Author: "Ann Lake"}, {Title: "RIVERS", Author: "Cy Moss"}}
	for i := range 700 { // more than are read one by one
		books = append(books, &model.Book{Title: fmt.Sprintf("Rivers, part %03d", i), Popularity: 10})
	}
	x := library(t, books...)
	for _, limit := range []int{1, 3, 8} {
		found, err := x.Suggest(t.Context(), "riv", limit)
		require.NoError(t, err)
		require.Len(t, found, limit)
		want := []string{"Rivers of the Whole Wide World", "All Great Rivers and Their Histories", "Rivers"}
		for i, s := range found[:min(limit, len(want))] {
			assert.Equal(t, want[i], s.Text)
		}
	}
	assert.Empty(t, must(x.Suggest(t.Context(), "riv", 0)))
	assert.Equal(t, []string{"All Great Rivers and Their Histories"}, suggested(t, x, "great riv"))
	assert.Equal(t, []string{"Rivers, part 345"}, suggested(t, x, "rivers part 345"))
}

func must(found []model.Suggestion, err error) []model.Suggestion {
	if err != nil {
		panic(err)
	}
	return found
}

func TestSuggestDeleted(t *testing.T) {
	x := library(t, &model.Book{Title: "Old Harbours"}, &model.Book{Title: "Old Hills"})
	require.NoError(t, x.Apply(nil, []uint{1}, index.Position{}))
	assert.Equal(t, []string{"Old Hills"}, suggested(t, x, "old h"))
	require.NoError(t, x.Close())
	_, err := x.Suggest(t.Context(), "old", 8)
	assert.ErrorIs(t, err, bleve.ErrClosed)
}
