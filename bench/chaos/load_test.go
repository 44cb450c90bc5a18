//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each keyword has one search at a time, so the keywords must differ.
func TestKeywords(t *testing.T) {
	keywords, err := keywordsOf(100)
	require.NoError(t, err)
	different := map[string]bool{}
	for _, keyword := range keywords {
		different[keyword] = true
	}
	assert.Len(t, different, 100)
}
