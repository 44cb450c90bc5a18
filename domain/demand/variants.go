package demand

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shortText and longText are the lengths, in code points, from which a variant may have one
	// wrong letter, and two.
	shortText, longText = 4, 8
	// maxSeen bounds the texts that one is compared with, so that many similar texts cost no more
	// than others.
	maxSeen = 500
)

// variants finds the texts of which another one is a spelling variant. It cuts each text into one
// part more than there may be wrong letters: a variant has at least one of the parts unchanged, in
// about the same place. It must not be used concurrently.
type variants struct {
	exact map[string]int // values of texts
	texts []knownText
	parts map[uint64][]int32 // positions in texts, by the hash of a part
	seed  maphash.Seed
	row   []int // of distance
}

type knownText struct {
	*measured
	value int
}

// measured is a text, as it is compared.
type measured struct {
	text  string
	runes []rune
	// begins are the bytes at which the runes begin, and the length.
	begins []int
	class  string
	// letters has a bit for each letter, though some share one. A wrong letter changes two at most.
	letters uint64
	wrong   int // letters that a variant may have
}

func measure(text string) *measured {
	m := &measured{text: text, class: classOf(text)}
	for at, r := range text {
		m.runes, m.begins = append(m.runes, r), append(m.begins, at)
		m.letters |= 1 << (uint32(r) % 64)
	}
	m.begins = append(m.begins, len(text))
	m.wrong = wrongLetters(len(m.runes), m.class)
	return m
}

func newVariants() *variants {
	return &variants{exact: map[string]int{}, parts: map[uint64][]int32{}, seed: maphash.MakeSeed()}
}

// part returns the hash of runes of a text, as a part of a text of that length. At is its number.
func (v *variants) part(m *measured, begin, end, length, at int) uint64 {
	return maphash.String(v.seed, m.text[m.begins[begin]:m.begins[end]]) ^ uint64(length*4+at)*0x9E3779B97F4A7C15
}

// add adds a text with a value.
func (v *variants) add(text string, value int) {
	if _, known := v.exact[text]; !known {
		v.exact[text] = value
	}
	m := measure(text)
	if m.wrong == 0 {
		return
	}
	v.texts = append(v.texts, knownText{m, value})
	for at := range m.wrong + 1 {
		begin, end := partOf(len(m.runes), m.wrong, at)
		key := v.part(m, begin, end, len(m.runes), at)
		v.parts[key] = append(v.parts[key], int32(len(v.texts)-1))
	}
}

// find returns the value of a text that was added, or of one of which it is a variant: the one with
// the fewest wrong letters, of equal ones the one added first.
func (v *variants) find(text string) (value int, found bool) {
	if value, found = v.exact[text]; found {
		return value, true
	}
	m := measure(text)
	if m.wrong == 0 {
		return 0, false
	}
	best, least, seen := -1, m.wrong+1, 0
	for _, list := range v.similar(m) {
		for _, at := range list {
			if seen++; seen > maxSeen {
				break
			}
			other := v.texts[at]
			most := min(m.wrong, other.wrong, least)
			if bits.OnesCount64(m.letters^other.letters) > 2*most || m.class != other.class {
				continue
			}
			if wrong := v.distance(m.runes, other.runes, most); wrong <= most && (wrong < least || int(at) < best) {
				best, least = int(at), wrong
			}
		}
	}
	if best < 0 {
		return v.findSwapped(m)
	}
	return v.texts[best].value, true
}

// similar returns lists of texts that have a part in common with one, the shortest first.
func (v *variants) similar(m *measured) (lists [][]int32) {
	for length := max(1, len(m.runes)-m.wrong); length <= len(m.runes)+m.wrong; length++ {
		cuts := wrongLetters(length, m.class)
		most := min(m.wrong, cuts)
		for at := range cuts + 1 {
			begin, end := partOf(length, cuts, at)
			for shift := -most; shift <= most; shift++ {
				if begin+shift < 0 || end+shift > len(m.runes) {
					continue
				}
				if list := v.parts[v.part(m, begin+shift, end+shift, length, at)]; list != nil {
					lists = append(lists, list)
				}
			}
		}
	}
	slices.SortStableFunc(lists, func(a, b []int32) int { return cmp.Compare(len(a), len(b)) })
	return lists
}

