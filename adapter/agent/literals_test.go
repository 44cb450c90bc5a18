package agent

import (
	"regexp/syntax"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLiterals(t *testing.T) {
	for pattern, want := range map[string][]string{
		"plain": {"plain"}, "^a$": {edge + "a" + edge}, "": {""}, "(a)": {"a"}, "[wW]get": {"Wget", "wget"}, "[bcd]": {"b", "c", "d"},
		"a|bc": {"a", "bc"}, "(a|b)(c|d)": {"ac", "ad", "bc", "bd"}, "(^| )x": {edge + "x", " x"},
		"(?i)ab": {"AB", "Ab", "aB", "ab"}, "[ab]|[^c]": nil, "[0-9]": nil, "a*": nil, "a.b": nil, "(?i)abcd": nil, "x(a*)": nil, "ab?": nil,
	} {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		require.NoError(t, err)
		got := literals(parsed)
		assert.ElementsMatch(t, want, got, pattern)
		assert.Equal(t, want == nil, got == nil, pattern)
	}
}

// A list matches the same whether its patterns are expanded or not.
func TestExpandedPatternsMatchTheSame(t *testing.T) {
	for pattern, c := range map[string][2][]string{
		"[wW]get": {{"xwgetx", "Wget"}, {"WGET", "get"}}, "^curl": {{"curl/8"}, {"libcurl"}}, "Service$": {{"aService"}, {"Services"}},
		"(^| )PTST\\/": {{"PTST/1", "a PTST/1"}, {"aPTST/1"}}, "(one|ONE) [cC]rawler": {{"one crawler", "ONE Crawler"}, {"One crawler", "one"}},
		"Ahrefs(Bot|Audit)?x": {{"AhrefsBotx", "Ahrefsx"}, {"AhrefsBot"}}, "A[^-]|^$": {{"Ab", ""}, {"A-", "b"}}, "(?i)any": {{"ANY"}, {"an"}}, "(?i)anyone": {{"ANYone"}, {"any"}},
		"v\\d\\.\\d+ F": {{"v1.23 F"}, {"v.1 F"}}, "a[\\s\\S]*z": {{"a-z", "az"}, {"za"}},
	} {
		listed, err := parseCrawlers(pattern)
		require.NoError(t, err)
		for i, list := range c {
			for _, userAgent := range list {
				assert.Equal(t, i == 0, listed.match(userAgent), "%s in %q", pattern, userAgent)
			}
		}
	}
}
