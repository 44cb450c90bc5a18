package keyword

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser makes clauses of tokens.
type parser struct {
	typed   string
	tokens  []token
	next    int // the first token that isn't in a clause
	clauses []Clause
}

// clause reads the clause that begins with the next token.
func (p *parser) clause() {
	t := trimBrackets(p.tokens[p.next])
	start, excluded := t.start, p.isExcluded(t)
	if excluded {
		_, hyphen := utf8.DecodeRuneInString(p.typed[t.start:])
		if t = t.from(t.start + hyphen); t.start == t.end {
			p.next++
			t = p.tokens[p.next]
		}
	}
	c, ok := p.number(t)
	if !ok {
		c, ok = p.field(t)
	}
	if !ok {
		p.next++
		c = t.asText()
	}
	c.Start, c.Excluded = start, excluded
	p.clauses = append(p.clauses, c)
}

// isExcluded reports whether t begins with a hyphen that excludes what follows it. A
// second hyphen at its end makes both ornaments.
func (p *parser) isExcluded(t token) bool {
	hyphen, size := utf8.DecodeRuneInString(t.text())
	last, _ := utf8.DecodeLastRuneInString(t.text())
	if t.quoted || t.glued || len(t.text()) > size && last == hyphen || !strings.ContainsRune("-\u2010\u2011\u2212\uff0d\ufe63", hyphen) {
		return false
	}
	if t.start+size == t.end { // before a phrase?
		return p.next+1 < len(p.tokens) && p.tokens[p.next+1].quoted && p.tokens[p.next+1].glued
	}
	after, dot := utf8.DecodeRuneInString(p.typed[t.start+size : t.end])
	if after == '.' { // .NET
		after, _ = utf8.DecodeRuneInString(p.typed[t.start+size+dot : t.end])
	}
	return isWordRune(after)
}

// field reads a field with its value.
func (p *parser) field(t token) (Clause, bool) {
	field, colon := cutField(t)
	if field == Any {
		return Clause{}, false
	}
	value, after := t.from(colon), p.next+1
	if value.start == value.end {
		if after == len(p.tokens) {
			return Clause{}, false
		}
		value = trimBrackets(p.tokens[after])
		after++
		if !value.glued && (p.isTitle(t, value) || p.isOperator(value)) {
			return Clause{}, false
		}
	}
	value = trimBrackets(value)
	if isPunctuation(value.text()) {
		return Clause{}, false
	}
	c := value.asText()
	c.Field = field
	switch field {
	case ISBN:
		if !value.quoted { // else number would have read it
			return Clause{}, false
		}
		n, end := scanNumber(value.text(), 0, true)
		if n.kind == noNumber || end < len(value.text()) {
			return Clause{}, false
		}
		n.fill(&c)
	case Year:
		var ok bool
		if c.From, c.To, ok = parseYears(value.text()); !ok {
			return Clause{}, false
		}
	}
	p.next = after
	return c, true
}

// isOperator reports whether t can't be the value of the field before it, because it
// excludes something or is a field.
func (p *parser) isOperator(t token) bool {
	field, _ := cutField(t)
	return field != Any || p.isExcluded(t)
}

// isTitle reports whether the name of a field before a blank and value rather ends
// the first part of a title.
func (p *parser) isTitle(name, value token) bool {
	plain := func(c Clause) bool { return c.Field == Any && !c.Excluded }
	return len(p.clauses) > 0 && !slices.ContainsFunc(p.clauses, func(c Clause) bool { return !plain(c) }) &&
		isCapitalized(name.text()) && unicode.IsUpper(runeAt(value.text(), 0))
}

// isCapitalized reports whether only the first letter of an ASCII word is a capital.
func isCapitalized(word string) bool {
	return word[:1] == strings.ToUpper(word[:1]) && word[1:] == strings.ToLower(word[1:])
}

// skipTo moves behind the tokens before end, and cuts the one around it.
func (p *parser) skipTo(end int) {
	for p.next < len(p.tokens) && p.tokens[p.next].end <= end {
		p.next++
	}
	if p.next < len(p.tokens) && p.tokens[p.next].start < end {
		p.tokens[p.next] = p.tokens[p.next].from(end)
		p.tokens[p.next].glued = true
	}
}

// trimBrackets drops the brackets around a word, and those without a partner at its
// beginning and end.
func trimBrackets(t token) token {
	for !t.quoted {
		text := t.text()
		first, size := utf8.DecodeRuneInString(text)
		last, lastSize := utf8.DecodeLastRuneInString(text)
		begins, ends := unicode.Is(unicode.Ps, first), unicode.Is(unicode.Pe, last)
		switch {
		case len(text) <= size: // nothing else is left
			return t
		case begins && (ends || !strings.ContainsFunc(text, isClosing)):
			t = t.from(t.start + size)
		case ends && !strings.ContainsFunc(text, isOpening):
			t.end -= lastSize
			t.textEnd = t.end
		default:
			return t
		}
	}
	return t
}

func isOpening(r rune) bool { return unicode.Is(unicode.Ps, r) }

func isClosing(r rune) bool { return unicode.Is(unicode.Pe, r) }
