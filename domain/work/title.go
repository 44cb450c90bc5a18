package work

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// title is what distinguishes a work from others by its author.
type title struct {
	words []string
	// derived says that the text isn't that of the work in full, or more than it.
	derived bool
}

// part is a piece of a title between separators.
type part struct {
	words []string
	// separator before it: one of , ; : ( or 0 for the first part.
	separator byte
	// bracket says that it stands in brackets.
	bracket bool
}

// readTitle reads the title of a book.
func readTitle(text, language, publisher string) title {
	parts := splitTitle(text, language)
	var t title
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		switch {
		case i == 0:
			t.words = withoutTail(p.words)
			t.derived = t.derived || isBox(p.words)
		case isDerived(p.words) || isBox(p.words):
			t.derived = true
		case isAlternative(p, language) && !endsInOrdinal(t.words) && sameContents(p.words):
			for i+1 < len(parts) && parts[i+1].separator == ',' && sameContents(parts[i+1].words) {
				i++
			}
		case isArticle(p, i, language):
			t.words = append(slices.Clone(p.words), t.words...)
		case isNoise(p.words) || isDescription(p.words) || p.separator == '(' && isPublisher(p.words, publisher):
		case i == 1 && p.separator == '(' && t.addPositions(bracketOf(parts[i:])):
			i += len(bracketOf(parts[i:])) - 1
		default:
			t.words = append(t.words, withoutTail(p.words)...)
		}
	}
	return t
}

// splitTitle folds a title and cuts it at separators.
func splitTitle(text, language string) []part {
	text = plain(text)
	parts := append(make([]part, 0, 4), part{})
	begin, bracket := -1, false // begin of the word
	endWord := func(end int) {
		if begin >= 0 {
			last := &parts[len(parts)-1]
			if last.words == nil {
				last.words = make([]string, 0, 8)
			}
			last.words = append(last.words, text[begin:end])
			begin = -1
		}
	}
	for i, r := range text {
		if isWordRune(r) || r == '+' || r == '#' {
			if begin < 0 {
				begin = i
			}
			continue
		}
		endWord(i)
		if r == '(' || r == '[' || r == ')' || r == ']' {
			bracket = r == '(' || r == '['
		}
		last := &parts[len(parts)-1]
		switch separator := separatorAt(text, i, r); {
		case r == '&':
			last.words = append(last.words, andIn(language))
		case separator == 0:
		case len(last.words) > 0:
			parts = append(parts, part{separator: separator, bracket: bracket})
		case last.separator != 0 && (separator == '(' || last.separator == ','):
			last.separator, last.bracket = separator, bracket
		}
	}
	endWord(len(text))
	parts = slices.DeleteFunc(parts, func(p part) bool { return len(p.words) == 0 })
	for i := range parts {
		parts[i].words = withNumbers(parts[i].words, language)
	}
	return parts
}

// separatorAt returns the separator that r stands for, or 0.
func separatorAt(text string, i int, r rune) byte {
	switch r {
	case ' ':
	case ',', ';', ':':
		return byte(r)
	case '(', '[':
		return '('
	case ')', ']', '—', '/':
		return ':'
	case '-', '–':
		rest := text[i+utf8.RuneLen(r):]
		if strings.HasPrefix(rest, " ") && strings.HasSuffix(text[:i], " ") || strings.HasPrefix(rest, "-") {
			return ':'
		}
	}
	return 0
}

// andIn returns the word for & in a language.
func andIn(language string) string {
	if word, ok := and[language]; ok {
		return word
	}
	return "and"
}

var and = map[string]string{
	"de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en", "sv": "och", "da": "og", "nb": "og",
	"no": "og", "nn": "og", "fi": "ja", "pl": "i", "ru": "и", "cs": "a", "ca": "i",
}

// isAlternative reports whether the part gives a second title ("Emma; or, …").
func isAlternative(p part, language string) bool {
	switch p.words[0] {
	case "or", "oder", "ou", "eller", "или":
		return p.separator != '('
	case "of":
		return language == "nl" && p.separator != '('
	case "o", "ossia", "ovvero":
		return (language == "es" || language == "it") && p.separator != '('
	}
	return false
}

