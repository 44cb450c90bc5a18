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

// addInitials adds the parts of an abbreviation for books: each letter, and the letters
// that a query may have of it.
func (a *analyzer) addInitials(u *unit) {
	n := int(u.end - u.first)
	for from := range n {
		for to := from + 1; to <= n && to <= from+maxInitials; to++ {
			a.add(a.spell(int(u.first)+from, int(u.first)+to))
		}
		if a.words[int(u.first)+from].known.and&a.lang != 0 {
			a.addString(and)
		}
	}
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
