package shoppers

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// slip returns a text with one typing error: two letters swapped, one missing, one doubled, or
// one that lies beside the right one on the keyboard. Letters are as readers see them, with their
// marks. A text with fewer than two letters stays as it is.
func slip(rng *rand.Rand, text string) string {
	characters, places := split(text)
	if len(places) < 2 {
		return text
	}
	const tries = 20 // swapping equal letters changes nothing, for example
	for range tries {
		at := places[rng.IntN(len(places))]
		if at == places[0] && rng.IntN(4) > 0 {
			continue // the first letter is mostly right
		}
		if wrong := strings.Join(mistype(rng, characters, at), ""); wrong != text {
			return wrong
		}
	}
	return text
}

// split returns the characters of a text, and which of them are letters.
func split(text string) (characters []string, letters []int) {
	for rest, state := text, -1; rest != ""; {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if isLetter(character) {
			letters = append(letters, len(characters))
		}
		characters = append(characters, character)
	}
	return characters, letters
}

func isLetter(character string) bool {
	first, _ := utf8.DecodeRuneInString(character)
	return unicode.IsLetter(first)
}

// mistype returns the characters with an error at a letter.
func mistype(rng *rand.Rand, characters []string, at int) []string {
	before, letter, after := characters[:at], characters[at], characters[at+1:]
	switch rng.IntN(4) {
	case 0:
		if len(after) > 0 && isLetter(after[0]) {
			return slices.Concat(before, []string{after[0], letter}, after[1:])
		}
	case 1:
		return slices.Concat(before, after)
	case 2:
		return slices.Concat(before, []string{letter, letter}, after)
	case 3:
		if wrong := beside(rng, letter); wrong != "" {
			return slices.Concat(before, []string{wrong}, after)
		}
	}
	return characters
}

// beside returns a letter that lies beside another one, or "" if the keyboard isn't known.
func beside(rng *rand.Rand, letter string) string {
	right, size := utf8.DecodeRuneInString(letter)
	near := neighbours[unicode.ToLower(right)]
	if len(near) == 0 || size < len(letter) {
		return ""
	}
	wrong := near[rng.IntN(len(near))]
	if unicode.IsUpper(right) {
		wrong = unicode.ToUpper(wrong)
	}
	return string(wrong)
}

// keyboards are the rows of letters on keyboards.
var keyboards = []string{
	"qwertyuiop\nasdfghjkl\nzxcvbnm",
	"йцукенгшщзхъ\nфывапролджэ\nячсмитьбю",
	"ςερτυθιοπ\nασδφγηξκλ\nζχψωβνμ",
	"ضصثقفغعهخحجد\nشسيبلاتنمكط\nئءؤرىةوزظ",
	"קראטוןםפ\nשדגכעיחלךף\nזסבהנמצתץ",
}

// neighbours are the letters beside each letter.
var neighbours = func() map[rune][]rune {
	beside := map[rune][]rune{}
	for _, keyboard := range keyboards {
		rows := strings.Split(keyboard, "\n")
		for y := range rows {
			for x, letter := range []rune(rows[y]) {
				for _, near := range [][2]int{{y, x - 1}, {y, x + 1}, {y - 1, x}, {y - 1, x + 1}, {y + 1, x - 1}, {y + 1, x}} {
					if near[0] < 0 || near[0] >= len(rows) {
						continue
					}
					if row := []rune(rows[near[0]]); near[1] >= 0 && near[1] < len(row) {
						beside[letter] = append(beside[letter], row[near[1]])
					}
				}
			}
		}
	}
	return beside
}()
