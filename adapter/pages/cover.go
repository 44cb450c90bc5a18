package pages

import (
	"hash/fnv"
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
