package catalog

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/model"
)

func TestStarter(t *testing.T) {
	books, err := Starter()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(books), 80)
	languages, scripts, seen := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, b := range books {
		before := *b
		require.NoError(t, b.Validate())
		assert.Equal(t, before, *b, "%s is written in its canonical form", b.Title)
		year, ok := b.Year()
		assert.True(t, ok && year < 1940, "%s has the year %q", b.Title, b.PublishedAt)
		assert.NotEmpty(t, b.Subjects, b.Title)
		assert.True(t, strings.HasSuffix(b.Description, "."), "%s has a sentence", b.Title)
		assert.Empty(t, b.ISBN+b.Price+b.BuyURL+b.CoverURL, b.Title)
		identity := model.Fold(b.Title + "\n" + b.Author)
		assert.False(t, seen[identity], "%s is there twice", b.Title)
		seen[identity] = true
		languages[b.Language]++
		scripts[scriptOf(b.Title)]++
		if b.Author != "" {
			assert.Equal(t, scriptOf(b.Title), scriptOf(b.Author), "%s and %s are in one script", b.Title, b.Author)
		}
	}
	assert.GreaterOrEqual(t, len(languages), 12, "%v", languages)
	assert.GreaterOrEqual(t, len(scripts), 7, "%v", scripts)
	assert.NotContains(t, scripts, "", "%v", scripts)
	t.Logf("%d books, %d languages, %d scripts: %v", len(books), len(languages), len(scripts), scripts)
}

// scriptOf returns the script of a title's first letter, Chinese and
// Japanese taken as one.
func scriptOf(title string) string {
	for _, r := range title {
		if !unicode.IsLetter(r) {
			continue
		}
		for name, script := range unicode.Scripts {
			if unicode.Is(script, r) {
				return strings.Replace(name, "Hiragana", "Han", 1)
			}
		}
	}
	return ""
}
