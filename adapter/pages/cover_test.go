package pages

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

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
	assert.Equal(t, []coverLine{{"Leo Tolstoy", authorMiddle}}, c.AuthorLines)
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
	two := p.cover(&model.Book{Author: "Maximiliana Butterblume"}).AuthorLines
	assert.Equal(t, []coverLine{{"Maximiliana", 224}, {"Butterblume", 236}}, two)
	empty := p.cover(&model.Book{})
	assert.Empty(t, empty.Lines)
	for word, size := range map[string]typeSize{"abcdefgho ": normalTitle, "abcdefghoabcd ": smallTitle} {
		for n := 1; n <= size.lines; n++ {
			drawn := p.cover(&model.Book{Title: strings.TrimSpace(strings.Repeat(word, n))})
			assert.Equal(t, size == smallTitle, drawn.Small, word)
			lines := drawn.Lines
			assert.Len(t, lines, n)
			assert.Greater(t, lines[0].Y, 40)
			assert.Less(t, lines[n-1].Y, 195, "above the rule")
		}
	}
	assert.False(t, p.cover(&model.Book{Title: strings.Repeat("紅", 100)}).Small, "breaks anywhere")
}
