package query_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/domain/model"
)

const pageSize = 20

func TestFilters(t *testing.T) {
	links := query.Links{PageSize: pageSize}
	for raw, want := range map[string]string{
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
		search, _, err := query.ParseStrict(raw, pageSize)
		require.NoError(t, err, raw)
		assert.Equal(t, want, query.FilterValues(search.Filters).Encode(), raw)
		again, _, err := query.ParseStrict(links.Values(search, "").Encode(), pageSize)
		require.NoError(t, err, raw)
		assert.Equal(t, search, again, raw)
	}
}

func TestGroup(t *testing.T) {
	for raw, byWork := range map[string]bool{"": false, "group=": false, "group=book": false, "group=work": true} {
		search, _, err := query.ParseStrict(raw, pageSize)
		require.NoError(t, err)
		assert.Equal(t, byWork, search.ByWork, "the API lists books: %q", raw)
	}
	for raw, want := range map[string]string{"": "", "group=work": "", "group=book": "group=book"} {
		search, _, err := query.ParseLenient(raw, pageSize)
		require.NoError(t, err)
		assert.Equal(t, want == "", search.ByWork, "pages list works: %q", raw)
		assert.Equal(t, want, query.Links{PageSize: pageSize, ByWork: true}.Values(search, "").Encode())
	}
}

func TestIsFilter(t *testing.T) {
	for filter, is := range map[[2]string]bool{
		{"author", "Anna"}: true, {"author", " Anna"}: false, {"author", ""}: false, {"author", "\xff"}: false,
		{"language", "en-US"}: true, {"language", "eng"}: false, {"language", "english"}: false,
		{"decade", "1990"}: true, {"decade", "-50"}: true, {"decade", "1995"}: false, {"available", "true"}: true, {"available", "yes"}: false,
		{"subject", "R&D"}: true, {"sort", "title"}: false,
	} {
		assert.Equal(t, is, query.IsFilter(filter[0], filter[1]), filter)
	}
}

func TestErrorsNameTheParameter(t *testing.T) {
	for raw, parameter := range map[string]string{
		"q=%ff":                               "q",
		"q=a%00":                              "q",
		"q=" + strings.Repeat("a", 1001):      "q",
		"author=%ff":                          "author",
		"subject=a%00":                        "subject",
		"author=" + strings.Repeat("a", 1001): "author",
		"language=xx-nonsense!":               "language",
		"language=und":                        "language",
		"language=english":                    "language",
		"group=works":                         "group",
		"decade=1995":                         "decade",
		"decade=x":                            "decade",
		"decade=1990.0":                       "decade",
		"decade=-10000":                       "decade",
		"decade=99999999999999999999":         "decade",
		"available=yes":                       "available",
		"available=TRUE":                      "available",
		"sort=best":                           "sort",
		"o=-1":                                "o",
		"q=a&o=9981":                          "o",
		"sort=title&o=9901&limit=100":         "o",
		"language=en&o=2147483647":            "o",
		"limit=101":                           "limit",
		// NFC can lengthen text, and a link with the result must be readable, so
		// the length counts after NFC.
		"author=" + url.QueryEscape(strings.Repeat("\uFB2C", 400)): "author", // three code points each
	} {
		_, _, strict := query.ParseStrict(raw, pageSize)
		_, _, lenient := query.ParseLenient(raw, pageSize)
		for _, err := range []error{strict, lenient} {
			assert.Equal(t, model.Malformed, model.ErrorCode(err), raw)
			assert.ErrorContains(t, err, parameter+": ", raw)
		}
	}
	for raw, parameter := range map[string]string{"tag=%00": "tag", "utm_source=x": "utm_source", "q=a&q=b": "q"} {
		_, _, err := query.ParseStrict(raw, pageSize)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), raw)
		assert.ErrorContains(t, err, parameter+": ", raw)
		_, tag, err := query.ParseLenient(raw, pageSize)
		require.NoError(t, err, raw)
		assert.Empty(t, tag, raw)
	}
}

