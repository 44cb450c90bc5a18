package model

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"time"
)

// MaxImportBatch is the largest number of rows that are imported at once.
const MaxImportBatch = 1000

// Field is a set of fields of a Book.
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
	PopularityField
	AuthorAliasesField
)

// ImportRow is one row of a file of books.
type ImportRow struct {
	// Line is the number of the row's first line, from 1. Text is the row as it
	// stands in the file.
	Line int
	Text []byte
	Book Book
	// Fields are the fields of Book that the row sets. An import leaves the
	// other fields of an existing book as they are.
	Fields Field
	// Source and ExternalID identify the book in the catalogue that it comes
	// from. Either both are set or neither.
	Source, ExternalID string
	// Fingerprint identifies the book of a row without ExternalID and ISBN.
	// Ordinal is the number of earlier rows of the file with the same
	// fingerprint.
	Fingerprint Fingerprint
	Ordinal     int
	// Turned is the author line in another reading: the "A, B" at the beginning of
	// Book.Author can be two authors, or one whose name is "B A". It is empty if
	// there is no doubt.
	Turned string
	// FormerISBN and Alternatives are the identities under which an earlier import
	// may have stored the row, because it read the row differently. FormerISBN is
	// empty if the ISBN was the same.
	FormerISBN   string
	Alternatives []Alternative
	// Delete removes the book from the catalogue. Book and Fields don't matter
	// then.
	Delete bool
	// Notes describe what was dropped from the row or corrected. The text up to
	// the first colon is the kind of the note: "isbn dropped: …".
	Notes []string
}

// Reject returns the error that rejects the row.
func (r *ImportRow) Reject(code RowCode) *RowError {
	return &RowError{Line: r.Line, Text: r.Text, Code: code}
}

// Alternative is another fingerprint under which a row's book may be stored. Ordinal counts
// the earlier rows of the file that leave a book with this fingerprint.
type Alternative struct {
	Fingerprint Fingerprint
	Ordinal     int
}

// Fingerprint is a SHA-256. Its zero value means that there is none.
type Fingerprint [sha256.Size]byte

// NewFingerprint hashes the folded title, the folded authors and the year.
func NewFingerprint(b *Book) Fingerprint {
	year := ""
	if y, ok := b.Year(); ok {
		year = strconv.Itoa(y)
	}
	return sha256.Sum256([]byte(strings.Join([]string{Fold(b.Title), Fold(b.Author), year}, "\x00")))
}

// ImportProgress is the progress of an import.
type ImportProgress struct {
	// File identifies the imported file and the options of its import.
	File string
	// ImportCounts counts the finished rows: the first Rows rows of the file.
	// Digest is a SHA-256 of their text.
	ImportCounts
	Digest [sha256.Size]byte
	// Kept is the size of the rejected ones among them, in their own file, in
	// bytes.
	Kept int64
	// SavedAt is set by the ImportLog.
	SavedAt time.Time
}

// ImportCounts counts rows by their outcome.
type ImportCounts struct {
	// Rows is the sum of the others.
	Rows, Created, Updated, Unchanged, Deleted, Rejected int
}

// Count adds one row.
func (c *ImportCounts) Count(outcome ImportOutcome) {
	c.Rows++
	switch outcome {
	case Created:
		c.Created++
	case Updated:
		c.Updated++
	case Unchanged:
		c.Unchanged++
	case Deleted:
		c.Deleted++
	case Rejected:
		c.Rejected++
	}
}

// ImportOutcome is what an import did with a row.
type ImportOutcome int

const (
	Created ImportOutcome = iota
	Updated
	Unchanged
	Deleted
	Rejected
)

// ImportResult is the outcome of one row. Error is set if the row was Rejected.
type ImportResult struct {
	Outcome ImportOutcome
	Error   *RowError
}
