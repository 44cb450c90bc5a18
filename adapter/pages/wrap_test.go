package pages

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// room is the width of so many ordinary letters.
const room = 10 * ordinary

func TestWrap(t *testing.T) {
	ten := "nbudghnupq"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":                  {"", nil},
		"white space":            {" \n ", nil},
		"one line":               {"Emma", []string{"Emma"}},
		"words":                  {"Pride and Prejudice", []string{"Pride and", "Prejudice"}},
		"exactly full":           {ten + " n", []string{ten, "n"}},
		"full but for the space": {"nbudgh nupqd", []string{"nbudgh", "nupqd"}},
		"long word":              {"a " + ten + ten, []string{"a", ten, ten}},
		"too many lines":         {strings.Repeat(ten+" ", 9), []string{ten, ten, ten, ten, ten, "nbudghn…"}},
		"broad letters":          {strings.Repeat("W", 13), []string{"WWWWWW", "WWWWWW", "W"}},
		"capitals":               {"ANTIGONE UND KREON", []string{"ANTIGONE", "UND", "KREON"}},
		"East Asian":             {"紅樓夢三國演義水滸傳西遊記", []string{"紅樓夢三國演義", "水滸傳西遊記"}},
		"full width":             {"ＡＢＣＤＥＦＧＨ", []string{"ＡＢＣＤＥＦＧ", "Ｈ"}},
		"ligatures are wide":     {strings.Repeat("ﬃ", 5), []string{"ﬃﬃﬃﬃ", "ﬃ"}},
		"marks take no room":     {strings.Repeat("n\u0301", 11), []string{strings.Repeat("n\u0301", 10), "n\u0301"}},
		"invisible":              {"\u200fשלום עולם", []string{"\u200fשלום עולם"}},
		"other spaces":           {"a\u3000b\u00a0c", []string{"a b c"}},
		"an emoji stays whole":   {strings.Repeat("👩‍🚀", 8), []string{strings.Repeat("👩‍🚀", 5), strings.Repeat("👩‍🚀", 3)}},
		"syllables stay whole":   {"हिन्दीहिन्दीहिन्दीहिन्दी", []string{"हिन्दीहिन्दी", "हिन्दीहिन्दी"}},
	} {
		assert.Equal(t, c.want, wrap(c.text, room, 6), name)
	}
}

func TestEllipsis(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"room for all":           {"nbud", "nbud…"},
		"too long":               {"nbudghnupq", "nbudghn…"},
		"no space before the …":  {"nbudghn upqd", "nbudghn…"},
		"wide":                   {"紅樓夢三國演義水", "紅樓夢三國…"},
		"marks stay with theirs": {"nbudghnu\u0301pq", "nbudghn…"},
		"mark before the …":      {"nbudghn\u0301upqs", "nbudghn\u0301…"},
	} {
		assert.Equal(t, c.want, ellipsis(c.text, room), name)
	}
	assert.Equal(t, "…", ellipsis("紅紅", square))
}

func FuzzWrap(f *testing.F) {
	for _, seed := range []string{"", "Emma", "紅樓夢 a", strings.Repeat("e\u0301 ", 50), "\xff\u200f", strings.Repeat("Wörter ", 30), "👩‍🚀हिन्दी"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := wrap(text, room, 6)
		if len(lines) > 6 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			if textWidth(line) > room || utf8.ValidString(text) && !utf8.ValidString(line) {
				t.Fatalf("%q has the line %q", text, line)
			}
		}
	})
}
