package catalog

import (
	"fmt"
	"regexp"
	"strconv"

	"literank.com/event-books/domain/model"
)

// Before files of rejected rows had codes, two sentences marked the copies of
// other rows. Such files still have to be recognised, and an interrupted import
// may have to finish one. The sentences are part of that old format: they never
// change, whatever model.RowError says today.
const (
	frozenSameISBN = "lines %d and %d have the same ISBN %s"
	frozenSameID   = "lines %d and %d have the same id %q"
)

var frozenCopy = regexp.MustCompile(`^lines \d+ and \d+ have the same (?:ISBN (\d+)|id (".*"))$`)

// frozenRejection recognises the two sentences. Other reasons have no code.
func frozenRejection(reason string) rejection {
	r := rejection{reason: reason}
	m := frozenCopy.FindStringSubmatch(reason)
	switch {
	case m == nil:
	case m[1] != "":
		r.code, r.value = model.RowSameISBN, m[1]
	default:
		if id, err := strconv.Unquote(m[2]); err == nil {
			r.code, r.value = model.RowSameID, id
		}
	}
	return r
}

// frozenReason is the reason of a row in a file without codes.
func frozenReason(row *model.RowError) string {
	switch {
	case row.Detail != "":
	case row.Code == model.RowSameISBN:
		return fmt.Sprintf(frozenSameISBN, row.OtherLine, row.Line, row.Value)
	case row.Code == model.RowSameID:
		return fmt.Sprintf(frozenSameID, row.OtherLine, row.Line, row.Value)
	}
	return row.Reason()
}
