package text

import (
	"unicode"
	"unicode/utf8"
)

// sharp reads #, which belongs to a single letter before it: C#, F#. Elsewhere it is a
// number sign or punctuation.
func (s *scanner) sharp(end int) {
	if w := s.lettered(); w != nil {
		s.append(w, '#', end)
		s.close()
		return
	}
	s.separate(hash)
}

// plusSign reads +. Two belong to a single letter before them: C++.
func (s *scanner) plusSign(end int) {
	w := s.lettered()
	if w == nil {
		s.separate(other)
		return
	}
	if !s.plus {
		s.plus = true
		return
	}
	s.append(w, '+', end)
	s.append(w, '+', end)
	s.close()
}

// lettered returns the open word if it is a single Latin letter. A Cyrillic С, which looks
// like C, becomes one.
func (s *scanner) lettered() *word {
	if !s.open || s.apostrophe {
		return nil
	}
	w := &s.words[len(s.words)-1]
	if w.runes != 1 || w.kind != plainWord {
		return nil
	}
	if s.last == 'с' {
		s.buf = append(s.buf[:w.from], 'c')
		w.to = w.from + 1
		s.last = 'c'
	}
	if s.last < 'a' || s.last > 'z' {
		return nil
	}
	return w
}

// isSigned reports whether the word is one like c# or c++.
func (a *analyzer) isSigned(w *word) bool {
	last := a.buf[w.to-1]
	return w.kind == plainWord && (last == '#' || last == '+')
}

// addSigned adds the further names of languages such as C# and C++.
func (a *analyzer) addSigned(w *word) {
	letter, _ := utf8.DecodeRune(a.bytes(w.span))
	if a.buf[w.to-1] == '#' {
		a.addString(string(letter) + "sharp")
	} else {
		a.addString(string(letter) + "pp")
		a.addString(string(letter) + "plusplus")
	}
}

// isSuffix reports whether the word belongs to the one before it, as in Node.js and
// ASP.NET.
func (a *analyzer) isSuffix(w *word) bool {
	return w.before == stop && (a.is(w, "js") || a.is(w, "net"))
}

// dotNet is the canonical term of .NET, with a stop directly before it.
const dotNet = ".net"

func (a *analyzer) isDotNet(w *word) bool { return w.dotted && a.is(w, "net") }

func (a *analyzer) is(w *word, s string) bool { return string(a.bytes(w.span)) == s }

// isEmoji reports whether r is a picture that readers may look for.
func isEmoji(r rune) bool {
	return (0x2600 <= r && r <= 0x27BF || 0x2B00 <= r && r <= 0x2BFF || r >= 0x1F000) && unicode.Is(unicode.So, r)
}

func isSkinTone(r rune) bool { return 0x1F3FB <= r && r <= 0x1F3FF }