// findSwapped finds a short text with two neighbours swapped, which makes two wrong letters.
func (v *variants) findSwapped(m *measured) (value int, found bool) {
	if len(m.runes) >= longText {
		return 0, false
	}
	for i := range len(m.runes) - 1 {
		swapped := slices.Clone(m.runes)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		if at, ok := v.exact[string(swapped)]; ok && classOf(string(swapped)) == m.class && (!found || at < value) {
			value, found = at, true
		}
	}
	return value, found
}

// wrongLetters is how many wrong letters a variant of a text may have.
func wrongLetters(length int, class string) int {
	if strings.HasPrefix(class, syllables) {
		length /= 2 // a letter says more there
	}
	switch {
	case length < shortText:
		return 0
	case length < longText:
		return 1
	}
	return 2
}

// partOf returns where one of the parts of a text begins and ends.
func partOf(length, wrong, at int) (begin, end int) {
	return at * length / (wrong + 1), (at + 1) * length / (wrong + 1)
}

// distance returns the Levenshtein distance of two texts, or more than most if it is more.
func (v *variants) distance(a, b []rune, most int) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > most {
		return most + 1
	}
	v.row = v.row[:0]
	for i := range len(a) + 1 {
		v.row = append(v.row, i)
	}
	for j, letter := range b {
		before, least := v.row[0], j+1
		v.row[0] = j + 1
		for i := range a {
			cost := before
			if a[i] != letter {
				cost = 1 + min(before, v.row[i], v.row[i+1])
			}
			before, v.row[i+1] = v.row[i+1], cost
			least = min(least, cost)
		}
		if least > most {
			return most + 1
		}
	}
	return v.row[len(a)]
}

// syllables begins the class of texts in scripts whose letters are words or syllables.
const syllables = "字"

// classOf returns what spellings of the same have in common: their numbers, and their scripts. One
// wrong letter in a number makes another number.
func classOf(text string) string {
	var class strings.Builder
	scripts := 0
	for _, r := range text {
		if at := scriptOf(r); at >= 0 {
			scripts |= 1 << at
		}
	}
	for at, script := range scriptTables {
		if scripts&(1<<at) != 0 && script.syllables {
			class.WriteString(syllables)
			break
		}
	}
	for at := range len(scriptTables) + 1 {
		if scripts&(1<<at) != 0 {
			class.WriteByte(byte('a' + at))
		}
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) }) {
		if isNumber(word) {
			class.WriteByte(' ')
			class.WriteString(word)
		}
	}
	return class.String()
}

// isNumber reports whether a word numbers something: it has digits, is a small Roman number, or a
// single letter, as in "plan b".
func isNumber(word string) bool {
	if strings.Trim(word, "ivx") == "" || strings.ContainsFunc(word, unicode.IsNumber) {
		return true
	}
	r, size := utf8.DecodeRuneInString(word)
	return size == len(word) && unicode.IsLetter(r) && !scriptTables.syllables(r)
}

// tables are the scripts that are told apart. All others are one.
type tables []struct {
	*unicode.RangeTable
	syllables bool
}

var scriptTables = tables{
	{unicode.Latin, false}, {unicode.Cyrillic, false}, {unicode.Greek, false}, {unicode.Arabic, false}, {unicode.Hebrew, false},
	{unicode.Devanagari, false}, {unicode.Han, true}, {unicode.Hiragana, true}, {unicode.Katakana, true}, {unicode.Hangul, true},
}

// scriptOf returns the position of a letter's script in scriptTables, their number for another
// script, and -1 for what is no letter.
func scriptOf(r rune) int {
	if !unicode.IsLetter(r) {
		return -1
	}
	for at, script := range scriptTables {
		if unicode.Is(script.RangeTable, r) {
			return at
		}
	}
	return len(scriptTables)
}

func (t tables) syllables(r rune) bool {
	at := scriptOf(r)
	return at >= 0 && at < len(t) && t[at].syllables
}
