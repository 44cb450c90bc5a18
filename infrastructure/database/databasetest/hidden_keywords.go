package databasetest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testHiddenKeywords(t *testing.T, db Catalogue) {
	ctx := t.Context()
	long := strings.Repeat("ß", 1000)
	assert.Empty(t, must(db.HiddenKeywords(ctx)))
	for _, keyword := range []string{"emma", "résumé", "resume", "🍕", "🍣", long, "emma"} {
		require.NoError(t, db.HideKeyword(ctx, keyword))
	}
	assert.Equal(t, []string{"emma", "resume", "résumé", long, "🍕", "🍣"}, must(db.HiddenKeywords(ctx)), "no collation is trusted")
	require.NoError(t, db.ShowKeyword(ctx, "resume"))
	require.NoError(t, db.ShowKeyword(ctx, "resume"))
	assert.Equal(t, []string{"emma", "résumé", long, "🍕", "🍣"}, must(db.HiddenKeywords(ctx)))
}