// A page reads its own parameters, whatever stands around them.
func TestForeignParametersDoNotMatter(t *testing.T) {
	for _, foreign := range []string{
		"utm_campaign=50%off", "a;b", "%zz=1", "%", "=", "&&", "x=%ff", "q%zz=1", "fbclid", "ref=a;q=b", "Q=%zz", "q=second", "q=%zz",
		"tag=%zz", "tag=a;b", "utm=%E0%A4%A", strings.Repeat("x=%zz&", 500),
	} {
		for _, raw := range []string{"q=war&o=20&" + foreign, "q=war&" + foreign + "&o=20"} {
			search, _, err := query.ParseLenient(raw, pageSize)
			require.NoError(t, err, raw)
			assert.Equal(t, "war", string(search.Keyword), raw)
			assert.Equal(t, 20, search.Offset, raw)
			_, _, err = query.ParseStrict(raw, pageSize)
			assert.Equal(t, foreign == "&&", err == nil, raw)
		}
	}
}

// The error page needs what was right.
func TestLenientErrorsKeepWhatWasRead(t *testing.T) {
	for raw, keyword := range map[string]string{
		"q=war&o=x": "war", "o=%zz&q=war": "war", "q=war&decade=5": "war", "q=%zz&o=3": "", "q=%00": "", "q=war&o=999999": "war",
	} {
		search, _, err := query.ParseLenient(raw, pageSize)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), raw)
		assert.Equal(t, keyword, string(search.Keyword), raw)
		assert.Equal(t, raw == "q=war&o=999999", search.TooDeep(), raw)
	}
	for _, raw := range []string{"q=%zz", "q=a;b", "o=%", "x=1&sort=%zz"} {
		_, _, err := query.ParseLenient(raw, pageSize)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), raw)
	}
}

func TestDepthOfResults(t *testing.T) {
	for _, raw := range []string{"q=a&o=9980", "q=a&o=9900&limit=100&sort=title", "author=b&o=9999&limit=1", "o=2147483647", "sort=relevance&o=10000"} {
		_, _, err := query.ParseStrict(raw, pageSize)
		assert.NoError(t, err, raw)
	}
}

// FuzzParseSearch: the parser either refuses a query string or understands it,
// and a link to the search that it understood leads to the same search.
func FuzzParseSearch(f *testing.F) {
	for _, seed := range []string{
		"", "q=war+peace&o=20", "q=%00", "q=%ff", "q=%zz", "q=a;b", "q=a&q=b", "q=e%CC%81&limit=100&sort=newest",
		"author=%EF%AC%AC&subject=x&decade=-380&available=true", "language=eng", "language=zh-Hant-TW", "language=i-klingon",
		"language=x-private", "language=en-u-co-phonebk", "o=2147483647&limit=1", "o=-1", "decade=1995", "utm_source=x", "sort=best",
		"utm_campaign=50%off&q=a", "a;b&q=a&o=%", "tag=a", "tag=%00", "tag=+%C2%A0", "tag=e%CC%81", "language=und-Latn", "language=art-lojban", "author=+a+", "q=%EF%B7%BA",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	links := query.Links{PageSize: pageSize}
	f.Fuzz(func(t *testing.T, raw string, strict bool) {
		parse := query.ParseLenient
		if strict {
			parse = query.ParseStrict
		}
		search, tag, err := parse(raw, pageSize)
		if err != nil {
			require.Equal(t, model.Malformed, model.ErrorCode(err), "%q is refused with %v", raw, err)
			return
		}
		link := links.Values(search, tag).Encode()
		again, sameTag, err := query.ParseStrict(link, pageSize)
		require.NoError(t, err, "%q becomes the link %q", raw, link)
		require.Equal(t, search, again, "%q becomes the link %q", raw, link)
		require.Equal(t, tag, sameTag, "%q becomes the link %q", raw, link)
	})
}

func TestCutExplain(t *testing.T) {
	book, wanted, rest, err := query.CutExplain("q=moon&explain=7&o=20")
	require.NoError(t, err)
	assert.True(t, wanted)
	assert.Equal(t, uint(7), book)
	assert.Equal(t, "o=20&q=moon", rest)

	_, wanted, rest, err = query.CutExplain("q=moon")
	require.NoError(t, err)
	assert.False(t, wanted)
	assert.Equal(t, "q=moon", rest)

	for _, wrong := range []string{"explain=", "explain=0", "explain=-1", "explain=moon", "explain=9223372036854775808", "explain=7&explain=8", "explain=%"} {
		_, _, _, err := query.CutExplain(wrong)
		assert.Equal(t, model.Malformed, model.ErrorCode(err), wrong)
	}
}
