package keyword

import (
	"regexp"
	"strings"

	"literank.com/event-books/domain/model"
)

// label matches the words before an ISBN: "ISBN", "ISBN/EAN:", "urn:isbn:", "ISBN no.".
// label1013 matches the rest of "ISBN-13: ".
var (
	label     = regexp.MustCompile(`(?i)^(?:urn:|e-?)?(?:isbn|sbn|ean|gtin)(?:[\s/]*(?:isbn|ean|gtin|no|nr|number|nummer)\b)*[\s:：=#./()\[\]\p{Pd}]*`)
	label1013 = regexp.MustCompile(`^1[03][\s:：=#.)\]\p{Pd}]+`)
)

// number reads an ISBN, or a number that looks like one, with the label before it.
func (p *parser) number(t token) (Clause, bool) {
	text := p.typed
	if t.quoted {
		text = p.typed[:t.textEnd]
	}
	start, labelled := t.textStart, false
	if strings.ContainsRune("eEgGiIsSuU", runeAt(text, start)) { // saves time
		size := len(label.FindString(text[start:]))
		start, labelled = start+size, size > 0
	}
	n, end := scanNumber(text, start, labelled)
	if n.kind == noNumber && labelled {
		start += len(label1013.FindString(text[start:]))
		n, end = scanNumber(text, start, true)
	}
	if n.kind == noNumber || t.quoted && end < t.textEnd {
		return Clause{}, false
	}
	c := Clause{Start: t.start, End: end, textStart: start, textEnd: end}
	n.fill(&c)
	if t.quoted {
		c.End = t.end
	}
	p.skipTo(c.End)
	return c, true
}

// noise lists the words beside an ISBN that only say what it is.
var noise = map[string]bool{
	"isbn": true, "isbn10": true, "isbn13": true, "eisbn": true, "sbn": true, "ean": true, "ean13": true,
	"gtin": true, "gtin13": true, "no": true, "nr": true, "num": true, "number": true, "nummer": true,
	"numero": true, "book": true, "buch": true, "livre": true, "libro": true, "boek": true, "bok": true, "книга": true,
}

// withoutNoise drops noise and repetitions if there is a valid ISBN.
func withoutNoise(clauses []Clause) []Clause {
	seen, has := map[string]bool{}, false
	for _, c := range clauses {
		has = has || c.Field == ISBN && !c.Prefix && !c.Excluded
	}
	var kept []Clause
	for _, c := range clauses {
		if has && c.Field == Any && !c.Phrase && !c.Excluded && noise[bare(c.Text)] {
			continue
		}
		if c.Field == ISBN && !c.Prefix && !c.Excluded {
			if seen[c.ISBN] {
				continue
			}
			seen[c.ISBN] = true
		}
		kept = append(kept, c)
	}
	return kept
}

// bare returns the folded letters and digits of a word.
func bare(word string) string {
	return strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return -1
	}, model.Fold(word))
}
