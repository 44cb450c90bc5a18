package pages

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Widths are in hundredths of an em. They are those of a wide typeface, DejaVu Serif
// Bold, because browsers choose among several.
const (
	narrow   = 50 // i, l, punctuation
	slim     = 67 // a, e, s
	ordinary = 74 // n, digits
	capital  = 95
	broad    = 120 // m, W, wide letters of other scripts
	square   = 105 // East Asian characters
	vast     = 135 // Ш, Ж, emoji
	dots     = 3 * narrow
	widest   = 480 // ﷽ and its like are cut off
)

// letterWidth returns the width of a grapheme cluster: an estimate that is hardly
// ever too small. The first code point decides, or what it is short for: ﬃ is as wide
// as f, f and i.
func letterWidth(cluster string) (total int) {
	if len(cluster) == 1 {
		return asciiWidths[cluster[0]]
	}
	first, size := utf8.DecodeRuneInString(cluster)
	parts := []rune(norm.NFKC.String(cluster[:size]))
	if len(parts) == 1 {
		return runeWidth(first)
	}
	for _, r := range parts {
		total += runeWidth(r)
	}
	return min(total, widest)
}

// asciiWidths are the widths of single bytes. Bytes that are no character have that of one
// that can't be shown.
var asciiWidths = func() (widths [256]int) {
	for b := range widths {
		r := rune(b)
		if b >= utf8.RuneSelf {
			r = utf8.RuneError
		}
		widths[b] = runeWidth(r)
	}
	return widths
}()

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Cf, unicode.Mn):
		return 0
	case strings.ContainsRune(" !'(),-./:;I[]`ijl|·’‘ı", r):
		return narrow
	case strings.ContainsRune("acefkorstvxyzàáâäåãçèéêëòóôöõøšž", r):
		return slim
	case strings.ContainsRune("ЖШЩЮФЫ", r), r >= 0x1F000 && r <= 0x1FAFF:
		return vast
	case strings.ContainsRune("@%&MWmwŒÆœæ—Мжшщюмфы…", r):
		return broad
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return square
	}
	switch {
	case unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew) && !unicode.IsUpper(r), unicode.IsDigit(r) && r < 0x80:
		return ordinary
	case unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic):
		return capital
	}
	return broad
}

func textWidth(text string) (total int) {
	for cluster := range clusters(text) {
		total += letterWidth(cluster)
	}
	return total
}

// clusters yields what readers see as the characters of a text.
func clusters(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		state := -1
		for text != "" {
			var cluster string
			// Two such characters never belong together, and most texts have no others.
			if isPrintable(text[0]) && (len(text) == 1 || isPrintable(text[1])) {
				if !yield(text[:1]) {
					return
				}
				text, state = text[1:], -1
				continue
			}
			cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
			if !yield(cluster) {
				return
			}
		}
	}
}

func isPrintable(b byte) bool { return ' ' <= b && b < 0x7F }

// hasLongWord reports whether a word is wider than a line. East Asian text has no
// spaces and may break anywhere.
func hasLongWord(text string, wide int) bool {
	for word := range strings.FieldsSeq(text) {
		spelled := strings.TrimFunc(word, func(r rune) bool { return letterWidth(string(r)) == square })
		if textWidth(spelled) > wide {
			return true
		}
	}
	return false
}

// wrap breaks text into at most most lines of a width, between words if possible. If
// text is left over, … ends the last line.
func wrap(text string, wide, most int) []string {
	var lines []string
	line, used := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, line)
		}
		line, used = "", 0
	}
	for word := range strings.FieldsSeq(text) {
		if used > 0 && used+narrow+textWidth(word) > wide {
			flush()
		}
		if used > 0 {
			line, used = line+" ", used+narrow
		}
		for cluster := range clusters(word) {
			if used+letterWidth(cluster) > wide {
				flush()
			}
			line, used = line+cluster, used+letterWidth(cluster)
		}
	}
	flush()
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = ellipsis(lines[most-1], wide)
	}
	return lines
}

// ellipsis puts … behind as much of a text as leaves room for it.
func ellipsis(text string, wide int) string {
	fits, used := 0, dots
	for cluster := range clusters(text) {
		if used += letterWidth(cluster); used > wide {
			break
		}
		fits += len(cluster)
	}
	return strings.TrimRight(text[:fits], " ") + "…"
}
