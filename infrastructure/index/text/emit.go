package text

// emit adds the terms of unit i.
func (a *analyzer) emit(i int) Token {
	u := &a.units[i]
	token := Token{Start: int(a.words[u.first].start), End: int(a.words[u.end-1].end)}
	a.add(u.canonical)
	w := &a.words[u.first]
	switch u.parts {
	case symbolPart, initialsPart:
	case andPart:
		if w.kind == plainWord {
			a.addPlain(w)
		} else if a.book {
			a.addAnds()
		}
	case digitPart:
		a.addDigits(u)
	case numeralPart:
		if a.book {
			a.addPhrase(u)
		} else if u.end-u.first == 1 {
			a.add(w.span)
		}
	case suffixPart, elisionPart:
		a.addParts(u)
	case volumePart:
		a.addPlain(w)
		if a.book {
			a.addVolume(u.canonical)
		}
	default:
		a.addPlain(w)
	}
	if a.book && u.parts != letterPart && a.isSingle(int(u.end)-1) {
		a.addInitials(u)
	}
	token.Own = len(a.terms) - a.first
	a.addCompounds(i)
	return token
}

// addPlain adds the further terms of a word by itself.
func (a *analyzer) addPlain(w *word) {
	a.add(a.canonical(w))
	a.add(w.span)
	a.addUmlauts(w)
	a.addElision(w)
	if a.isSigned(w) {
		a.addSigned(w)
	}
	if !a.book || a.lang == langRU {
		a.addOldRussian(w)
	}
	e := w.known
	if e.foreign > 0 && (e.clear || e.numeralIn&a.lang != 0) {
		a.addNumber(int(e.foreign))
	}
	if !a.book {
		return
	}
	if e.and&a.lang != 0 || a.is(w, "n") { // rock 'n' roll
		a.addString(and)
	}
	a.addDigraphs(w)
	if w.runes == 1 {
		if value := roman(a.bytes(w.span)); value > 1 {
			a.addNumber(value)
		}
	}
}

// addParts adds the parts of Node.js and of d' Artagnan.
func (a *analyzer) addParts(u *unit) {
	first, last := &a.words[u.first], &a.words[u.end-1]
	if u.parts == elisionPart {
		a.add(a.plainCanonical(last))
	}
	if first == last {
		a.addString("dotnet")
	}
	if !a.book {
		return
	}
	a.addPlain(first)
	a.addPlain(last)
	if a.is(last, "net") {
		a.addString(dotNet)
		a.addString("dotnet")
	}
}
