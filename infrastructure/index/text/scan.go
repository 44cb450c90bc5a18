package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// gap says what stands between two words.
type gap uint8

const (
	blank  gap = 1 << iota
	hyphen     // hyphens and dashes of every shape, underscores
	slash
	stop
	comma
	hash  // #, №
	quote // an apostrophe beside a word
	other
)

// glued reports whether words with this gap belong together, such as e-mail and Node.js.
func (g gap) glued() bool { return g&^(hyphen|slash|stop) == 0 }

type wordKind uint8

const (
	plainWord  wordKind = iota
	digitWord           // digits only
	letterWord          // a letter of a script without blanks
	symbolWord          // & or an emoji
)

// word is a run of letters and digits of a text, folded.
type word struct {
	span              // in scanner.buf
	start, end  int32 // in the text
	first, last int32 // its first and last apostrophe, as places in buf; 0: none
	umlauts     span  // in scanner.umlauts
	runes       int32
	known       *entry // what the lexicon says about it
	kind        wordKind
	before      gap
	apostrophe  bool // one follows directly
	dotted      bool // a stop stands directly before it
	full        bool // more letters are dropped
}

// umlaut is a letter that is also spelt with a second one, such as ä and å.
type umlaut struct {
	at     int32 // the place behind the letter in buf
	second byte
}

// scanner folds a text and cuts it into words.
type scanner struct {
	buf     []byte
	words   []word
	umlauts []umlaut

	gap        gap  // since the last word
	open       bool // the last word may grow
	apostrophe bool // stands behind the open word
	plus       bool // a single + stands behind the open word
	dot        bool // the last character was a stop, and no other one before it
	last       rune // the last letter of the open word
	scratch    []byte
}

func (s *scanner) reset() {
	*s = scanner{buf: s.buf[:0], words: s.words[:0], umlauts: s.umlauts[:0], scratch: s.scratch[:0]}
}

// fold reads the text. It normalizes it to NFKC piece by piece, to know where each letter
// comes from.
func (s *scanner) fold(text string) {
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
			s.ascii(text[i], i)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r < utf8.RuneSelf || isSimple(r) {
			if next, _ := utf8.DecodeRuneInString(text[i+size:]); next < utf8.RuneSelf || isSimple(next) {
				if r < utf8.RuneSelf {
					s.ascii(text[i], i)
				} else {
					s.alphabetic(r, i, i+size)
				}
				i += size
				continue
			}
		}
		if s.unnormalized(r, i, i+size) {
			i += size
			continue
		}
		n := max(norm.NFKC.NextBoundaryInString(text[i:], true), size)
		s.piece(text[i:i+n], i, i+n)
		i += n
	}
	s.close()
	if len(s.words) == 0 {
		s.onlyPunctuation(text)
	}
}

// onlyPunctuation makes a word of a text that has no other, such as the title "!!!".
func (s *scanner) onlyPunctuation(text string) {
	for i, r := range text {
		if r == utf8.RuneError || !unicode.In(r, unicode.P, unicode.S) {
			continue
		}
		if len(s.words) == 0 {
			s.begin(symbolWord, i)
		}
		s.append(&s.words[0], r, i+utf8.RuneLen(r))
	}
	s.close()
}

// piece reads a part of the text that normalizes by itself.
func (s *scanner) piece(part string, start, end int) {
	if norm.NFKC.IsNormalString(part) {
		for _, r := range part {
			s.rune(r, start, end)
		}
		return
	}
	s.scratch = norm.NFKC.AppendString(s.scratch[:0], part)
	for rest := s.scratch; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		s.rune(r, start, end)
		rest = rest[size:]
	}
}

// unnormalized reads a character that normalization would spoil.
func (s *scanner) unnormalized(r rune, start, end int) bool {
	switch r {
	case '´', '΄', '᾽', '᾿', '῾', '`':
		s.quote()
	case 'º':
		if s.last != 'n' {
			return false
		}
		s.separate(stop) // nº 5
	case '™', '℠', utf8.RuneError:
		s.separate(other)
	case '№':
		s.separate(hash)
	case '¼', '½', '¾', '⅓', '⅔', '⅛', '⅜', '⅝', '⅞':
		s.separate(other)
		s.piece(string(r), start, end)
		s.separate(other)
	default:
		return false
	}
	return true
}

func (s *scanner) ascii(c byte, at int) {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
	case 'A' <= c && c <= 'Z':
		c += 'a' - 'A'
	default:
		s.punctuation(rune(c), at, at+1)
		return
	}
	w := s.grow(c <= '9', at)
	s.last = rune(c)
	w.runes++
	w.end = int32(at + 1)
	if len(s.buf)-int(w.from) < maxTerm && !w.full {
		s.buf = append(s.buf, c)
		w.to++
	} else {
		w.full = true
	}
}

// rune reads a character of normalized text.
func (s *scanner) rune(r rune, start, end int) {
	switch {
	case r < utf8.RuneSelf && isAlphanumeric(byte(r)):
		s.letter(unicode.ToLower(r), r <= '9', start, end)
	case r < utf8.RuneSelf || unicode.In(r, unicode.P, unicode.S, unicode.Z, unicode.Cc) || isApostrophe(r):
		s.punctuation(r, start, end)
	case isIgnorable(r):
		if r == '\u200c' && isArabic(s.last) {
			s.separate(hyphen) // the zero width non-joiner separates parts of Persian words
		}
	case unicode.Is(unicode.M, r):
		s.mark(r, end)
	case unicode.Is(unicode.Nd, r):
		s.letter('0'+digitOf(r), true, start, end)
	default:
		s.alphabetic(r, start, end)
	}
}

