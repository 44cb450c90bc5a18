package work

import (
	"slices"
	"strconv"
	"strings"
)

// volumes maps words before the number of a volume to one of them.
var volumes = map[string]string{
	"vol": "volume", "vols": "volume", "volume": "volume", "volumen": "volume", "volumes": "volume", "tome": "volume",
	"v": "volume", "tomes": "volume", "tomos": "volume", "bande": "volume", "tomo": "volume", "band": "volume", "bd": "volume", "bind": "volume", "deel": "volume", "том": "volume",
	"part": "part", "pt": "part", "parte": "part", "partie": "part", "teil": "part", "theil": "part",
	"teile": "part", "parts": "part", "del": "part", "dil": "part", "osa": "part", "часть": "part",
	"book": "book", "bk": "book", "buch": "book", "boek": "book", "books": "book", "livre": "book", "libro": "book", "книга": "book",
	"no": "no", "nr": "no", "number": "no", "issue": "no", "chapter": "chapter", "chapters": "chapter",
	"episode": "episode", "season": "season", "#": "#",
}

// isVolume reports whether words name a volume or part of a work.
func isVolume(words []string) bool {
	for i, word := range words {
		if strings.HasPrefix(word, "#") || volumes[word] != "" && i+1 < len(words) {
			return true
		}
	}
	return false
}

// withNumbers writes numbers in digits: English number words, Roman numerals behind a
// word such as volume, and leading zeros.
func withNumbers(words []string, language string) []string {
	if language == "en" || language == "" {
		words = withDigits(words)
	}
	for i, word := range words {
		if number := strings.TrimLeft(word, "0"); number != "" && isNumber(word) {
			words[i] = number
		}
		if i == 0 || volumes[words[i-1]] == "" {
			continue
		}
		number, ok := roman(word)
		if ok {
			words[i] = strconv.Itoa(number)
		}
		if isNumber(words[i]) {
			words[i-1] = volumes[words[i-1]]
		}
	}
	return words
}

// roman reads a Roman numeral below 90.
func roman(word string) (int, bool) {
	value, last := 0, 0
	for _, r := range slices.Backward([]byte(word)) {
		digit := map[byte]int{'i': 1, 'v': 5, 'x': 10, 'l': 50}[r]
		if digit == 0 || len(word) > 8 {
			return 0, false
		}
		if digit < last {
			value -= digit
		} else {
			value, last = value+digit, digit
		}
	}
	return value, value > 0
}

var numberWords = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
	"eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
	"seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1000000,
}

// withDigits replaces English numbers, also years such as nineteen eighty-four.
func withDigits(words []string) []string {
	if !slices.ContainsFunc(words, func(word string) bool { return numberWords[word] > 0 }) {
		return words
	}
	var out []string
	for i := 0; i < len(words); {
		value, n := readNumber(words[i:])
		if n == 0 {
			out = append(out, words[i])
			i++
			continue
		}
		out = append(out, strconv.Itoa(value))
		i += n
	}
	return out
}

// readNumber reads the number at the beginning of words, and returns how many words it
// has.
func readNumber(words []string) (value, n int) {
	group := 0 // below 1000
	for n < len(words) {
		v := numberWords[words[n]]
		if isNumber(words[n]) && n == 0 && len(words[n]) < 4 && len(words) > 1 && numberWords[words[1]] >= 1000 {
			v, _ = strconv.Atoi(words[n]) // 20 thousand
			group, n = v, n+1
			continue
		}
		switch {
		case v == 0:
			return value + group, n
		case v >= 1000:
			value, group = value+max(1, group)*v, 0
		case v == 100:
			if group == 0 && n > 0 || group > 99 {
				return value + group, n
			}
			group = max(1, group) * 100
		case group%100 == 0 || group%10 == 0 && group%100 >= 20 && v < 10:
			group += v
		case group >= 10 && group < 100 && v >= 10 && value == 0: // nineteen eighty
			group = group*100 + v
		default:
			return value + group, n
		}
		n++
	}
	return value + group, n
}
