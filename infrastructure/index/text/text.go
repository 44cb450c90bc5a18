// Package text turns texts of books, and queries, into the terms of a search index. It
// decides which spellings find each other; it knows no index, no ranking and no query
// syntax.
//
// Book and Query cut a text into the same tokens and give each the same canonical term,
// so a text always finds itself. They differ in the further terms:
//
//   - Folded on both sides, because the spellings mean the same everywhere: case, width,
//     marks, letters without decomposition, apostrophes, kana, Han variants, Arabic and
//     Indic spellings, Mc and Mac, the Arabic article, thousands separators, initials,
//     unambiguous words for "and" and for "saint", English and Roman numerals, volume
//     words.
//   - Further terms of the book, because a query can't know the language or the context: ä
//     as ae, parts of elisions and numbers, initials one by one, ambiguous words for "and",
//     numerals of the book's language, a single V or X as number, letters of scripts
//     without blanks, compounds of parts that a hyphen joins.
//   - Further terms of the query, because the book may have the other spelling: ä as ae,
//     neighbours joined (moby dick finds Mobydick), the word as typed, for completions.
//
// The index also takes Pairs of a book's tokens, so that Mobydick finds Moby Dick.
//
// All functions may be called concurrently. Their work grows linearly with the text.
package text

import "strings"

// Token is one place in a text with the terms that stand there.
type Token struct {
	// Terms are spellings under which the place is found, the canonical one first. None is
	// longer than 128 bytes.
	Terms []string
	// Own is how many of Terms spell the token itself. The others are compounds with its
	// neighbours: in a query, only single words of a book need to be compared with them,
	// since a book with such a pair has the two words.
	Own int
	// Start and End are the bytes of the original text that the token covers.
	Start, End int
	// Position counts tokens. A query token of a script without blanks covers two letters
	// and has the position of the first.
	Position int

	parts partKind
	word  string // how a compound spells it, if not like Terms[0]
}

// Kind is the kind of a book's text.
type Kind int

const (
	// Other is any text that is neither title nor name.
	Other Kind = iota
	Title
	// Name is the name of an author, or an alias. It may be inverted.
	Name
)

// Book analyses a text of a book for the index, which takes every term. The language is a
// BCP 47 tag, or empty.
func Book(text, language string, kind Kind) []Token {
	a := newAnalyzer()
	defer a.release()
	a.book, a.kind, a.lang = true, kind, languageOf(language)
	return a.analyze(text)
}

// Query analyses typed text. A book matches a token if it has any of its terms, and the
// query if it matches all tokens.
func Query(text string) []Token {
	a := newAnalyzer()
	defer a.release()
	return a.analyze(text)
}

// Key returns the canonical form of a whole title or query: its canonical terms, with
// blanks between them except between letters of scripts without blanks.
func Key(text string) string {
	a := newAnalyzer()
	defer a.release()
	a.fold(text)
	a.segment()
	return a.key()
}

// Pairs returns the joined canonical terms of neighbours, and for books also their joined
// words if these are spelt otherwise. It leaves out scripts without blanks, whose terms
// overlap already, symbols, and two numbers.
func Pairs(tokens []Token) []string {
	if len(tokens) < 2 {
		return nil
	}
	pairs := make([]string, 0, len(tokens)-1)
	var buf pairBuffer
	for i := 1; i < len(tokens); i++ {
		left, right := &tokens[i-1], &tokens[i]
		if !isPaired(left.parts, right.parts) || right.Position != left.Position+1 {
			continue
		}
		pairs = append(pairs, buf.join(left.Terms[0], right.Terms[0]))
		if left.word != "" || right.word != "" {
			pairs = append(pairs, buf.join(left.spelling(), right.spelling()))
		}
	}
	return pairs
}

func (t *Token) spelling() string {
	if t.word != "" {
		return t.word
	}
	return t.Terms[0]
}

// pairBuffer cuts strings from shared blocks of memory.
type pairBuffer struct{ b strings.Builder }

// join returns the compound of two terms, as analyzer.join does.
func (p *pairBuffer) join(left, right string) string {
	if left == "mc" && len(right) >= 2 {
		left = "mac"
	}
	right = cut(right, maxTerm-len(left))
	if p.b.Cap()-p.b.Len() < len(left)+len(right) {
		p.b = strings.Builder{}
		p.b.Grow(4 * maxTerm)
	}
	from := p.b.Len()
	p.b.WriteString(left)
	p.b.WriteString(right)
	return p.b.String()[from:]
}
