package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

type numberKind int

const (
	noNumber  numberKind = iota
	validISBN            // with the right check digit
	wrongISBN            // with the wrong one
	prefix               // the beginning of an ISBN
)

// number is a number with the form of an ISBN.
type number struct {
	kind numberKind
	// digits are as typed, isbn as in the catalogue.
	digits, isbn string
	// certain says that it can't be anything else.
	certain bool
}

// fill sets what a clause says about its number.
func (n number) fill(c *Clause) {
	c.Text, c.ISBN, c.Phrase = n.digits, n.isbn, false
	c.Prefix, c.wrong = n.kind == prefix, n.kind == wrongISBN
	if c.Field = Any; n.certain {
		c.Field = ISBN
	}
}

// maxDigits is the length of an ISBN with the five digits that a scanner adds.
const maxDigits = 13 + 5

// digitRun is a run of digits with separators between them.
type digitRun struct {
	digits []byte // an X is the last one
	ends   []int  // offset behind each digit
	groups []int  // index of each group's first digit
	// blank is the index of the first digit behind a blank, or len(digits).
	blank int
}

// scanRun reads the digits at the beginning of text.
func scanRun(text string, start int) digitRun {
	run, blank, separators := digitRun{blank: -1}, false, 0
	for i, r := range text[start:] {
		digit, ok := digitOf(r)
		if !ok && len(run.digits) >= 6 && isX(r) {
			digit, ok = 'X', true
		}
		if !ok {
			separators++
			blank = blank || unicode.IsSpace(r)
			if len(run.digits) == 0 || separators > 3 || !isHyphen(r) && !unicode.IsSpace(r) && r != '.' {
				break
			}
			continue
		}
		if separators > 0 || len(run.digits) == 0 {
			run.groups = append(run.groups, len(run.digits))
		}
		if blank && run.blank < 0 {
			run.blank = len(run.digits)
		}
		run.digits = append(run.digits, digit)
		run.ends = append(run.ends, start+i+utf8.RuneLen(r))
		separators, blank = 0, false
		if digit == 'X' || len(run.digits) > 2*maxDigits {
			break
		}
	}
	if run.blank < 0 {
		run.blank = len(run.digits)
	}
	return run
}

// groupsOf returns the lengths of the groups in the first n digits, or nil if the last
// group goes on behind them.
func (r digitRun) groupsOf(n int) []int {
	var lengths []int
	for i, first := range r.groups {
		next := len(r.digits)
		if i+1 < len(r.groups) {
			next = r.groups[i+1]
		}
		lengths = append(lengths, next-first)
		if next >= n {
			if next > n {
				return nil
			}
			return lengths
		}
	}
	return nil
}

// scanNumber reads the number at the beginning of text[start:], and returns the
// offset behind it. A label is a word such as ISBN before it.
func scanNumber(text string, start int, labelled bool) (number, int) {
	run := scanRun(text, start)
	for _, read := range []func(digitRun, bool) (number, int){thirteen, ten, part} {
		n, size := read(run, labelled)
		if n.kind == noNumber {
			continue
		}
		if end := run.ends[size-1]; !isWordRune(runeAt(text, end)) && !isDecimal(text, end) {
			return n, end
		}
	}
	return number{}, 0
}

// isDecimal reports whether a fraction follows.
func isDecimal(text string, end int) bool {
	if r := runeAt(text, end); r != '.' && r != ',' {
		return false
	}
	_, ok := digitOf(runeAt(text, end+1))
	return ok
}

// thirteen reads an ISBN-13 with the two or five digits of a second barcode.
func thirteen(run digitRun, _ bool) (number, int) {
	if len(run.digits) < 13 || !isBookland(run.digits) {
		return number{}, 0
	}
	groups, size := run.groupsOf(13), 13
	if groups == nil {
		for _, n := range []int{13 + 2, 13 + 5} { // appended
			if g := run.groupsOf(n); g != nil && g[len(g)-1] > n-13 {
				groups, size = g, n
			}
		}
	} else {
		for _, n := range []int{13 + 2, 13 + 5} { // behind a separator
			if g := run.groupsOf(n); g != nil && len(g) == len(groups)+1 {
				size = n
			}
		}
	}
	if groups == nil || len(groups) > 5 {
		return number{}, 0
	}
	digits := string(run.digits[:13])
	if isbn, ok := model.ParseISBN(digits); ok {
		return number{validISBN, digits, isbn, true}, size
	}
	if groups[0] > 3 && len(groups) > 1 || strings.HasSuffix(digits, "X") {
		return number{}, 0
	}
	return number{wrongISBN, digits, "", false}, size
}

// ten reads an ISBN-10. Without a label it stands in one piece, or its check
// digit is the last of two or four groups: other numbers are telephone numbers.
// With a wrong check digit, it needs a label, one piece, or four groups.
func ten(run digitRun, labelled bool) (number, int) {
	groups := run.groupsOf(10)
	if groups == nil {
		return number{}, 0
	}
	checked := groups[len(groups)-1] == 1
	digits := string(run.digits[:10])
	isbn, ok := model.ParseISBN(digits)
	switch {
	case ok && (labelled || len(groups) == 1 || checked && (len(groups) == 2 || len(groups) == 4)):
		return number{validISBN, digits, isbn, true}, 10
	case !ok && (labelled && !isBookland(run.digits) || len(groups) == 1 && len(run.digits) == 10 || checked && len(groups) == 4 && run.blank >= 10):
		return number{wrongISBN, digits, "", false}, 10
	}
	return number{}, 0
}

// minPrefix is the length of the shortest part of an ISBN that is one.
const minPrefix = 7

// part reads the beginning of an ISBN, or an ISBN-10 that lost its leading zeros.
func part(run digitRun, labelled bool) (number, int) {
	size := run.blank
	if size < minPrefix || size > 12 {
		return number{}, 0
	}
	digits := string(run.digits[:size])
	isbn, ok := model.ParseISBN(digits)
	whole := run.groupsOf(size)
	switch {
	case ok && labelled && size < 10:
		return number{validISBN, digits, isbn, true}, size
	case strings.HasSuffix(digits, "X"):
		return number{}, 0
	case isBookland(run.digits):
		return number{prefix, digits, digits, labelled}, size
	case size < 10 && (labelled || len(whole) == 1):
		return number{prefix, digits, "978" + digits, labelled}, size
	}
	return number{}, 0
}

// isBookland reports whether the digits begin as those of an ISBN-13.
func isBookland(digits []byte) bool {
	return strings.HasPrefix(string(digits), "978") || strings.HasPrefix(string(digits), "979")
}

// digitOf returns the ASCII digit of a digit in ASCII, full width, Arabic, Persian
// or Devanagari.
func digitOf(r rune) (byte, bool) {
	for _, zero := range "0０٠۰०" {
		if r >= zero && r <= zero+9 {
			return byte('0' + r - zero), true
		}
	}
	return 0, false
}

func isX(r rune) bool { return strings.ContainsRune("xXｘＸхХ", r) }

// isHyphen also knows the minus sign and the underscore.
func isHyphen(r rune) bool { return unicode.In(r, unicode.Pd, unicode.Pc) || r == '−' }
