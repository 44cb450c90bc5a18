package text

// initials returns how many words from i on are the letters of one abbreviation: U.S.A. and
// S/Z, J. K., or J K. It ends where the style changes, so that "Plan B J. K. Rowling" has B
// apart and "G. A. À Beckett" has À apart.
func (a *analyzer) initials(i int) int {
	if !a.isInitial(i) || !a.isInitial(i+1) {
		return 1
	}
	n := 1
	style := a.styleBefore(i + 1)
	for style != other && a.isInitial(i+n) && a.styleBefore(i+n) == style {
		if isLast := !a.isInitial(i+n+1) || a.styleBefore(i+n+1) != style; isLast && style != stop {
			dotted := a.after(i+n)&stop != 0
			belongsToNext := a.isInitial(i+n+1) && (a.styleBefore(i+n+1) == stop || dotted)
			if belongsToNext || style == blank|stop && !dotted {
				break
			}
		}
		n++
	}
	return n
}

func (a *analyzer) isInitial(i int) bool {
	if i >= len(a.words) {
		return false
	}
	w := &a.words[i]
	if w.kind != plainWord || w.runes != 1 || w.apostrophe || i+1 < len(a.words) && a.isSuffix(&a.words[i+1]) {
		return false
	}
	return !a.is(w, "и") || a.after(i)&stop != 0
}

// after returns what stands behind word i.
func (a *analyzer) after(i int) gap {
	if i+1 < len(a.words) {
		return a.words[i+1].before
	}
	return a.gap
}

// styleBefore returns stop for letters with stops, hyphens or slashes only between them,
// blank|stop if there are also blanks, blank for blanks only, and otherwise other.
func (a *analyzer) styleBefore(i int) gap {
	switch before := a.words[i].before; {
	case before&^(stop|hyphen|slash|blank) != 0 || before == 0:
		return other
	case before == blank:
		return blank
	case before&blank != 0:
		return blank | stop
	}
	return stop
}

// maxInitials is the greatest number of letters of which the index takes every part.
const maxInitials = 8

// addInitials adds for books the abbreviations that begin in the unit, as a query may write
// them: "Malcolm X: A Life" is found by "malcolm x a life".
func (a *analyzer) addInitials(u *unit) {
	for from := int(u.first); from < int(u.end); from++ {
		for to := from + 1; to <= len(a.words) && to <= from+maxInitials && a.isSingle(to-1); to++ {
			a.add(a.spell(from, to))
		}
		if u.parts == initialsPart && a.words[from].known.and&a.lang != 0 {
			a.addString(and)
		}
	}
}

func (a *analyzer) isSingle(i int) bool {
	return a.words[i].kind == plainWord && a.words[i].runes == 1
}

// spell joins words as they are.
func (a *analyzer) spell(from, to int) span {
	start := len(a.buf)
	for _, w := range a.words[from:to] {
		a.buf = append(a.buf, a.buf[w.from:w.to]...)
		if len(a.buf)-start > maxTerm {
			break
		}
	}
	return a.limit(span{int32(start), int32(len(a.buf))})
}
