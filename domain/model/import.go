package model

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

// MaxImportBatch is how many rows are taken into the catalogue at once.
const MaxImportBatch = 1000

// Field is one field of a Book that a file may carry.
type Field uint32

const (
	TitleField Field = 1 << iota
	AuthorField
	PublishedAtField
	DescriptionField
	ISBNField
	LanguageField
	PublisherField
	SubjectsField
	SeriesField
	EditionField
	PriceField
	CurrencyField
	StockField
	AvailabilityField
	BuyURLField
	CoverURLField
)

// ImportRow is one book as a file has it.
type ImportRow struct {
	// Line is the line that the row begins at, from 1.
	Line int
	Book Book
	// Fields are those that the file has a place for. The others are left as
	// they are in a book that exists.
	Fields Field
	// Source and ExternalID name the book in the catalogue it comes from;
	// both or neither are empty.
	Source, ExternalID string
	// Fingerprint identifies a row that has neither an ExternalID nor an ISBN.
	Fingerprint [32]byte
	// Notes tell what of the row was dropped or mended. Each begins with its
	// kind, up to the first colon: "isbn dropped: …".
	Notes []string
}

// SetFingerprint identifies the row by folded title, authors and year, and by
// its ordinal (from 0) among the rows of the file that are equal in these.
func (r *ImportRow) SetFingerprint(ordinal int) {
	year := ""
	if y, ok := r.Book.Year(); ok {
		year = strconv.Itoa(y)
	}
	r.Fingerprint = sha256.Sum256([]byte(strings.Join([]string{
		Fold(r.Book.Title), Fold(r.Book.Author), year, strconv.Itoa(ordinal),
	}, "\x00")))
}

// RowError rejects one row of a file and says why; the rows after it are
// read on.
type RowError struct {
	// Line is the line that the row begins at, from 1.
	Line   int
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ImportOutcome tells what became of a row.
type ImportOutcome int

const (
	Created ImportOutcome = iota
	Updated
	Unchanged
	Rejected
)

// ImportResult is the outcome of one row, with the reason if it was rejected.
type ImportResult struct {
	Outcome ImportOutcome
	Reason  string
}
