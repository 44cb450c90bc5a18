package pages

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestWrap(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":                  {"", nil},
		"white space":            {" \n ", nil},
		"one line":               {"Emma", []string{"Emma"}},
		"words":                  {"Pride and Prejudice", []string{"Pride and", "Prejudice"}},
		"exactly full":           {"abcdefghijklm n", []string{"abcdefghijklm", "n"}},
		"full with a space":      {"abcdef ghijkl m", []string{"abcdef ghijkl", "m"}},
		"full but for the space": {"abcdef ghijklm", []string{"abcdef", "ghijklm"}},
		"long word":              {"a Donaudampfschifffahrt", []string{"a", "Donaudampfsch", "ifffahrt"}},
		"too many lines":         {strings.Repeat("abcdefghijkl ", 7), []string{"abcdefghijkl", "abcdefghijkl", "abcdefghijkl", "abcdefghijkl", "abcdefghijkl", "abcdefghijkl…"}},
		"last line is full":      {strings.Repeat("abcdefghijklm ", 7), []string{"abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "abcdefghijkl…"}},
		"East Asian":             {"紅樓夢三國演義水滸傳", []string{"紅樓夢三國演", "義水滸傳"}},
		"full width":             {"ＡＢＣＤＥＦＧ", []string{"ＡＢＣＤＥＦ", "Ｇ"}},
		"marks take no room":     {strings.Repeat("e\u0301", 14), []string{strings.Repeat("e\u0301", 13), "e\u0301"}},
		"invisible":              {"\u200fשלום עולם", []string{"\u200fשלום עולם"}},
		"other spaces":           {"a\u3000b\u00a0c", []string{"a b c"}},
	} {
		assert.Equal(t, c.want, wrap(c.text, coverColumns, coverLines), name)
	}
}

func TestCut(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":                  {"", ""},
		"fits":                   {"abcde", "abcde"},
		"one too many":           {"abcdef", "abcd…"},
		"no space before the …":  {"abc def", "abc…"},
		"wide":                   {"紅樓夢", "紅樓…"},
		"wide among narrow":      {"a紅樓夢", "a紅…"},
		"marks stay with theirs": {"abcde\u0301f", "abcd…"},
		"mark before the …":      {"abcd\u0301ef", "abcd\u0301…"},
		"marks at the end":       {"abcde\u0301", "abcde\u0301"},
	} {
		assert.Equal(t, c.want, cut(c.text, 5), name)
	}
	assert.Equal(t, "…", cut("紅", 1))
}

func FuzzWrap(f *testing.F) {
	for _, seed := range []string{"", "Emma", "紅樓夢 a", strings.Repeat("e\u0301 ", 50), "\xff\u200f", strings.Repeat("Wörter ", 30)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := wrap(text, coverColumns, coverLines)
		if len(lines) > coverLines {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			used := 0
			for _, r := range line {
				used += columns(r)
			}
			if used > coverColumns || line == "" || utf8.ValidString(text) && !utf8.ValidString(line) {
				t.Fatalf("%q has the line %q", text, line)
			}
		}
	})
}

func TestPicturesComeOnlyFromNamedHosts(t *testing.T) {
	p := &Pages{Options: Options{ImageHosts: []string{"img.example", "*.cdn.example", "port.example:8443"}}}
	for address, shown := range map[string]bool{
		"https://img.example/c.jpg?a=1&b=2":   true,
		"https://IMG.example/c.jpg":           true,
		"https://a.cdn.example/c.jpg":         true,
		"https://a.b.cdn.example/c.jpg":       true,
		"https://port.example:8443/c.jpg":     true,
		"http://img.example/c.jpg":            false,
		"https://cdn.example/c.jpg":           false,
		"https://.cdn.example/c.jpg":          false,
		"https://evilcdn.example/c.jpg":       false,
		"https://img.example.evil/c.jpg":      false,
		"https://img.example@evil/c.jpg":      false,
		"https://evil/img.example":            false,
		"https://img.example:444/c.jpg":       false,
		"https://port.example/c.jpg":          false,
		"//img.example/c.jpg":                 false,
		"":                                    false,
		"https://%zz":                         false,
		"data:image/svg+xml,<svg onload=x()>": false,
	} {
		c := p.cover(&model.Book{Title: "T", CoverURL: address})
		assert.Equal(t, shown, c.Image != "", address)
		assert.Equal(t, shown, len(c.Lines) == 0, address)
	}
}

func TestDrawnCover(t *testing.T) {
	p := &Pages{}
	c := p.cover(&model.Book{Title: "War and Peace", Author: "Leo Tolstoy, Louise Maude"})
	assert.Equal(t, "Leo Tolstoy", c.Author)
	assert.Equal(t, c, p.cover(&model.Book{Title: "War and Peace", Author: "Leo Tolstoy, Louise Maude"}), "the same each time")
	seen := map[int]bool{}
	for n := range 200 {
		seen[p.cover(&model.Book{Title: strconv.Itoa(n)}).Palette] = true
	}
	for palette := range palettes {
		assert.True(t, seen[palette], "palette %d is used", palette)
	}
	assert.Len(t, seen, palettes, "and no other")
	empty := p.cover(&model.Book{})
	assert.Empty(t, empty.Lines)
	for n := 1; n <= coverLines; n++ {
		lines := p.cover(&model.Book{Title: strings.TrimSpace(strings.Repeat("abcdefghijkl ", n))}).Lines
		assert.Len(t, lines, n)
		assert.Greater(t, lines[0].Y, 40)
		assert.Less(t, lines[n-1].Y, 195, "above the rule")
	}
}
