package database

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"literank.com/event-books/domain/model"
)

// bookRow has the columns of a row that are shown. If another program left one
// NULL, it reads as its zero value.
type bookRow struct {
	ID          uint `gorm:"primaryKey"`
	Title       string
	Author      string
	PublishedAt string
	Description string
	// CreatedAt is set by our code. The tutorial's column stores it in the time zone
	// of the DSN.
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	ISBN         *string   `gorm:"column:isbn"`
	Language     string
	Publisher    string
	Subjects     string // a JSON array, or empty
	Series       string
	Edition      string
	Price        string
	Currency     string
	Stock        *int
	Availability string
	BuyURL       string `gorm:"column:buy_url"`
	CoverURL     string `gorm:"column:cover_url"`
	// Popularity and AuthorAliases are set by imports only.
	Popularity    int64
	AuthorAliases string // a JSON array, or empty
	// Version is that of the book's last change, or NULL, which reads as 0, if it is
	// older than the stream of changes.
	Version int64
}

func (bookRow) TableName() string { return "books" }

// foldedRow has the columns that searches use. fold computes them from the book.
type foldedRow struct {
	Year       *int
	SearchText string
	// TitleFolded is for sorting and ranking.
	TitleFolded string
	// AuthorsFolded and SubjectsFolded have one item on each line, with a line
	// break before the first and after the last, so that a filter finds whole items.
	AuthorsFolded  string
	SubjectsFolded string
	// SearchHash is the sourceHash of the book that was folded.
	SearchHash []byte
}

// identityRow has the columns by which an import recognises a book.
type identityRow struct {
	Source      *string
	ExternalID  *string `gorm:"column:external_id"`
	Fingerprint digestColumn
}

// digestColumn is stored as NULL if it is empty. SQLite's driver alone would store
// an empty value.
type digestColumn []byte

func (d digestColumn) Value() (driver.Value, error) {
	if len(d) == 0 {
		return nil, nil
	}
	return []byte(d), nil
}

// storedRow has all columns that our code writes.
type storedRow struct {
	Shown    bookRow     `gorm:"embedded"`
	Folded   foldedRow   `gorm:"embedded"`
	Identity identityRow `gorm:"embedded"`
}

func (storedRow) TableName() string { return "books" }

func (r *bookRow) book() *model.Book {
	b := &model.Book{
		ID: r.ID, Title: r.Title, Author: r.Author, PublishedAt: r.PublishedAt, Description: r.Description,
		CreatedAt: r.CreatedAt.UTC(), Language: r.Language, Publisher: r.Publisher, Series: r.Series,
		Edition: r.Edition, Price: r.Price, Currency: r.Currency, Stock: r.Stock,
		Availability: model.Availability(r.Availability), BuyURL: r.BuyURL, CoverURL: r.CoverURL, Version: r.Version,
		Popularity: r.Popularity, Subjects: readList(r.Subjects), AuthorAliases: readList(r.AuthorAliases),
	}
	if r.ISBN != nil {
		b.ISBN = *r.ISBN
	}
	return b
}

// readList reads a column that is a JSON array or empty.
func readList(column string) (list []string) {
	if column != "" && json.Unmarshal([]byte(column), &list) != nil {
		return []string{column} // another program wrote plain text there
	}
	return list
}

func writeList(list []string) (column string, err error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func newRow(b *model.Book) (*storedRow, error) {
	subjects, err := writeList(b.Subjects)
	if err != nil {
		return nil, fmt.Errorf("write subjects: %w", err)
	}
	aliases, err := writeList(b.AuthorAliases)
	if err != nil {
		return nil, fmt.Errorf("write author aliases: %w", err)
	}
	row := &storedRow{Folded: fold(b), Shown: bookRow{
		ID: b.ID, Title: b.Title, Author: b.Author, PublishedAt: b.PublishedAt, Description: b.Description,
		CreatedAt: b.CreatedAt, Language: b.Language, Publisher: b.Publisher, Series: b.Series,
		Edition: b.Edition, Price: b.Price, Currency: b.Currency, Stock: b.Stock,
		Availability: string(b.Availability), BuyURL: b.BuyURL, CoverURL: b.CoverURL,
		Popularity: b.Popularity, Subjects: subjects, AuthorAliases: aliases,
	}}
	if b.ISBN != "" {
		row.Shown.ISBN = &b.ISBN
	}
	return row, nil
}

// statementSize is an upper bound of the row's share of an INSERT, in bytes. A byte of
// a text may need an escape.
func (r *storedRow) statementSize() int {
	const otherColumns = 1000
	shown, folded := &r.Shown, &r.Folded
	texts := len(shown.Title) + len(shown.Author) + len(shown.PublishedAt) + len(shown.Description) + len(shown.Publisher) +
		len(shown.Subjects) + len(shown.Series) + len(shown.Edition) + len(shown.BuyURL) + len(shown.CoverURL) + len(shown.AuthorAliases) +
		len(folded.SearchText) + len(folded.TitleFolded) + len(folded.AuthorsFolded) + len(folded.SubjectsFolded)
	for _, text := range []*string{r.Identity.Source, r.Identity.ExternalID} {
		if text != nil {
			texts += len(*text)
		}
	}
	return otherColumns + 2*texts
}

func fold(b *model.Book) foldedRow {
	title, author := model.Fold(b.Title), model.Fold(b.Author)
	authors := []string{author}
	for name := range strings.SplitSeq(author, strings.TrimSpace(model.AuthorSeparator)) {
		if name = strings.TrimSpace(name); name != "" && name != author {
			authors = append(authors, name)
		}
	}
	subjects := make([]string, len(b.Subjects))
	for i, subject := range b.Subjects {
		subjects[i] = model.Fold(subject)
	}
	hash := sourceHash(b)
	row := foldedRow{
		SearchText:     strings.Join([]string{title, author, b.ISBN, model.Fold(b.Description)}, "\n"),
		TitleFolded:    title,
		AuthorsFolded:  lines(authors),
		SubjectsFolded: lines(subjects),
		SearchHash:     hash[:],
	}
	if year, ok := b.Year(); ok {
		row.Year = &year
	}
	return row
}

func lines(items []string) string {
	return "\n" + strings.Join(items, "\n") + "\n"
}

// foldVersion changes whenever fold returns something else for the same book. The
// sweep then folds every row again.
const foldVersion = "1"

// sourceHash covers the columns that other programs write. changedSQL computes the
// same hash.
func sourceHash(b *model.Book) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{foldVersion, b.Title, b.Author, b.PublishedAt, b.Description}, "\x00")))
}

// changedSQL matches the rows that have changed since they were folded (MySQL and
// MariaDB).
const changedSQL = `search_hash <> UNHEX(SHA2(CONCAT_WS(CHAR(0), '` + foldVersion + `',
	COALESCE(CONVERT(title USING utf8mb4), ''), COALESCE(CONVERT(author USING utf8mb4), ''),
	COALESCE(CONVERT(published_at USING utf8mb4), ''), COALESCE(CONVERT(description USING utf8mb4), '')), 256))`