// alphabetic reads a letter.
func (s *scanner) alphabetic(r rune, start, end int) {
	if isUnspaced(r) {
		s.unspaced(r, start, end)
		return
	}
	s.foldLetter(r, start, end)
}

// isSimple reports whether r is a letter that normalization leaves as it is, unless a mark
// follows. It knows only frequent ones.
func isSimple(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return false
	case r < tableSize:
		return table()[r].simple
	case r >= 0xAC00:
		return r <= 0xD7A3 // Hangul
	case r >= 0x4E00:
		return r <= 0x9FFF // Han
	}
	return r >= 'ぁ' && r <= 'ゖ' || r >= 'ァ' && r <= 'ヺ'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// digitOf returns the value of a decimal digit. Unicode has all scripts' digits in runs of
// ten, which begin with 0.
func digitOf(r rune) rune {
	value := rune(0)
	for value < 9 && unicode.Is(unicode.Nd, r-value-1) {
		value++
	}
	return value
}

// grow returns the word that a letter at the place belongs to.
func (s *scanner) grow(digit bool, at int) *word {
	kind := plainWord
	if digit {
		kind = digitWord
	}
	if s.plus {
		s.separate(other)
	}
	if s.open {
		w := &s.words[len(s.words)-1]
		if w.kind <= digitWord {
			if s.apostrophe {
				s.apostrophe = false
				if w.last = int32(len(s.buf)); w.first == 0 {
					w.first = w.last
				}
			}
			w.kind = min(w.kind, kind)
			return w
		}
	}
	return s.begin(kind, at)
}

func (s *scanner) begin(kind wordKind, at int) *word {
	s.close()
	place, umlauts := int32(len(s.buf)), int32(len(s.umlauts))
	s.words = append(s.words, word{
		span: span{place, place}, start: int32(at), umlauts: span{umlauts, umlauts}, kind: kind, before: s.gap, dotted: s.dot,
	})
	s.gap, s.dot, s.open = 0, false, true
	return &s.words[len(s.words)-1]
}

// letter adds a folded letter of an alphabet, or a digit.
func (s *scanner) letter(r rune, digit bool, start, end int) {
	s.append(s.grow(digit, start), r, end)
}

func (s *scanner) append(w *word, r rune, end int) {
	s.last = r
	w.end = int32(end)
	w.runes++
	if w.full = w.full || w.len()+utf8.RuneLen(r) > maxTerm; !w.full {
		s.buf = utf8.AppendRune(s.buf, r)
		w.to = int32(len(s.buf))
	}
}

// close ends the open word.
func (s *scanner) close() {
	if s.apostrophe {
		s.words[len(s.words)-1].apostrophe = true
		s.gap |= quote
	}
	s.open, s.apostrophe, s.plus, s.last = false, false, false, 0
}

func (s *scanner) separate(g gap) {
	s.close()
	s.dot = g == stop && !s.dot
	s.gap |= g
}

// quote reads an apostrophe. It vanishes between letters.
func (s *scanner) quote() {
	if s.open && !s.apostrophe && !s.plus {
		s.apostrophe = true
		return
	}
	s.separate(quote)
}

func (s *scanner) punctuation(r rune, start, end int) {
	switch {
	case r == ' ' || unicode.IsSpace(r):
		s.separate(blank)
	case r == '.' || r == '°' || r == '*' && s.open: // n° 5, M*A*S*H
		s.separate(stop)
	case r == ',' || r == '٬' || r == '٫':
		s.separate(comma)
	case isApostrophe(r):
		s.quote()
	case r == '"' && isHebrew(s.last):
		s.quote() // typed for gershayim, as in צה"ל
	case r == '#' || r == '♯':
		s.sharp(end)
	case r == '+':
		s.plusSign(end)
	case r == '♭' && s.open:
		s.letter('b', false, start, end)
	case r == '&' || r == '⁊':
		s.symbol('&', start, end)
	case r == '/' || r == '\\' || r == '⁄':
		s.separate(slash)
	case r == '-' || r == '−' || r == '⁃' || r == '_' || unicode.In(r, unicode.Pd, unicode.Pc):
		s.separate(hyphen)
	case r == '་' || r == '༌' || isSkinTone(r):
		// Tibetan puts a dot behind each syllable.
	case r == '·' && s.last == 'l':
		// Catalan l·l
	case isEmoji(r):
		s.symbol(r, start, end)
	default:
		s.separate(other)
	}
}

func (s *scanner) symbol(r rune, start, end int) {
	s.append(s.begin(symbolWord, start), r, end)
	s.close()
}

// isApostrophe reports whether readers take r for an apostrophe. Transliterations use some
// of these for the soft sign, ayn and hamza.
func isApostrophe(r rune) bool {
	switch r {
	case '\'', '`', '‘', '’', '‚', '‛', '′', '‵', 'ʹ', 'ʺ', 'ʻ', 'ʼ', 'ʽ', 'ʾ', 'ʿ', 'ˈ', 'ˊ', 'ˋ', 'ꞌ', '׳', '״', '՚', '＇':
		return true
	}
	return false
}

// isIgnorable reports whether r is invisible: joiners, direction marks, soft hyphens,
// variation selectors.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
