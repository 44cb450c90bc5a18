package model_test

import (
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
			assert.ErrorContains(t, err, string(s), "the error lists the orders")
		}
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

func TestServedAgreesWithWords(t *testing.T) {
	for _, keyword := range []model.Keyword{"a b", model.Keyword(strings.Repeat("a´b ", 10)), model.Keyword(strings.Repeat("w ", 20))} {
		words, _ := keyword.Words()
		served, ignored := model.Keyword(keyword.Served()).Words()
		assert.Equal(t, words, served)
		assert.LessOrEqual(t, ignored, model.MaxWords, "only the rest of the last typed word")
	}
}
