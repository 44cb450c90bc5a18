package main

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog"
	"literank.com/event-books/infrastructure/index"
	"literank.com/event-books/infrastructure/index/bleve"
)

// TestStarter measures the search engine on the starter catalogue. The bounds lie a little below
// what it reaches.
func TestStarter(t *testing.T) {
	books, err := catalog.Starter()
	require.NoError(t, err)
	x, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, x.Close()) }()
	e := &eval{index: x, books: map[uint]*model.Book{}}
	for i, b := range books {
		b.ID = uint(i + 1)
		e.books[b.ID] = b
	}
	require.NoError(t, x.Apply(books, nil, index.Position{}))

	counts := map[string]*score{}
	count := func(name string, ok bool, query string) {
		if counts[name] == nil {
			counts[name] = &score{name: name, percent: true}
		}
		s := counts[name]
		s.n++
		if ok {
			s.reached++
		} else {
			t.Logf("%s: %s", name, query)
		}
	}
	placeOf := func(query, title string, limit int) int {
		found, _, err := e.search(t.Context(), query, limit)
		require.NoError(t, err)
		return place(found, titled(title))
	}
	for i, b := range books {
		count("title", placeOf(b.Title, b.Title, 1) == 1, b.Title)
		for _, query := range []string{b.Title + "?", "“" + b.Title + "”", strings.ReplaceAll(b.Title, "'", "’"), b.Title + " by " + b.Author} {
			count("title in another form", b.Author == "" || placeOf(query, b.Title, 20) > 0, query)
		}
		if misspelt := misspell(b.Title, i); misspelt != "" {
			at := placeOf(misspelt, b.Title, 10)
			count("misspelt title, among 10", at > 0, misspelt)
			count("misspelt title, first", at == 1, misspelt)
		}
		if names := strings.Fields(b.Author); len(names) == 2 {
			found, _, err := e.search(t.Context(), names[0]+" "+names[1], 20)
			require.NoError(t, err)
			inverted, _, err := e.search(t.Context(), names[1]+", "+names[0], 20)
			require.NoError(t, err)
			count("inverted name", len(found) > 0 && slices.Equal(found, inverted), names[1]+", "+names[0])
		}
		typed := firstHalf(b.Title)
		suggestions, err := x.Suggest(t.Context(), model.Keyword(typed), suggested)
		require.NoError(t, err)
		count("half a title", slices.ContainsFunc(suggestions, func(s model.Suggestion) bool { return s.Text == b.Title }), typed)
	}
	for name, least := range map[string]float64{
		"title": 1, "title in another form": 0.995, "misspelt title, among 10": 0.99, "misspelt title, first": 0.98, "inverted name": 0.99, "half a title": 0.98,
	} {
		s := counts[name]
		require.NotNil(t, s, name)
		assert.Greater(t, s.n, 100, name)
		assert.GreaterOrEqual(t, s.reached/float64(s.n), least, "%s: %v of %d", name, s.reached, s.n)
	}
}

// misspell makes an error in the longest word of a title: two letters change places, or one is
// missing, doubled or another one. It returns "" if all words are short.
func misspell(title string, i int) string {
	longest := ""
	for word := range strings.FieldsSeq(model.Fold(title)) {
		if utf8.RuneCountInString(word) > utf8.RuneCountInString(longest) && !strings.ContainsFunc(word, notLetter) {
			longest = word
		}
	}
	letters := []rune(longest)
	if len(letters) < 5 {
		return ""
	}
	at := 1 + i%(len(letters)-2)
	switch i % 4 {
	case 0:
		letters[at], letters[at+1] = letters[at+1], letters[at]
	case 1:
		letters = slices.Delete(letters, at, at+1)
	case 2:
		letters = slices.Insert(letters, at, letters[at])
	case 3:
		letters[at] = 'z'
	}
	if string(letters) == longest { // two equal letters
		letters = slices.Delete(letters, at, at+1)
	}
	return strings.Replace(model.Fold(title), longest, string(letters), 1)
}

func notLetter(r rune) bool { return r < 'a' || r > 'z' }
