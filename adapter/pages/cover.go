package pages

import (
	"hash/fnv"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"literank.com/event-books/domain/model"
)

// cover is the picture of a book, if it comes from one of ImageHosts, or else a
// drawing of its title.
type cover struct {
	Image string
	// Palette is a class of the stylesheet, from 0 to palettes-1.
	Palette int
	// Lines are the lines of the title.
	Lines []coverLine
	// Author is the first author.
	Author string
}

type coverLine struct {
	Text string
	Y    int // in the drawing
}

const (
	palettes = 8
	// A drawing has room for coverLines lines of coverColumns columns. The type
	// of the author is smaller, so coverAuthor columns fit.
	coverColumns = 13
	coverLines   = 6
	coverAuthor  = 19
)

func (p *Pages) cover(b *model.Book) cover {
	if u, err := url.Parse(b.CoverURL); err == nil && u.Scheme == "https" && p.isImageHost(u.Host) {
		return cover{Image: b.CoverURL}
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(b.Title + "\x00" + b.Author)) // never fails
	author, _, _ := strings.Cut(b.Author, model.AuthorSeparator)
	drawn := cover{Palette: int(hash.Sum32() % palettes), Author: cut(author, coverAuthor)}
	lines := wrap(b.Title, coverColumns, coverLines)
	for i, line := range lines {
		drawn.Lines = append(drawn.Lines, coverLine{line, 122 - 10*len(lines) + 22*i})
	}
	return drawn
}

// isImageHost reads ImageHosts as browsers do in the Content-Security-Policy.
func (p *Pages) isImageHost(host string) bool {
	return slices.ContainsFunc(p.ImageHosts, func(allowed string) bool {
		domain, wild := strings.CutPrefix(allowed, "*")
		return strings.EqualFold(host, allowed) || wild && len(host) > len(domain) && strings.EqualFold(host[len(host)-len(domain):], domain)
	})
}

// columns returns the width of a rune; East Asian wide runes take two columns.
func columns(r rune) int {
	if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wrap breaks text into at most most lines of at most wide columns, between words
// if possible. If text is left over, … ends the last line.
func wrap(text string, wide, most int) []string {
	var lines []string
	line, used := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, line)
		}
		line, used = "", 0
	}
	for _, word := range strings.Fields(text) {
		size := 0
		for _, r := range word {
			size += columns(r)
		}
		if used > 0 && used+1+size > wide {
			flush()
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		for _, r := range word {
			if used+columns(r) > wide {
				flush()
			}
			line, used = line+string(r), used+columns(r)
		}
	}
	flush()
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = cut(lines[most-1]+strings.Repeat(" ", wide), wide)
	}
	return lines
}

// cut shortens text to a width; shortened text ends in ….
func cut(text string, wide int) string {
	used, fits := 0, 0 // text[:fits] leaves room for …
	for i, r := range text {
		if used < wide {
			fits = i
		}
		if used += columns(r); used > wide {
			return strings.TrimRight(text[:fits], " ") + "…"
		}
	}
	return text
}
