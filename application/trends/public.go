package trends

import (
	"context"
	"regexp"
	"strings"
	"unicode"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

var (
	email = regexp.MustCompile(`\S@\S+\.\S`)
	// phone has numbers with a prefix, long ones without gaps, and those in groups of three and
	// four. Years such as 1914-1918 are none.
	phone = regexp.MustCompile(`(?:\+|\(|\b0)[\d\s()/.-]{5,}\d|\d{7}|\b\d{3}[\s/.-]\d{4}\b`)
)

// personal reports whether a text looks like an e-mail address or a phone number.
func personal(text string) bool { return email.MatchString(text) || phone.MatchString(text) }

// words knows whether words are those of books.
type words struct {
	books  gateway.BookManager
	marker gateway.Highlighter
}

// known reports whether each word of a text occurs in title, authors or subjects of one of the
// books. A word has a letter or a digit.
func (w words) known(ctx context.Context, text string, ids []uint) (bool, error) {
	books, err := w.books.GetBooks(ctx, ids)
	if err != nil {
		return false, err
	}
	words := 0
	for word := range strings.FieldsSeq(text) {
		if !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			continue
		}
		words++
		found := false
		for _, h := range w.marker.Highlight(model.Keyword(word), books) {
			found = found || marked(h.Title) || marked(h.Author) || marked(h.Subjects)
		}
		if !found {
			return false, nil
		}
	}
	return words > 0, nil
}

func marked(fragments []model.Fragment) bool {
	for _, f := range fragments {
		if f.Match {
			return true
		}
	}
	return false
}
