package pages

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// cover is the picture of a book, if it comes from one of ImageHosts, or else a
// drawing of its title.
type cover struct {
	Image string
	// Palette is a class of the stylesheet, from 0 to palettes-1.
	Palette int
	// Small says that the title has long words and needs small type.
	Small bool
	// Lines are the lines of the title, AuthorLines those of Author, the first author.
	Lines, AuthorLines []coverLine
	Author             string
}

type coverLine struct {
	Text string
	Y    int // in the drawing
}

// typeSize is a size of type in a drawing, as in the stylesheet.
type typeSize struct {
	wide    int // room in hundredths of an em
	lines   int
	leading int // from line to line
}

// The room for text is 141 wide.
var (
	normalTitle = typeSize{wide: 141 * 100 / 16, lines: 6, leading: 22}
	smallTitle  = typeSize{wide: 141 * 100 / 13, lines: 7, leading: 18}
	authorType  = typeSize{wide: 141 * 1000 / 115, lines: 2, leading: 13}
)

const (
	palettes = 8
	// The base line of a title of one line, and of an author.
	titleMiddle, authorMiddle = 117, 230
)

func (p *Pages) cover(b *model.Book) cover {
	if u, err := url.Parse(b.CoverURL); err == nil && u.Scheme == "https" && p.isImageHost(u.Host) {
		return cover{Image: b.CoverURL}
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(b.Title + "\x00" + b.Author)) // never fails
	author, _, _ := strings.Cut(b.Author, model.AuthorSeparator)
	drawn := cover{Palette: int(hash.Sum32() % palettes), Author: author, AuthorLines: authorType.set(author, authorMiddle)}
	size := normalTitle
	if hasLongWord(b.Title, size.wide) {
		drawn.Small, size = true, smallTitle
	}
	drawn.Lines = size.set(b.Title, titleMiddle)
	return drawn
}

// Drawing is the cover as SVG. A page has many, and a template would be slower.
func (c cover) Drawing() template.HTML {
	var out strings.Builder
	out.Grow(1 << 10)
	fmt.Fprintf(&out, `<svg class="cover c%d" viewBox="0 0 180 260" aria-hidden="true"><rect class="paper" width="180" height="260" rx="3"/><rect class="spine" width="9" height="260"/><rect class="frame" x="21" y="14" width="147" height="232" rx="2"/><line class="rule" x1="70" x2="119" y1="206" y2="206"/>`, c.Palette)
	out.WriteString(`<svg x="24" width="141" height="260">`) // cuts off what is too wide
	class := "title"
	if c.Small {
		class = "title small"
	}
	for _, lines := range []struct {
		class string
		lines []coverLine
	}{{class, c.Lines}, {"author", c.AuthorLines}} {
		for _, line := range lines.lines {
			fmt.Fprintf(&out, `<text class="%s" x="70.5" y="%d">%s</text>`, lines.class, line.Y, template.HTMLEscapeString(line.Text))
		}
	}
	out.WriteString("</svg></svg>")
	return template.HTML(out.String()) // all text in it is escaped
}

// set puts text into lines around a base line.
func (s typeSize) set(text string, middle int) (set []coverLine) {
	lines := wrap(text, s.wide, s.lines)
	for i, line := range lines {
		set = append(set, coverLine{line, middle + s.leading*(2*i-len(lines)+1)/2})
	}
	return set
}

// isImageHost reads ImageHosts as browsers do in the Content-Security-Policy.
func (p *Pages) isImageHost(host string) bool {
	return slices.ContainsFunc(p.ImageHosts, func(allowed string) bool {
		domain, wild := strings.CutPrefix(allowed, "*")
		return strings.EqualFold(host, allowed) || wild && len(host) > len(domain) && strings.EqualFold(host[len(host)-len(domain):], domain)
	})
}
