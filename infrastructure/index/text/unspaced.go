package text

// unspaced reads a letter of a script that puts no blanks between words. Each letter, with
// its vowel signs in the scripts of South East Asia, is a word of kind letterWord.
func (s *scanner) unspaced(r rune, start, end int) {
	inside := s.open && s.words[len(s.words)-1].kind == letterWord
	switch {
	case r == longVowel:
		if inside {
			s.words[len(s.words)-1].end = int32(end)
		}
		return
	case inside && isIteration(r):
		r = repeated(r, s.last)
	case isHan(r):
		r = foldHan(r)
	case isKana(r):
		r = foldKana(r)
	}
	if inside && attaches(s.last, r) {
		w := &s.words[len(s.words)-1]
		s.append(w, r, end)
		w.runes--
		return
	}
	s.append(s.begin(letterWord, start), r, end)
}

// isUnspaced also includes Hangul: Korean has blanks, but writers differ in where.
func isUnspaced(r rune) bool {
	if r < 0x0E00 {
		return false
	}
	return isHan(r) || isKana(r) ||
		0xAC00 <= r && r <= 0xD7FF || 0x1100 <= r && r <= 0x11FF || 0xA960 <= r && r <= 0xA97F || // Hangul
		0x3100 <= r && r <= 0x312F || 0x31A0 <= r && r <= 0x31BF || // Bopomofo
		0x0E00 <= r && r <= 0x0FFF || // Thai, Lao, Tibetan
		0x1000 <= r && r <= 0x109F || 0xA9E0 <= r && r <= 0xA9FF || 0xAA60 <= r && r <= 0xAA7F || // Burmese
		0x1780 <= r && r <= 0x17FF || // Khmer
		0x1950 <= r && r <= 0x19DF || 0x1A20 <= r && r <= 0x1AAF || 0xAA80 <= r && r <= 0xAADF || // Tai scripts
		0xA000 <= r && r <= 0xA4CF || 0x1B000 <= r && r <= 0x1B2FF // Yi, old kana, Nushu
}

// attaches reports whether r continues the letter whose last character is last. Thai and Lao
// write some vowels before their consonant and some behind it; Khmer and Burmese stack
// consonants with a sign between them.
func attaches(last, r rune) bool {
	switch r {
	case 'ะ', 'า', 'ๅ', 'ະ', 'າ', 'ຽ':
		return true
	}
	switch last {
	case 'เ', 'แ', 'โ', 'ใ', 'ไ', 'ເ', 'ແ', 'ໂ', 'ໃ', 'ໄ', 0x17D2, 0x1039:
		return true
	}
	return false
}

// letter emits a letter of a script without blanks. The index takes each letter, and with
// the next one, whatever stands between them. A query takes only pairs that it writes
// together, and single letters that stand alone.
func (a *analyzer) letter(i int) Token {
	w := &a.words[a.units[i].first]
	token := Token{Start: int(w.start), End: int(w.end)}
	hasNext := i+1 < len(a.units) && a.units[i+1].parts == letterPart
	if a.book {
		a.add(w.span)
	}
	if hasNext && (a.book || a.words[a.units[i+1].first].before == 0) {
		next := &a.words[a.units[i+1].first]
		a.add(a.join(w.span, next.span))
		if !a.book {
			token.End = int(next.end)
		}
		return token
	}
	isEnd := i > 0 && a.units[i-1].parts == letterPart && w.before == 0
	if !isEnd {
		a.add(w.span)
	}
	return token
}
