package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// token is a word or a phrase of the typed text.
type token struct {
	typed      string // the whole text
	start, end int    // with quotes
	// textStart and textEnd stand inside the quotes of a phrase.
	textStart, textEnd int
	quoted             bool
	// glued says that it follows the token before it without a blank.
	glued bool
}

func (t token) text() string { return t.typed[t.textStart:t.textEnd] }

// from returns the token without its text before start.
func (t token) from(start int) token {
	t.start, t.textStart = start, start
	return t
}

// asText returns the clause that finds the token in any field.
func (t token) asText() Clause {
	return Clause{
		Text: t.text(), Phrase: t.quoted && len(searched(t.typed, t.textStart, t.textEnd)) > 1,
		Start: t.start, End: t.end, textStart: t.textStart, textEnd: t.textEnd,
	}
}

// split cuts text at white space and around phrases. Empty phrases vanish.
func split(text string) []token {
	var tokens []token
	begin := 0 // of the text that isn't cut yet
	for i := 0; i < len(text); {
		inner, outer, ok := phraseEnd(text, i)
		_, size := utf8.DecodeRuneInString(text[i:])
		if !ok {
			i += size
			continue
		}
		tokens = append(tokens, words(text, begin, i)...)
		if found := searched(text, i+size, inner); len(found) > 0 {
			tokens = append(tokens, token{
				typed: text, start: i, end: outer, quoted: true,
				textStart: found[0].start, textEnd: found[len(found)-1].end,
			})
		}
		i, begin = outer, outer
	}
	tokens = append(tokens, words(text, begin, len(text))...)
	for i := 1; i < len(tokens); i++ {
		tokens[i].glued = tokens[i-1].end == tokens[i].start
	}
	return tokens
}

// words cuts text[start:end] at white space.
func words(text string, start, end int) []token {
	var tokens []token
	for {
		start, end = trimSpace(text, start, end)
		if start == end {
			return tokens
		}
		size := strings.IndexFunc(text[start:end], unicode.IsSpace)
		if size < 0 {
			size = end - start
		}
		tokens = append(tokens, token{typed: text, start: start, end: start + size, textStart: start, textEnd: start + size})
		start += size
	}
}

// searched returns the words of text[start:end] that are more than punctuation, or
// all if none is.
func searched(text string, start, end int) []token {
	all := words(text, start, end)
	var found []token
	for _, t := range all {
		if !isPunctuation(t.text()) {
			found = append(found, t)
		}
	}
	if found == nil {
		return all
	}
	return found
}

// trimSpace returns the offsets of text[start:end] without white space around it.
func trimSpace(text string, start, end int) (int, int) {
	s := text[start:end]
	start += len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	return start, max(start, end-len(s)+len(strings.TrimRightFunc(s, unicode.IsSpace)))
}

// isPunctuation reports whether text has nothing to search for. & and signs such
// as % can stand for a word.
func isPunctuation(text string) bool {
	if strings.ContainsFunc(text, unicode.IsLetter) {
		return false
	}
	return !strings.ContainsFunc(model.Fold(text), func(r rune) bool {
		return strings.ContainsRune("&%@#", r) ||
			!unicode.In(r, unicode.P, unicode.M, unicode.Sk, unicode.Z) && !strings.ContainsRune("|~=<>", r)
	})
}

// isWordRune reports whether r is part of a word rather than between words.
func isWordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

func runeBefore(text string, i int) rune {
	r, size := utf8.DecodeLastRuneInString(text[:i])
	if size == 0 {
		return ' '
	}
	return r
}

func runeAt(text string, i int) rune {
	r, size := utf8.DecodeRuneInString(text[i:])
	if size == 0 {
		return ' '
	}
	return r
}
