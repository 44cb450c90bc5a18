package model

import "fmt"

// RowError rejects one row of a file. The rows after it can be read.
type RowError struct {
	// Line is the number of the row's first line, from 1. Text is the row as it
	// stands in the file.
	Line int
	Text []byte
	Code RowCode
	// OtherLine is the line of the other row for RowSameISBN, RowSameID and
	// RowSameBook. It is 0 if it isn't known.
	OtherLine int
	// Value is the shared ISBN or id for RowSameISBN, RowSameID and RowISBNTaken.
	Value string
	// Detail replaces the sentence that belongs to the code. The codes whose
	// rows fail in many ways need one.
	Detail string
}

// RowCode is the kind of a RowError. Files of rejected rows carry it: a code
// never changes its meaning.
type RowCode string

const (
	// RowMalformed: the row doesn't follow the rules of its format.
	RowMalformed RowCode = "malformed"
	// RowEncoding: the row has bytes or characters that no text has.
	RowEncoding RowCode = "encoding"
	// RowTooLong: the row is too long to be read.
	RowTooLong RowCode = "too_long"
	// RowInvalid: a value can't be stored, and the book can't do without it.
	RowInvalid RowCode = "invalid_value"
	// RowNoTitle: a whole record has no title.
	RowNoTitle RowCode = "no_title"
	// RowUnknownBook: a partial record changes a book that the catalogue doesn't
	// have.
	RowUnknownBook RowCode = "unknown_book"
	// RowNoIdentity: a deletion has neither id nor ISBN.
	RowNoIdentity RowCode = "no_identity"
	// RowTest: the row is a test record.
	RowTest RowCode = "test_record"
	// RowSameISBN and RowSameID: an earlier row of the file has the same ISBN,
	// or the same id. Imported later, the row would overwrite the other's book.
	RowSameISBN RowCode = "same_isbn"
	RowSameID   RowCode = "same_id"
	// RowSameBook: the catalogue takes the row and an earlier one for the same
	// book, because one has the book's id and the other its ISBN.
	RowSameBook RowCode = "same_book"
	// RowISBNTaken: the row has the id of one book of the catalogue and the ISBN
	// of another.
	RowISBNTaken RowCode = "isbn_taken"
)

// RowCodes lists all codes.
var RowCodes = []RowCode{
	RowMalformed, RowEncoding, RowTooLong, RowInvalid, RowNoTitle, RowUnknownBook, RowNoIdentity, RowTest,
	RowSameISBN, RowSameID, RowSameBook, RowISBNTaken,
}

// Reason is the sentence that people read.
func (e *RowError) Reason() string {
	if e.Detail != "" {
		return e.Detail
	}
	switch e.Code {
	case RowNoTitle:
		return "the book has no title"
	case RowUnknownBook:
		return "the book has no title, and it is not in the catalogue"
	case RowNoIdentity:
		return "the row has neither id nor ISBN to say which book to delete"
	case RowTest:
		return "the product is a test record"
	case RowSameISBN:
		return e.sameReason("ISBN " + e.Value)
	case RowSameID:
		return e.sameReason(fmt.Sprintf("id %q", e.Value))
	case RowSameBook:
		return fmt.Sprintf("the row is the same book as line %d", e.OtherLine)
	case RowISBNTaken:
		return fmt.Sprintf("the ISBN %s belongs to another book of the catalogue", e.Value)
	}
	return string(e.Code)
}

func (e *RowError) sameReason(what string) string {
	if e.OtherLine == 0 {
		return "another row has the same " + what
	}
	return fmt.Sprintf("lines %d and %d have the same %s", e.OtherLine, e.Line, what)
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason()) }
