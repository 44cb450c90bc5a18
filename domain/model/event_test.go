package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestTags(t *testing.T) {
	for typed, want := range map[string]string{
		"": "", "spring-letter": "spring-letter", " \t a b\u3000": "a b", "e\u0301": "é", "🍕": "🍕",
		strings.Repeat("é", 100): strings.Repeat("é", 100),
	} {
		tag, err := model.ParseTag(typed)
		require.NoError(t, err, typed)
		assert.Equal(t, want, tag)
	}
	for typed, want := range map[string]string{
		"\xff": "is not valid UTF-8", "a\x00b": "control", "a\nb": "control", "a\u0085b": "control", "a\x7fb": "control", strings.Repeat("a", 101): "longer than 100",
	} {
		_, err := model.ParseTag(typed)
		require.ErrorContains(t, err, want, typed)
		assert.Equal(t, model.Malformed, model.ErrorCode(err))
	}
}
