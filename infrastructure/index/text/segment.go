package text

// partKind is what a token is made of.
type partKind uint8

const (
	plainPart   partKind = iota
	letterPart           // a letter of a script without blanks
	symbolPart           // an emoji
	andPart              // & or a word for it
	digitPart            // a number in digits
	numeralPart          // a number in words
	romanPart            // a single letter behind a volume word
	initialsPart
	volumePart
	suffixPart  // Node.js
	elisionPart // d' Artagnan
)

// isSpelled reports whether a compound may have the token as a part.
func (k partKind) isSpelled() bool { return k != letterPart && k != symbolPart && k != andPart }

// isPaired reports whether Pairs joins neighbours of these kinds.
func isPaired(left, right partKind) bool {
	return left != letterPart && right != letterPart && left != symbolPart && right != symbolPart &&
		!(left == digitPart && right == digitPart)
}

// unit is what becomes a token: the words first to end, and their canonical term.
type unit struct {
	first, end int32
	canonical  span
	spelling   span // how compounds spell it
	whole      span // the compound of all units that hyphens join to this one
	name       span // the compound of particles and the name behind them
	parts      partKind
}

// segment cuts the words into units. Books and queries have the same.
func (a *analyzer) segment() {
	for i := 0; i < len(a.words); i++ {
		w := &a.words[i]
		if w.known = &nothing; w.kind == plainWord || w.kind == symbolWord {
			w.known = lookUp(a.bytes(w.span))
			a.splitVolume(i)
		}
	}
	for i := 0; i < len(a.words); {
		u := a.next(i)
		u.spelling = a.spelling(&u)
		a.units = append(a.units, u)
		i = int(u.end)
	}
}

// next returns the unit that begins at word i.
func (a *analyzer) next(i int) unit {
	w := &a.words[i]
	u := unit{first: int32(i), end: int32(i + 1), canonical: w.span}
	set := func(parts partKind, n int, canonical span) unit {
		u.parts, u.end, u.canonical = parts, int32(i+n), canonical
		return u
	}
	switch w.kind {
	case letterWord:
		return set(letterPart, 1, w.span)
	case symbolWord:
		if a.is(w, and) {
			return set(andPart, 1, w.span)
		}
		return set(symbolPart, 1, w.span)
	case digitWord:
		n, canonical := a.digits(i)
		return set(digitPart, n, canonical)
	}
	if n, number := a.phrase(i); n > 0 {
		return set(numeralPart, n, a.putParsed(number))
	}
	if term := a.volumeTerm(i); term != "" {
		return set(volumePart, 1, a.put(term))
	}
	if w.runes == 1 {
		if value := roman(a.bytes(w.span)); value > 0 && w.before&^(blank|stop) == 0 && a.isSeriesWord(i-1) {
			return set(romanPart, 1, a.putNumber(value))
		}
		if n := a.initials(i); n > 1 {
			return set(initialsPart, n, a.spell(i, i+n))
		}
	} else if value := roman(a.bytes(w.span)); value > 0 {
		return set(numeralPart, 1, a.putNumber(value))
	}
	if a.isDotNet(w) {
		return set(suffixPart, 1, a.put(dotNet))
	}
	if i+1 < len(a.words) {
		next := &a.words[i+1]
		if w.apostrophe && next.kind == plainWord && next.before == quote|blank && w.known.elides {
			return set(elisionPart, 2, a.spell(i, i+2))
		}
		if a.isSuffix(next) {
			return set(suffixPart, 2, a.spell(i, i+2))
		}
	}
	if w.known.concept == and {
		return set(andPart, 1, a.put(and))
	}
	return set(plainPart, 1, a.plainCanonical(w))
}

// plainCanonical returns the canonical term of a word by itself.
func (a *analyzer) plainCanonical(w *word) span {
	if w.known.concept != "" {
		return a.put(w.known.concept)
	}
	return a.canonical(w)
}

// key joins the canonical terms.
func (a *analyzer) key() string {
	out := make([]byte, 0, len(a.buf))
	for i := range a.units {
		u := &a.units[i]
		if i > 0 && !(u.parts == letterPart && a.units[i-1].parts == letterPart) {
			out = append(out, ' ')
		}
		out = append(out, a.bytes(u.canonical)...)
	}
	return string(out)
}