// sameContents reports whether a second title names no volume and no further texts.
func sameContents(words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool {
		_, numeral := roman(word)
		return volumes[word] != "" || isNumber(word) || numeral && len(word) > 1 ||
			strings.HasPrefix(word, "#") || word == "other" || word == "series" || word == "andere" || word == "autres" || word == "otros" || word == "altri"
	})
}

// endsInOrdinal reports whether a title goes on after its first part ("The First, or
// Royal, Regiment").
func endsInOrdinal(words []string) bool {
	last := words[len(words)-1]
	return ordinals[last] || isNumber(last)
}

var ordinals = set(`first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|
	fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth`)

// isArticle reports whether the second part is the article of the first ("Hobbit, The").
func isArticle(p part, i int, language string) bool {
	return i == 1 && p.separator == ',' && len(p.words) == 1 && articles[p.words[0]] &&
		(language != "en" || p.words[0] == "the" || p.words[0] == "a" || p.words[0] == "an")
}

var articles = set("the|a|an|der|die|das|ein|eine|le|la|les|un|une|el|los|las|una|il|lo|gli|de|het|een|o|os|as|um|uma|den|det|en|ett|et")

// addSeries adds the volume if it is all that distinguishes a book from others of its
// series.
func (t *title) addSeries(series, language string) {
	if series == "" {
		return
	}
	var words []string
	for _, p := range splitTitle(series, language) {
		words = append(words, p.words...)
	}
	t.addPosition(cutPosition(words))
}

// addPosition adds the position in a series to a title that is the name of the
// series. The first one may have no number.
func (t *title) addPosition(series []string, position string) {
	if position != "" && position != "1" && slices.Equal(withoutArticle(series), withoutArticle(t.words)) {
		t.words = append(t.words, "#"+position)
	}
	t.derived = t.derived || strings.Contains(position, "-")
}

func withoutArticle(words []string) []string {
	if len(words) > 1 && articles[words[0]] {
		return words[1:]
	}
	return words
}

// addEdition adds what the name of an edition says about its text.
func (t *title) addEdition(edition, language string) {
	if edition == "" {
		return
	}
	for _, p := range splitTitle(edition, language) {
		t.derived = t.derived || isDerived(p.words) || isBox(p.words)
		if isVolume(p.words) {
			t.words = append(t.words, p.words...)
		}
	}
}

// addPositions adds the positions in brackets, such as "(Series, #2; Other, Book 1)". It
// reports false, and adds none, if the brackets hold anything else.
func (t *title) addPositions(bracket []part) bool {
	var items [][]string
	for _, p := range bracket {
		if p.separator == ',' {
			items[len(items)-1] = append(slices.Clip(items[len(items)-1]), p.words...)
		} else {
			items = append(items, p.words)
		}
	}
	for _, words := range items {
		if series, position := cutPosition(words); len(series) == 0 || position == "" {
			return false
		}
	}
	for _, words := range items {
		t.addPosition(cutPosition(words))
	}
	return true
}

// bracketOf returns the parts in the bracket that begins parts.
func bracketOf(parts []part) []part {
	n := 1
	for n < len(parts) && parts[n].bracket && parts[n].separator != '(' {
		n++
	}
	return parts[:n]
}

// cutPosition cuts "#2", "Book 2" or "#1-3" off the end.
func cutPosition(words []string) (series []string, position string) {
	for i, word := range words {
		number := ""
		switch {
		case strings.HasPrefix(word, "#") && len(word) > 1:
			number = strings.Join(append([]string{word[1:]}, words[i+1:]...), "-")
		case (word == "book" || word == "volume" || word == "#" || word == "no") && i+1 < len(words):
			number = strings.Join(words[i+1:], "-")
		}
		if i > 0 && number != "" && strings.Trim(number, "0123456789-") == "" {
			return words[:i], number
		}
	}
	return words, ""
}
