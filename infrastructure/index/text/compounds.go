package text

// spelling returns how compounds spell the unit: as it is written, not as a number or a
// concept, so that "every one" is found as everyone.
func (a *analyzer) spelling(u *unit) span {
	if u.end-u.first > 1 {
		return u.canonical
	}
	w := &a.words[u.first]
	if w.kind != plainWord || u.parts == andPart {
		return u.canonical
	}
	return w.span
}

// ownSpelling returns the spelling of unit i for Pairs if it differs from the canonical
// term. Queries don't need it.
func (a *analyzer) ownSpelling(i int) span {
	u := &a.units[i]
	if !a.book || string(a.bytes(u.spelling)) == string(a.bytes(u.canonical)) {
		return span{}
	}
	return u.spelling
}

// maxCompound is the greatest number of units that are joined.
const maxCompound = 8

// compounds joins units that hyphens connect, and particles of names with the name. Two
// particles at least must stand there: Pairs has the compounds of two units.
func (a *analyzer) compounds() {
	for i := 0; i < len(a.units); {
		n := 1
		for i+n < len(a.units) && a.hyphenated(i+n) {
			n++
		}
		if n > 1 && n <= maxCompound {
			whole := a.joinUnits(i, i+n)
			for k := range a.units[i : i+n] {
				a.units[i+k].whole = whole
			}
		}
		i += n
	}
	for i := 0; i < len(a.units); {
		n := 0
		for i+n < len(a.units) && a.isParticle(i+n) {
			n++
		}
		if n >= 2 && n < maxCompound && i+n < len(a.units) && a.units[i+n].parts.isSpelled() {
			name := a.joinUnits(i, i+n+1)
			for k := range a.units[i : i+n+1] {
				a.units[i+k].name = name
			}
		}
		i += max(n, 1)
	}
}

// hyphenated reports whether unit i is joined to the one before it.
func (a *analyzer) hyphenated(i int) bool {
	return a.units[i-1].parts.isSpelled() && a.units[i].parts.isSpelled() && a.words[a.units[i].first].before.glued()
}

func (a *analyzer) isParticle(i int) bool {
	u := &a.units[i]
	return u.parts == plainPart && a.words[u.first].known.particle
}

func (a *analyzer) joinUnits(from, to int) span {
	joined := a.units[from].spelling
	for _, u := range a.units[from+1 : to] {
		joined = a.join(joined, u.spelling)
	}
	return joined
}

// addCompounds adds the compounds that unit i is a part of. A query takes those with each
// neighbour; a book has them in Pairs, except for numbers.
func (a *analyzer) addCompounds(i int) {
	u := &a.units[i]
	a.add(u.name)
	if a.book {
		a.add(u.whole)
	}
	if i > 0 {
		a.addJoined(i - 1)
	}
	if i+1 < len(a.units) {
		a.addJoined(i)
	}
}

// addJoined adds the compound of units i and i+1.
func (a *analyzer) addJoined(i int) {
	left, right := &a.units[i], &a.units[i+1]
	if !left.parts.isSpelled() || !right.parts.isSpelled() {
		return
	}
	last, next := &a.words[left.end-1], &a.words[right.first]
	switch {
	case left.parts == digitPart && right.parts == digitPart:
		thousands := next.before == blank && last.runes <= 3 && next.runes == 3
		if !thousands && !next.before.glued() {
			return
		}
	case a.book:
		return
	case next.before&(comma|other) != 0 || next.before&(stop|blank) == stop|blank && !next.dotted:
		return // an inverted name, a subtitle, an initial
	case left.parts == initialsPart || right.parts == initialsPart:
		return
	}
	a.add(a.join(left.spelling, right.spelling))
	if !a.book {
		a.add(a.join(left.canonical, right.canonical))
	}
}
