package text

import (
	"strconv"
	"sync"
	"unicode/utf8"
)

// maxTerm is the greatest length of a term in bytes. Longer words are cut.
const maxTerm = 128

// span is a part of analyzer.buf.
type span struct{ from, to int32 }

func (s span) len() int { return int(s.to - s.from) }

// analyzer holds the work on one text. Folded letters, and all terms that are made from
// them, are in buf.
type analyzer struct {
	scanner
	units []unit
	terms []span
	first int // terms of the current token begin here
	made  []made

	book bool
	kind Kind
	lang langs
}

// made is what belongs to a token and becomes strings at the end.
type made struct {
	terms int // how many
	word  span
}

var analyzers = sync.Pool{New: func() any { return new(analyzer) }}

func newAnalyzer() *analyzer {
	return analyzers.Get().(*analyzer)
}

// release keeps the buffers for the next text, unless they are large.
func (a *analyzer) release() {
	if cap(a.buf) > 1<<16 || cap(a.words) > 1<<12 {
		return
	}
	a.scanner.reset()
	*a = analyzer{scanner: a.scanner, units: a.units[:0], terms: a.terms[:0], made: a.made[:0]}
	analyzers.Put(a)
}

func (a *analyzer) analyze(text string) []Token {
	a.fold(text)
	a.segment()
	a.compounds()
	if len(a.units) == 0 {
		return nil
	}
	tokens := make([]Token, 0, len(a.units))
	for i := range a.units {
		a.first = len(a.terms)
		var token Token
		if a.units[i].parts == letterPart {
			token = a.letter(i)
			token.Own = len(a.terms) - a.first
		} else {
			token = a.emit(i)
		}
		if len(a.terms) == a.first {
			continue // a letter whose bigram the query has already
		}
		token.Position = i
		token.parts = a.units[i].parts
		tokens = append(tokens, token)
		a.made = append(a.made, made{len(a.terms) - a.first, a.ownSpelling(i)})
	}
	a.setTerms(tokens)
	return tokens
}

// setTerms turns spans into strings, which share one copy of buf.
func (a *analyzer) setTerms(tokens []Token) {
	all := string(a.buf)
	arena := make([]string, len(a.terms))
	for i, s := range a.terms {
		arena[i] = all[s.from:s.to]
	}
	next := 0
	for i := range tokens {
		m := &a.made[i]
		tokens[i].Terms = arena[next : next+m.terms : next+m.terms]
		tokens[i].word = all[m.word.from:m.word.to]
		next += m.terms
	}
}

// add adds a term to the current token unless it has it.
func (a *analyzer) add(s span) {
	if s.len() == 0 {
		return
	}
	text := a.buf[s.from:s.to]
	for _, other := range a.terms[a.first:] {
		if string(a.buf[other.from:other.to]) == string(text) {
			return
		}
	}
	a.terms = append(a.terms, s)
}

func (a *analyzer) addString(s string) { a.add(a.put(s)) }

func (a *analyzer) addNumber(n int) { a.add(a.putNumber(n)) }

// put appends to buf.
func (a *analyzer) put(s string) span {
	from := len(a.buf)
	a.buf = append(a.buf, s...)
	return span{int32(from), int32(len(a.buf))}
}

func (a *analyzer) putNumber(n int) span {
	from := len(a.buf)
	a.buf = strconv.AppendInt(a.buf, int64(n), 10)
	return span{int32(from), int32(len(a.buf))}
}

func (a *analyzer) bytes(s span) []byte { return a.buf[s.from:s.to] }

// join appends the compound of terms to buf, as the function join does for two.
func (a *analyzer) join(left, right span) span {
	from := len(a.buf)
	if string(a.bytes(left)) == "mc" && right.len() >= 2 {
		a.buf = append(a.buf, "mac"...)
	} else {
		a.buf = append(a.buf, a.bytes(left)...)
	}
	a.buf = append(a.buf, a.bytes(right)...)
	return a.limit(span{int32(from), int32(len(a.buf))})
}

// limit cuts a term that is too long.
func (a *analyzer) limit(s span) span {
	if s.len() > maxTerm {
		s.to = s.from + maxTerm
		for s.to > s.from && !utf8.RuneStart(a.buf[s.to]) {
			s.to--
		}
	}
	return s
}

// cut returns the longest start of s, in whole runes, of at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
