package work

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// unknownAuthors stand for the name of an author.
var unknownAuthors = phrasesOf(`author|n|anonymous author|various|various authors|anonymous|anon|unknown|unknown author|author unknown|na|none|
	anonymus|collective|multiple authors|several authors|verschiedene|verschiedene autoren|unbekannt|diverse|div|
	divers|anonyme|collectif|inconnu|auteurs divers|varios|varios autores|anonimo|aa vv|vv aa|autori vari|diversen|
	anoniem|vari|desconhecido|okand|ukjent|ukendt|tuntematon|коллектив авторов|аноним|неизвестен`)

// honorifics are words around a name that some editions leave out.
var honorifics = set(`jr|sr|junior|senior|ii|iii|iv|phd|md|esq|dr|prof|professor|sir|dame|mr|mrs|ms|miss|rev|reverend|by`)

// particles belong to a surname of several words.
var particles = set(`von|van|de|der|den|du|des|la|le|el|al|da|di|dos|das|af|av|ten|ter|zu|zur|st|saint|san|mac|d|o`)

// mononyms are authors with one name, which a translator or illustrator often
// follows. Any other single name before a comma is a surname.
var mononyms = set(`homer|plato|aristotle|sophocles|euripides|aeschylus|aristophanes|herodotus|thucydides|xenophon|
	plutarch|epictetus|hesiod|aesop|ovid|virgil|vergil|horace|livy|tacitus|cicero|seneca|lucretius|juvenal|
	terence|plautus|petronius|suetonius|caesar|confucius|laozi|sunzi|mencius|zhuangzi|rumi|hafez|ferdowsi|
	kalidasa|valmiki|vyasa|patanjali|voltaire|moliere|stendhal|colette|saki|herge|goscinny|novalis|multatuli|
	ouida|euclid|ptolemy|josephus|boethius|dante|petrarch|avi|banksy|madonna|sappho|lucian|longus|teffi|clamp`)

// firstAuthor returns a key of the first of the authors, "" if there is none, and the
// words of the first names in the line. The key is the surname and the first letter of the first name,
// because catalogues differ in everything else. Names may be inverted ("Austen, Jane").
func firstAuthor(line string) (key string, names []string) {
	line = withoutBrackets(fold(line))
	for _, separator := range []string{";", " & ", " and ", " with ", "/", " und ", " et ", "|"} {
		line, _, _ = strings.Cut(line, separator)
	}
	var parts [][]string
	for part := range strings.SplitSeq(line, ",") {
		if len(parts) == 4 {
			break
		}
		words := nameWords(part)
		names = append(names, words...)
		if rest := withoutHonorifics(words); len(rest) > 0 && !isNumber(rest[0]) {
			parts = append(parts, rest)
		}
	}
	if len(parts) == 0 || unknownAuthors.are(names) || unknownAuthors.are(parts[0]) {
		return "", nil
	}
	surname, given := parts[0], []string(nil)
	switch first := parts[0]; {
	case len(parts) > 1 && isInverted(first, parts[1]):
		given = parts[1]
	case len(first) > 1 && isInitial(first[len(first)-1]) && !isInitial(first[0]): // "Tolkien J. R. R."
		surname, given = first[:1], first[1:]
	case len(first) > 1:
		surname, given = first[1:], first[:1]
	}
	if first, _ := utf8.DecodeRuneInString(surname[0]); unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
		return strings.Join(parts[0], ""), names // with or without a blank
	}
	key = spelling.Replace(surname[len(surname)-1])
	if strings.HasSuffix(key, "ff") {
		key = strings.TrimSuffix(key, "ff") + "v" // Turgenieff
	}
	if len(given) > 0 {
		_, size := utf8.DecodeRuneInString(given[0])
		key += " " + given[0][:size]
	}
	return key, names
}

// spelling unifies how surnames are transliterated and umlauts written.
var spelling = strings.NewReplacer("yev", "ev", "iev", "ev", "oye", "o", "ii", "i", "iy", "i", "yi", "i", "y", "i",
	"tch", "ch", "ae", "a", "oe", "o", "ue", "u")

// isInverted reports whether the parts around a comma are a surname and first names,
// rather than two authors.
func isInverted(first, second []string) bool {
	surnames := 0
	for _, word := range first {
		if !particles[word] {
			surnames++
		}
	}
	if surnames <= 1 {
		return len(first) > 1 || !mononyms[first[0]]
	}
	for _, word := range second[1:] {
		if !isInitial(word) {
			return false
		}
	}
	return true
}

func isInitial(word string) bool { return utf8.RuneCountInString(word) == 1 }

// nameWords returns the words of a name. A stop, a hyphen or a blank ends a word.
func nameWords(name string) []string {
	name = strings.Map(func(r rune) rune {
		if isApostrophe(r) {
			return -1
		}
		return r
	}, name)
	return strings.FieldsFunc(name, func(r rune) bool { return !isWordRune(r) })
}

// withoutHonorifics drops honorifics.
func withoutHonorifics(words []string) []string {
	kept := make([]string, 0, len(words))
	for _, word := range words {
		if !honorifics[word] {
			kept = append(kept, word)
		}
	}
	return kept
}

// withoutBrackets drops what stands in brackets, such as a role or the full first names.
func withoutBrackets(s string) string {
	for {
		start := strings.IndexAny(s, "([")
		if start < 0 {
			return s
		}
		size := strings.IndexAny(s[start:], ")]")
		if size < 0 {
			return s[:start]
		}
		s = s[:start] + s[start+size+1:]
	}
}
