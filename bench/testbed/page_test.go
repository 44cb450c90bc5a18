//go:build unix

package testbed

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyWhatIsMarkedIsReplaced(t *testing.T) {
	p := NewPage("page.md", "weather")
	page := "before\n" + p.Begin + "\nold\n" + p.End + "\nafter\n"
	first, err := p.replace(page, "new\n")
	require.NoError(t, err)
	assert.Equal(t, "before\n"+p.Begin+"\n\nnew\n\n"+p.End+"\nafter\n", first)
	again, err := p.replace(first, "new\n")
	require.NoError(t, err)
	assert.Equal(t, first, again)

	for what, page := range map[string]string{
		"no marks":        "text",
		"no end":          p.Begin,
		"no beginning":    p.End,
		"the wrong order": p.End + p.Begin,
		"twice":           page + page,
	} {
		_, err := p.replace(page, "new")
		assert.Error(t, err, what)
	}
}
