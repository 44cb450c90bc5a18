package model_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestParseKeyword(t *testing.T) {
	long := strings.Repeat("é", model.MaxKeyword)
	for name, c := range map[string]struct {
		typed   string
		want    model.Keyword
		refused string
	}{
		"empty":                 {"", "", ""},
		"white space":           {" \t\n\u00a0\u2003\u3000\u0085", "", ""},
		"trimmed":               {"\u3000 war  and\tpeace \n", "war  and\tpeace", ""},
		"as typed":              {"WAR!?", "WAR!?", ""},
		"composed":              {"e\u0301", "é", ""},
		"composed at the start": {" \u1100\u1161", "가", ""},
		"compatibility stays":   {"ﬁ Ａ", "ﬁ Ａ", ""},
		"direction marks stay":  {"\u200fא\u200e", "\u200fא\u200e", ""},
		"punctuation":           {`%_!'"\`, `%_!'"\`, ""},
		"control characters":    {"a\x01b", "a\x01b", ""},
		"longest":               {long, model.Keyword(long), ""},
		"longest, decomposed":   {strings.Repeat("e\u0301", model.MaxKeyword), model.Keyword(long), ""},
		"longest and blanks":    {strings.Repeat(" ", 5000) + long, model.Keyword(long), ""},
		"too long":              {long + "e", "", "longer than 1000"},
		"too long, composed":    {strings.Repeat("\ufb2c", 334), "", "longer than 1000"}, // NFC makes three of each
		"far too long":          {strings.Repeat("a", 10_000_000), "", "longer than 1000"},
		"NUL":                   {"a\x00", "", "NUL"},
		"only NUL":              {"\x00", "", "NUL"},
		"invalid UTF-8":         {"a\xff", "", "UTF-8"},
		"surrogate":             {"\xed\xa0\x80", "", "UTF-8"},
	} {
		got, err := model.ParseKeyword(c.typed)
		assert.Equal(t, c.want, got, name)
		if c.refused == "" {
			assert.NoError(t, err, name)
			continue
		}
		assert.Equal(t, model.Malformed, model.ErrorCode(err), name)
		assert.ErrorContains(t, err, c.refused, name)
	}
}

func FuzzParseKeyword(f *testing.F) {
	for _, seed := range []string{"", " war ", "e\u0301", "\u0301 a", "\ufb2c", "\xff", "\x00", "ﷺ", "\u2000a\u2001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		k, err := model.ParseKeyword(typed)
		if err != nil {
			return
		}
		again, err := model.ParseKeyword(string(k))
		require.NoError(t, err)
		require.Equal(t, k, again)
		require.True(t, utf8.ValidString(string(k))) // FuzzManyMarks checks NFC
		require.LessOrEqual(t, utf8.RuneCountInString(string(k)), model.MaxKeyword)
		require.Equal(t, string(k), strings.TrimFunc(string(k), unicode.IsSpace))
		words, ignored := k.Words()
		require.LessOrEqual(t, len(words), model.MaxWords)
		require.True(t, ignored == 0 || len(words) == model.MaxWords)
		for _, word := range words {
			require.NotEmpty(t, word)
			require.False(t, strings.ContainsFunc(word, unicode.IsSpace))
		}
	})
}

func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		keyword model.Keyword
		want    []string
		ignored int
	}{
		"none":              {"", nil, 0},
		"folded":            {"Émile  ZOLA", []string{"emile", "zola"}, 0},
		"punctuation":       {"c++ % ?!", []string{"c++", "%", "?!"}, 0},
		"only marks":        {"\u200f\u200e", nil, 0},
		"ISBN-13":           {"978-0-306-40615-7", []string{"9780306406157"}, 0},
		"ISBN-10":           {"0306406152 tree", []string{"9780306406157", "tree"}, 0},
		"ISBN-10 with X":    {"080442957x", []string{"9780804429573"}, 0},
		"wrong ISBN":        {"9780306406158", []string{"9780306406158"}, 0},
		"years are no book": {"1984 19841984", []string{"1984", "19841984"}, 0},
		"sixteen":           {"a b c d e f g h i j k l m n o p", strings.Split("a b c d e f g h i j k l m n o p", " "), 0},
		"eighteen":          {"a b c d e f g h i j k l m n o p q r", strings.Split("a b c d e f g h i j k l m n o p", " "), 2},
	} {
		words, ignored := c.keyword.Words()
		assert.ElementsMatch(t, c.want, words, name)
		assert.Equal(t, c.ignored, ignored, name)
	}
}

func TestServed(t *testing.T) {
	for keyword, want := range map[model.Keyword]string{
		"":                                     "",
		"War  and\tPeace":                      "War  and\tPeace",
		"A b c d e f g h i j k l m n o  p":     "A b c d e f g h i j k l m n o  p",
		"A b c d e f g h i j k l m n o  p Q r": "A b c d e f g h i j k l m n o p",
	} {
		assert.Equal(t, want, keyword.Served())
	}
}
