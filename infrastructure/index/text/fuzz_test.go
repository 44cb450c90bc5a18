package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are texts of all kinds, so that the fuzzer recombines them.
var seeds = []string{
	"", "The Old Man & the Sea", "H.G. Wells / H G Wells, Wells HG", "l'île d' Artagnan dell’arte 'n'", "C# C++ .NET ASP.NET Node.js F#",
	"one thousand two hundred and thirty-four twenty-first nineteen eighty", "20,000 3.11 1.2.3 20 000 007 #2 no. 2 vol. II Part I",
	"St. Mc Donald van der Zee MacDonald", "Łódź Ærø Straße Fra\u0308ulein İı Θάλασσα Ёй Идіотъ", "والكتاب الأحمر می\u200cروم ١٢", "צה״ל תל־אביב שָׁ",
	"佐々木ｻｰﾊﾞｰー 國語 ゝ", "한국 \u1112\u1161\u11ab", "ក្រុង มาเลเซีย ພາສາ မြန်မာ བོད་", "क्षत्रिय ज\u093c", "👍🏽🇩🇪♥️ ™ ½ №5 n°5 nº 5", "\xff\x00a\u0301\u202e",
	"a.b.c-d e f", "!!! ...", "\u0301\u0301", "x+y C+ C+++ a##", "e\u034fa ﷺ ㌀ ﬁ",
}

var fuzzLanguages = []string{"", "en", "de", "fr", "es", "it", "nl", "da", "ru", "uk", "ar", "zh", "pt_BR", "x-unknown"}

// FuzzSelf checks that a text finds itself whatever its language, that tokens lie within the
// text on rune boundaries and in order, and that no term is too long.
func FuzzSelf(f *testing.F) {
	for i, seed := range seeds {
		f.Add(seed, uint8(i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, language, kind uint8) {
		lang := fuzzLanguages[int(language)%len(fuzzLanguages)]
		book := Book(text, lang, Kind(kind%3))
		query := Query(text)
		checkTokens(t, text, book)
		checkTokens(t, text, query)
		if terms := missing(text, text, lang, Kind(kind%3)); terms != nil {
			t.Errorf("%q doesn't find itself: no %q in %v", text, terms, termsOf(book))
		}
		if (Key(text) == "") != (len(query) == 0) {
			t.Errorf("the key of %q is %q, with %d tokens", text, Key(text), len(query))
		}
		if Key(Key(text)) == "" && Key(text) != "" {
			t.Errorf("the key of the key of %q is empty", text)
		}
		for _, pair := range append(Pairs(book), Pairs(query)...) {
			if pair == "" || len(pair) > maxTerm {
				t.Errorf("pair %q of %q", pair, text)
			}
		}
		for _, token := range query {
			Stem(token.Terms[0], lang)
		}
	})
}

func checkTokens(t *testing.T, text string, tokens []Token) {
	t.Helper()
	last, valid := Token{Position: -1}, utf8.ValidString(text)
	for _, token := range tokens {
		if token.Start < last.Start || token.End <= token.Start || token.End > len(text) || token.Position <= last.Position {
			t.Fatalf("token %+v of %q", token, text)
		}
		if valid && !onBoundary(text, token.Start) || valid && !onBoundary(text, token.End) {
			t.Errorf("token %+v cuts a character of %q", token, text)
		}
		if token.Own == 0 || token.Own > len(token.Terms) {
			t.Errorf("token %+v of %q has no terms of its own", token, text)
		}
		for _, term := range token.Terms {
			if term == "" || len(term) > maxTerm || !utf8.ValidString(term) || strings.ContainsAny(term, " \x00") {
				t.Errorf("term %q of %q", term, text)
			}
		}
		last = token
	}
}

func onBoundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// FuzzWords checks that each word of a text finds the text, with blanks as the only bounds.
func FuzzWords(f *testing.F) {
	for i, seed := range seeds {
		f.Add(seed, uint8(i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, language, kind uint8) {
		lang := fuzzLanguages[int(language)%len(fuzzLanguages)]
		if len(Query(text)) == 0 || len(text) > 1000 {
			return
		}
		for _, field := range strings.Fields(text) {
			if onlySymbols(field) {
				continue // such a query means its symbols only if it is the whole title
			}
			if terms := missing(field, text, lang, Kind(kind%3)); terms != nil {
				t.Errorf("%q doesn't find %q: no %q in %v", field, text, terms, termsOf(Book(text, lang, Kind(kind%3))))
			}
		}
	})
}

func onlySymbols(text string) bool {
	var s scanner
	s.fold(text)
	return len(s.words) == 1 && s.words[0].kind == symbolWord
}

// FuzzSpellings checks that stray punctuation, case and blanks at the ends change nothing.
func FuzzSpellings(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(Query(text)) == 0 || onlySymbols(text) {
			return
		}
		for _, other := range []string{"“" + text + "”", text + "?", "  " + text + "\t", "(" + text + ")", text + ";", "¡" + text + "!"} {
			if Key(other) != Key(text) {
				t.Errorf("the key of %q is %q, that of %q is %q", other, Key(other), text, Key(text))
			}
			if terms := missing(other, text, "en", Title); terms != nil {
				t.Errorf("%q doesn't find %q: no %q", other, text, terms)
			}
		}
	})
}

// TestLongInput checks that long texts find themselves: terms are cut on both sides alike. If
// the work grew faster than the text, it would not end.
func TestLongInput(t *testing.T) {
	for name, text := range map[string]string{
		"word": strings.Repeat("ä", 100_000), "words": strings.Repeat("moby dick ", 10_000), "initials": strings.Repeat("a ", 20_000),
		"dotted": strings.Repeat("a.", 20_000), "hyphens": strings.Repeat("a1-", 20_000), "numbers": strings.Repeat("one hundred and ", 10_000),
		"marks": "e" + strings.Repeat("\u0301", 20_000), "han": strings.Repeat("漢", 20_000), "digits": strings.Repeat("1.", 20_000),
		"groups": "1" + strings.Repeat(",000", 10_000), "thai": "ก" + strings.Repeat("\u0e31", 20_000), "particles": strings.Repeat("van de ", 10_000),
		"invalid": strings.Repeat("\xff", 20_000), "nul": strings.Repeat("\x00", 20_000), "iteration": "佐" + strings.Repeat("々", 20_000),
		"quotes": "a" + strings.Repeat("'", 20_000) + "b", "punctuation": strings.Repeat("?", 20_000), "bidi": strings.Repeat("\u202e", 20_000) + "a",
	} {
		book, query := Book(text, "de", Title), Query(text)
		Key(text)
		Pairs(book)
		checkTokens(t, text, book)
		checkTokens(t, text, query)
		if terms := missing(text, text, "de", Title); terms != nil {
			t.Errorf("%s doesn't find itself: %q", name, terms)
		}
	}
}
