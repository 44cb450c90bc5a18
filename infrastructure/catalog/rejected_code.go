package catalog

import (
	"net/url"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// rejection is what a file of rejected rows says about one of its rows.
type rejection struct {
	code model.RowCode
	// value is the ISBN or id of a copy.
	value  string
	reason string
}

// newRejection reads the code and the reason of a row. The reason is text for
// people, who may have changed it. It counts only if the code is missing or
// damaged, since a row must not lose its protection by accident.
func newRejection(code, reason string) rejection {
	name, escaped, _ := strings.Cut(strings.TrimSpace(code), ":")
	r := rejection{code: model.RowCode(strings.ToLower(name)), reason: reason}
	value, err := url.PathUnescape(strings.TrimSpace(escaped))
	if err != nil || !slices.Contains(model.RowCodes, r.code) {
		return frozenRejection(reason)
	}
	if isbn, ok := model.ParseISBN(value); ok && r.code == model.RowSameISBN {
		value = isbn
	}
	r.value = value
	return r
}

// codeText writes a row's code. The codes of copies carry the ISBN or id that
// the row shares with another row, because the row is safe to import once its own
// ISBN or id differs from that. It is escaped so that no format has to quote it:
// "same_id:17", "same_id:a%22b".
func codeText(row *model.RowError) string {
	switch row.Code {
	case model.RowSameISBN, model.RowSameID:
		return string(row.Code) + ":" + url.PathEscape(row.Value)
	}
	return string(row.Code)
}

// stillHolds reports whether a row was rejected as a copy of another row and
// still has the other's ISBN or id. Alone in the file of rejected rows it would
// overwrite the book of the other row.
func (r rejection) stillHolds(isbn, id string) bool {
	switch r.code {
	case model.RowSameISBN:
		return isbn != "" && r.value == isbn
	case model.RowSameID:
		return id != "" && r.value == id
	}
	return false
}
