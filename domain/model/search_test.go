package model_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestParseSort(t *testing.T) {
	for name, want := range map[string]model.Sort{"": "relevance", "relevance": "relevance", "title": "title", "newest": "newest", "oldest": "oldest"} {
		got, err := model.ParseSort(name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, name := range []string{"Title", "best", " title", "id"} {
		_, err := model.ParseSort(name)
		assert.Equal(t, model.Malformed, model.ErrorCode(err))
		for _, s := range model.Sorts {
			assert.ErrorContains(t, err, string(s), "the error tells what there is")
		}
	}
}

func TestParseFilters(t *testing.T) {
	for query, want := range map[string]string{
		"":                              "",
		"q=x&sort=title":                "",
		"author=+Anna+&subject=e%CC%81": "author=Anna&subject=%C3%A9",
		"author=+++":                    "",
		"language=eng":                  "language=en",
		"language=EN-us":                "language=en-US",
		"language=zh-hant-tw":           "language=zh-Hant-TW",
		"decade=1990":                   "decade=1990",
		"decade=-380":                   "decade=-380",
		"decade=0":                      "decade=0",
		"available=true":                "available=true",
		"available=false":               "available=false",
		"decade=1990&available=true&author=a&subject=s&language=de": "author=a&available=true&decade=1990&language=de&subject=s",
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		f, err := model.ParseFilters(values.Get)
		require.NoError(t, err, query)
		assert.Equal(t, want, f.Values().Encode(), query)
		again, err := model.ParseFilters(f.Values().Get)
		require.NoError(t, err, query)
		assert.Equal(t, f, again, query)
	}
	for query, field := range map[string]string{
		"author=%ff":                          "author",
		"subject=a%00":                        "subject",
		"author=" + strings.Repeat("a", 1001): "author",
		"language=xx-nonsense!":               "language",
		"language=und":                        "language",
		"language=english":                    "language",
		"decade=1995":                         "decade",
		"decade=x":                            "decade",
		"decade=1990.0":                       "decade",
		"decade=-10000":                       "decade",
		"decade=99999999999999999999":         "decade",
		"available=yes":                       "available",
		"available=TRUE":                      "available",
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		_, err = model.ParseFilters(values.Get)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), query)
		assert.ErrorContains(t, err, field+": ")
	}
}

func TestParseLanguage(t *testing.T) {
	for tag, want := range map[string]string{"eng": "en", "deu": "de", "EN": "en", "en_GB": "en-GB", "sr-cyrl": "sr-Cyrl", "grc": "grc", "iw": "he"} {
		got, err := model.ParseLanguage(tag)
		require.NoError(t, err, tag)
		assert.Equal(t, want, got)
	}
	for _, tag := range []string{"", "und", "1", "a-b-c-d-e", "english", "en-", "<script>"} {
		_, err := model.ParseLanguage(tag)
		assert.Error(t, err, tag)
	}
}

// NFC can make a text longer, and what the shop links to has to be taken.
func TestFiltersAreMeasuredAfterComposing(t *testing.T) {
	_, err := model.ParseFilters(func(name string) string {
		if name == "author" {
			return strings.Repeat("\uFB2C", 400) // becomes three each
		}
		return ""
	})
	assert.Equal(t, model.Malformed, model.ErrorCode(err))
}

func TestServedAgreesWithWords(t *testing.T) {
	for _, keyword := range []model.Keyword{"a b", model.Keyword(strings.Repeat("a´b ", 10)), model.Keyword(strings.Repeat("w ", 20))} {
		words, _ := keyword.Words()
		served, ignored := model.Keyword(keyword.Served()).Words()
		assert.Equal(t, words, served)
		assert.LessOrEqual(t, ignored, model.MaxWords, "only the rest of the last typed word")
	}
}
