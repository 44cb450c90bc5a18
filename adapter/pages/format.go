package pages

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
)

// english writes numbers and currencies. The texts of the pages are English, and mixed
// formats would confuse: 1.234 is a different number in German.
var english = message.NewPrinter(language.English)

// number writes 33629 as "33,629".
func number(n int) string {
	if 0 <= n && n < 1000 { // pages have many of these, and the printer is slow
		return strconv.Itoa(n)
	}
	return english.Sprint(n)
}

// countBooks writes 33629 as "33,629 books".
func countBooks(n int) string {
	if n == 1 {
		return messages.OneBook
	}
	return fmt.Sprintf(messages.Books, number(n))
}

// editions writes 2 as "2 more editions".
func editions(n int) string {
	if n == 1 {
		return messages.OneEdition
	}
	return fmt.Sprintf(messages.Editions, number(n))
}

// price writes "5.8" and "EUR" as "€5.80". It needs no floating point.
func price(amount, code string) string {
	whole, fraction, _ := strings.Cut(amount, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return strings.TrimSpace(amount + " " + code)
	}
	text, symbol, decimals := english.Sprint(n), "", len(fraction)
	if unit, err := currency.ParseISO(code); err == nil {
		symbol = english.Sprint(currency.Symbol(unit))
		decimals, _ = currency.Standard.Rounding(unit)
	}
	fraction = strings.TrimRight(fraction, "0")
	fraction += strings.Repeat("0", max(0, decimals-len(fraction)))
	if fraction != "" {
		text += "." + fraction
	}
	if last, _ := utf8.DecodeLastRuneInString(symbol); unicode.IsLetter(last) {
		symbol += "\u00a0" // CHF 12.90
	}
	return symbol + text
}

var dateForm = regexp.MustCompile(`^(-?)(\d{1,4})(?:-(\d\d))?(?:-(\d\d))?$`)

// date writes "1925-04-26" as "26 April 1925", "1925-04" as "April 1925", and "-51" as
// "51 BCE". It returns other forms as they are.
func date(published string) string {
	parts := dateForm.FindStringSubmatch(published)
	if parts == nil {
		return published
	}
	year, _ := strconv.Atoi(parts[2]) // digits
	text := strconv.Itoa(year)
	switch {
	case parts[1] != "":
		text = fmt.Sprintf(messages.YearBCE, text)
	case year < 1000:
		text = fmt.Sprintf(messages.YearCE, text)
	}
	if parts[3] == "" {
		return text
	}
	month, _ := strconv.Atoi(parts[3])
	if month < 1 || month > 12 {
		return published
	}
	text = time.Month(month).String() + " " + text
	if parts[4] == "" {
		return text
	}
	day, _ := strconv.Atoi(parts[4])
	return strconv.Itoa(day) + " " + text
}

// decade writes 1990 as "1990–1999".
func decade(first int) string {
	if first < 0 {
		return fmt.Sprintf(messages.YearBCE, fmt.Sprintf("%d–%d", -first, -first-9))
	}
	years := fmt.Sprintf("%d–%d", first, first+9)
	if first < 1000 {
		return fmt.Sprintf(messages.YearCE, years)
	}
	return years
}

// languageName gives the English name of a BCP 47 tag.
func languageName(tag string) string {
	if name := display.English.Tags().Name(language.Make(tag)); name != "" {
		return name
	}
	return tag
}
