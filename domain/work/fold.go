package work

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// undecomposed are Latin letters that model.Fold keeps.
var undecomposed = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ı", "i", "æ", "ae", "œ", "oe", "ð", "d", "þ", "th")

// fold is model.Fold, which is slow, with a short cut for ASCII.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return undecomposed.Replace(model.Fold(s))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plain folds a title. It drops apostrophes and the separators of thousands, and turns
// line breaks and the mark of a subtitle in library records ("$b") into colons.
func plain(s string) string {
	if strings.ContainsAny(s, "\n$") {
		s = subtitles.Replace(s)
	}
	if s = fold(s); !strings.ContainsAny(s, "'’‘ʼ`´") && !strings.ContainsAny(s, "0123456789") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i, r := range s {
		if isApostrophe(r) || (r == ',' || r == '.') && isThousand(s, i) {
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

var subtitles = strings.NewReplacer("\n", " : ", "$b", " : ")

// isThousand reports whether s[i] stands before three digits and behind one.
func isThousand(s string, i int) bool {
	return i > 0 && isNumber(s[i-1:i]) && len(s) >= i+4 && isNumber(s[i+1:i+4]) && (len(s) == i+4 || !isNumber(s[i+4:i+5]))
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M)
}

func isApostrophe(r rune) bool {
	switch r {
	case '\'', '’', '‘', 'ʼ', '`', '´':
		return true
	}
	return false
}

func isNumber(word string) bool {
	for i := 0; i < len(word); i++ {
		if word[i] < '0' || word[i] > '9' {
			return false
		}
	}
	return word != ""
}

// set splits a list at | into a set.
func set(list string) map[string]bool {
	all := map[string]bool{}
	for item := range strings.SplitSeq(list, "|") {
		all[strings.TrimSpace(item)] = true
	}
	return all
}

// phrases are lists of words, by their first word.
type phrases map[string][][]string

// phrasesOf splits a list at |.
func phrasesOf(list string) phrases {
	all := phrases{}
	for item := range strings.SplitSeq(list, "|") {
		words := strings.Fields(item)
		all[words[0]] = append(all[words[0]], words)
	}
	return all
}

// are reports whether words are one of the phrases.
func (p phrases) are(words []string) bool {
	return len(words) > 0 && slices.ContainsFunc(p[words[0]], func(phrase []string) bool { return slices.Equal(phrase, words) })
}

// in reports whether words contain one of the phrases.
func (p phrases) in(words []string) bool {
	for i, word := range words {
		for _, phrase := range p[word] {
			if n := len(phrase); n <= len(words)-i && slices.Equal(phrase, words[i:i+n]) {
				return true
			}
		}
	}
	return false
}
