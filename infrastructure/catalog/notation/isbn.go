package notation

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

var (
	scientific = regexp.MustCompile(`^(\d)[.,](\d{1,12})E\+?12$`)
	grouped    = regexp.MustCompile(`^\d(?:,\d{3}){4}$|^\d(?:\.\d{3}){4}$|^\d(?:'\d{3}){4}$|^\d(?:,\d{3}){3}$`)
	dotted     = regexp.MustCompile(`^[\d-]+(?:[._][\d-]+){2,4}(?:[._]X|X)?$`)
	// numberRun matches digits with hyphens and blanks between them.
	numberRun  = regexp.MustCompile(`\d(?:[\d -]*[\dX])?`)
	isbnPrefix = regexp.MustCompile(`^(?:URN:)?(?:ISBN|EAN|GTIN)(?:[- ]?1[03]\b)?[: -]*`)
	labelled   = regexp.MustCompile(`(?i)(?:^|[,;|\s])(?:urn:isbn|isbn(?:[-_ ]?1[03])?|ean(?:13)?|gtin(?:13)?)\s*[:=]\s*([^,;|]+)`)
)

// lookalikes replaces a Cyrillic letter that looks like X, and drops quotes.
var lookalikes = strings.NewReplacer("Х", "X", `"`, "")

const (
	// maxISBNCell bounds the text that is searched for an ISBN, in bytes, and
	// maxISBNParts the numbers in it that may belong together.
	maxISBNCell  = 1000
	maxISBNParts = 40
)

// ISBN finds the ISBN in a cell: between the marks that keep a spreadsheet from
// rounding it, behind a prefix word, in brackets, or beside a binding, a price or
// other ISBNs. Of several it prefers an ISBN-13. It returns 13 digits, or "" if
// there is none.
func ISBN(cell string) string {
	if isbn, ok := model.ParseISBN(cell); ok {
		return isbn
	}
	if len(cell) > maxISBNCell {
		return ""
	}
	text := strings.ToUpper(plain(cell))
	if strings.ContainsAny(text, "Х\"") {
		text = lookalikes.Replace(text)
	}
	text = strings.TrimSpace(strings.TrimLeft(text, "='` "))
	text = strings.TrimSpace(strings.Trim(text, "[](){}<>'"))
	if text != "" && !isDigit(rune(text[0])) {
		text = isbnPrefix.ReplaceAllString(text, "")
	}
	if strings.Contains(text, "E") {
		if m := scientific.FindStringSubmatch(text); m != nil && len(m[2]) == 12 {
			text = m[1] + m[2]
		} else if m != nil {
			return "" // some digits are missing
		}
	}
	if strings.ContainsAny(text, ".,'_") {
		text = WithoutFraction(text)
		if grouped.MatchString(text) || dotted.MatchString(text) {
			text = separators.Replace(text)
		}
	}
	if isbn, ok := model.ParseISBN(text); ok {
		return isbn
	}
	return isbnAmong(text)
}

// isbnAmong finds an ISBN in a text with other things. A number that has lost its
// leading zeros is not found here: it could be anything.
func isbnAmong(text string) string {
	ten := ""
	for _, at := range numberRun.FindAllStringIndex(text, -1) {
		if !standsAlone(text, at[0], at[1]) {
			continue
		}
		isbn, isTen := isbnIn(text[at[0]:at[1]])
		if isbn != "" && !isTen {
			return isbn
		}
		ten = cmp.Or(ten, isbn)
	}
	return ten
}

// standsAlone reports false if the number in text[from:to] is part of a word or of a
// decimal number.
func standsAlone(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after := firstRune(text[to:])
	isDecimal := after == '.' && isDigit(firstRune(text[to+1:])) && !strings.Contains(text[from:to], " ")
	return !unicode.IsLetter(before) && !unicode.IsLetter(after) && !isDecimal
}

// isbnIn finds an ISBN in a run of digits with hyphens and blanks between them. isTen
// is set if it is an ISBN-10.
func isbnIn(run string) (isbn string, isTen bool) {
	parts := strings.Fields(strings.ReplaceAll(run, "-", ""))
	parts = parts[:min(len(parts), maxISBNParts)]
	for from := range parts {
		joined := ""
		for _, part := range parts[from:] {
			if joined += part; len(joined) > maxISBNRun {
				break
			}
			switch found, ten := isbnOf(joined); {
			case found != "" && !ten:
				return found, false
			case isbn == "":
				isbn, isTen = found, ten
			}
		}
	}
	if isbn != "" {
		return isbn, isTen
	}
	// A shop's number behind the ISBN: 9780306406157-1.
	if number, own, ok := strings.Cut(run, "-"); ok && len(own) <= 3 && (len(number) == 10 || len(number) == 13) {
		return isbnOf(number)
	}
	return "", false
}

// maxISBNRun is the length of the longest number that has an ISBN: one with zeros before
// it, or with the add-on that a scanner reads beside it.
const maxISBNRun = 18

// isbnOf reads an ISBN without hyphens and blanks.
func isbnOf(number string) (isbn string, isTen bool) {
	isbn, ok := model.ParseISBN(number)
	switch n := len(number); {
	case ok && n == 13:
		return isbn, false
	case ok && n == 10:
		return isbn, true
	case n <= 13:
		return "", false
	case strings.Trim(number[:n-13], "0") == "": // as a GTIN-14
		isbn, _ = model.ParseISBN(number[n-13:])
	case n == 15 || n == 18:
		isbn, _ = model.ParseISBN(number[:13])
	}
	return isbn, false
}

// LabelledISBN finds the ISBN in a list of identifiers such as
// "goodreads:1,isbn:9780306406157". Numbers under other labels are no ISBNs.
func LabelledISBN(cell string) string {
	if len(cell) > maxISBNCell {
		return ""
	}
	best := ""
	for _, m := range labelled.FindAllStringSubmatch(cell, -1) {
		if isbn := ISBN(m[1]); isbn != "" {
			if len(plain(m[1])) >= 13 {
				return isbn
			}
			best = isbn
		}
	}
	return best
}

// IsBlank reports whether a cell has neither letters nor digits, such as the empty
// guard ="".
func IsBlank(cell string) bool {
	return !strings.ContainsFunc(cell, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}
