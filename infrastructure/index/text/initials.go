package text

// initials returns how many words from i on are the letters of one abbreviation: J. K., JK
// apart, U.S.A. The letters have either stops and hyphens between them, or blanks only.
func (a *analyzer) initials(i int) int {
	if !a.isInitial(i) || !a.isInitial(i+1) {
		return 1
	}
	n := 1
	if a.dotted(i + 1) {
		for a.isInitial(i+n) && a.dotted(i+n) {
			n++
		}
		// The last letter often lacks a stop: "J. K" and "J.K Rowling" end here as well.
		return n
	}
	for a.isInitial(i+n) && a.words[i+n].before == blank {
		if a.isInitial(i+n+1) && a.dotted(i+n+1) {
			break // "Plan B J. K. Rowling": the J belongs to the K
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
	if w.kind != plainWord || w.runes != 1 || w.apostrophe {
		return false
	}
	return !a.is(w, "и") || i+1 < len(a.words) && a.words[i+1].before&stop != 0
}

// dotted reports whether a stop or a hyphen stands before the word, and nothing else but
// blanks.
func (a *analyzer) dotted(i int) bool {
	before := a.words[i].before
	return before&(stop|hyphen) != 0 && before&^(stop|hyphen|blank) == 0
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
