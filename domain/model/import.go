package model

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
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
	// Line is the line that the row begins at, from 1, and Text the row as it
	// stands in the file.
	Line int
	Text []byte
	Book Book
	// Fields are those that the row has a place for. The others are left as
	// they are in a book that exists.
	Fields Field
	// Source and ExternalID name the book in the catalogue it comes from;
	// both or neither are empty.
	Source, ExternalID string
	// Fingerprint recognises a row that has neither an ExternalID nor an ISBN;
	// Ordinal counts, from 0, the rows of the file that have the same.
	Fingerprint Fingerprint
	Ordinal     int
	// Delete takes the book out of the catalogue; what else the row says of it
	// doesn't matter.
	Delete bool
	// Notes tell what of the row was dropped or mended. Each begins with its
	// kind, up to the first colon: "isbn dropped: …".
	Notes []string
}

// Fingerprint is a SHA-256; zero where there is none.
type Fingerprint [sha256.Size]byte

// NewFingerprint is made of folded title, authors and year.
func NewFingerprint(b *Book) Fingerprint {
	year := ""
	if y, ok := b.Year(); ok {
		year = strconv.Itoa(y)
	}
	return sha256.Sum256([]byte(strings.Join([]string{Fold(b.Title), Fold(b.Author), year}, "\x00")))
}

// RowError rejects one row of a file and says why; the rows after it are
// read on.
type RowError struct {
	// Line is the line that the row begins at, from 1, and Text the row as it
	// stands in the file.
	Line   int
	Text   []byte
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ImportProgress is how far an import has come.
type ImportProgress struct {
	// File names the file that is imported.
	File string
	// ImportCounts is of the file's first Rows rows, which are done with;
	// Digest is a SHA-256 of their text.
	ImportCounts
	Digest [sha256.Size]byte
	// Kept is how much of the rejected rows' own file belongs to them, in bytes.
	Kept int64
	// SavedAt is set by the one who keeps it.
	SavedAt time.Time
}

// ImportCounts counts what became of rows.
type ImportCounts struct {
	// Rows = Created + Updated + Unchanged + Deleted + Rejected, always.
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

// ImportOutcome tells what became of a row.
type ImportOutcome int

const (
	Created ImportOutcome = iota
	Updated
	Unchanged
	Deleted
	Rejected
)

// ImportResult is the outcome of one row, with the reason if it was rejected.
type ImportResult struct {
	Outcome ImportOutcome
	Reason  string
}
