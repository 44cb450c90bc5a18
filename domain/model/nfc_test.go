package model_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"literank.com/event-books/domain/model"
)

const joiner = "\u034f" // COMBINING GRAPHEME JOINER

// A keyword is Unicode's NFC, however many marks follow each other.
func TestKeywordWithManyMarks(t *testing.T) {
	acute := func(n int) string { return strings.Repeat("\u0301", n) }
	for name, c := range map[string]struct{ typed, want string }{
		"thirty":                     {"q" + acute(30), "q" + acute(30)},
		"thirty-one":                 {"q" + acute(31), "q" + acute(31)},
		"forty":                      {"q" + acute(40), "q" + acute(40)},
		"the first composes":         {"a" + acute(40), "á" + acute(39)},
		"already composed":           {"á" + acute(39), "á" + acute(39)},
		"the last sorts first":       {"a" + acute(39) + "\u0323", "ạ" + acute(39)},
		"two classes":                {"q" + strings.Repeat("\u0301\u0323", 20), "q" + strings.Repeat("\u0323", 20) + acute(20)},
		"blocked":                    {"q" + strings.Repeat("\u0323", 40) + "\u0301", "q" + strings.Repeat("\u0323", 40) + "\u0301"},
		"behind the marks of others": {"e" + strings.Repeat("\u0316", 35) + "\u0301", "é" + strings.Repeat("\u0316", 35)},
		"no letter":                  {acute(40), acute(40)},
		"no letter, unordered":       {acute(40) + "\u0323", "\u0323" + acute(40)},
		"typed joiner":               {"q" + acute(35) + joiner + "\u0323", "q" + acute(35) + joiner + "\u0323"},
		"typed joiner at thirty":     {"q" + acute(30) + joiner + acute(30), "q" + acute(30) + joiner + acute(30)},
		"only joiners":               {strings.Repeat(joiner, 40), strings.Repeat(joiner, 40)},
		"other letters around":       {"e\u0301 " + "q" + acute(40) + " \u1112\u1161\u11ab \u212b", "é q" + acute(40) + " 한 Å"},
		"excluded from composition":  {"\u0915\u093c" + strings.Repeat("\u093c", 40), "\u0915\u093c" + strings.Repeat("\u093c", 40)},
		"starters that compose":      {"\u0b47\u0b3e" + acute(40), "\u0b4b" + acute(40)},
		"marks between starters":     {"\u1112" + acute(40) + "\u1161", "\u1112" + acute(40) + "\u1161"},
	} {
		got, err := model.ParseKeyword(c.typed)
		require.NoError(t, err, name)
		assert.Equalf(t, c.want, string(got), "%s: %+q", name, got)
		again, err := model.ParseKeyword(string(got))
		require.NoError(t, err, name)
		assert.Equal(t, got, again, name)
		filter, err := model.ParseFilterText(c.typed)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, filter, name)
		tag, err := model.ParseTag(c.typed)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, tag, name)
	}
}

// The length counts in NFC, however long the typed form is.
func TestLengthOfKeywords(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		fits  bool
	}{
		"marks on one letter":           {"a" + strings.Repeat("\u0301", 1000), true},
		"one mark more":                 {"a" + strings.Repeat("\u0301", 1001), false},
		"four code points each":         {strings.Repeat("\u03b1\u0313\u0300\u0345", 1000), true},
		"four each, and one":            {strings.Repeat("\u03b1\u0313\u0300\u0345", 1000) + "a", false},
		"Hangul in parts":               {strings.Repeat("\u1112\u1161\u11ab", 1000), true},
		"white space around":            {strings.Repeat("\u3000", 9000) + strings.Repeat("e\u0301", 1000) + strings.Repeat(" ", 9000), true},
		"white space within":            {"a" + strings.Repeat(" ", 999) + "b", false},
		"longer in NFC than as typed":   {strings.Repeat("\ufb2c", 333) + "a", true},
		"too long in NFC, not as typed": {strings.Repeat("\ufb2c", 334), false},
	} {
		keyword, err := model.ParseKeyword(c.typed)
		if !c.fits {
			assert.ErrorContains(t, err, "longer than 1000", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, model.MaxKeyword, utf8.RuneCountInString(string(keyword)), name)
	}
}

// ParseKeyword relies on it: text of more than 4,000 code points is too long in NFC, too.
func TestOneCodePointIsAtMostFour(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if n := utf8.RuneCountInString(norm.NFD.String(string(r))); n > 4 {
			t.Errorf("%U decomposes into %d", r, n)
		}
	}
}

// The keyword of canonically equivalent texts is the same, it is equivalent to them,
// and it is what norm says wherever norm inserts nothing.
func FuzzManyMarks(f *testing.F) {
	f.Add("a", "\u0301\u0323", 20)
	f.Add("가", "\u0345\u0301\u11ab", 31)
	f.Add("\u0915"+joiner, "\u093c"+joiner, 12)
	f.Add("", "\u0344\u1d165", 17)
	f.Fuzz(func(t *testing.T, head, marks string, n int) {
		typed := strings.ToValidUTF8(head+strings.Repeat(marks, max(0, min(n, 50))), "")
		keyword, err := model.ParseKeyword(typed)
		if err != nil {
			return
		}
		typed = strings.TrimSpace(typed)
		again, err := model.ParseKeyword(string(keyword))
		require.NoError(t, err, "%+q", typed)
		require.Equal(t, keyword, again, "%+q", typed)
		require.Equal(t, strings.Count(typed, joiner), strings.Count(string(keyword), joiner), "%+q", typed)
		var single strings.Builder
		for _, r := range typed {
			single.WriteString(norm.NFD.String(string(r)))
		}
		if equivalent, err := model.ParseKeyword(single.String()); err == nil {
			require.Equal(t, keyword, equivalent, "%+q", typed)
		}
		if safe := norm.NFC.String(typed); strings.Count(safe, joiner) == strings.Count(typed, joiner) {
			require.Equal(t, safe, string(keyword), "%+q", typed)
		}
		require.Equal(t, marksOf(typed), marksOf(string(keyword)), "%+q", typed)
	})
}

// marksOf counts the code points of a text in NFD.
func marksOf(s string) map[rune]int {
	count := map[rune]int{}
	for _, r := range s {
		for _, part := range norm.NFD.String(string(r)) {
			count[part]++
		}
	}
	return count
}
