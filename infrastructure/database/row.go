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

// bookRow is the part of a row that is shown. Columns that hold NULL in rows
// of other programs read as zero values.
type bookRow struct {
	ID          uint `gorm:"primaryKey"`
	Title       string
	Author      string
	PublishedAt string
	Description string
	// CreatedAt is set by our code: in the tutorial's column it has the time
	// zone that the DSN says.
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
}

func (bookRow) TableName() string { return "books" }

// foldedRow is the part that searches look at, made of the shown part by fold.
type foldedRow struct {
	Year       *int
	SearchText string
	// TitleFolded sorts and ranks.
	TitleFolded string
	// AuthorsFolded and SubjectsFolded hold one item a line, with a line
	// break before the first and after the last, so that a filter finds
	// whole items.
	AuthorsFolded  string
	SubjectsFolded string
	// SearchHash tells of what the folded part was made, see sourceHash.
	SearchHash []byte
}

// identityRow is by what an import recognises a book.
type identityRow struct {
	Source      *string
	ExternalID  *string `gorm:"column:external_id"`
	Fingerprint digestColumn
}

// digestColumn is NULL when empty; SQLite's driver would write an empty value.
type digestColumn []byte

func (d digestColumn) Value() (driver.Value, error) {
	if len(d) == 0 {
		return nil, nil
	}
	return []byte(d), nil
}

// storedRow is all that our code writes.
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
		Availability: model.Availability(r.Availability), BuyURL: r.BuyURL, CoverURL: r.CoverURL,
	}
	if r.ISBN != nil {
		b.ISBN = *r.ISBN
	}
	if r.Subjects != "" && json.Unmarshal([]byte(r.Subjects), &b.Subjects) != nil {
		b.Subjects = []string{r.Subjects} // another program wrote plain text there
	}
	return b
}

func newRow(b *model.Book) (*storedRow, error) {
	row := &storedRow{Folded: fold(b), Shown: bookRow{
		ID: b.ID, Title: b.Title, Author: b.Author, PublishedAt: b.PublishedAt, Description: b.Description,
		CreatedAt: b.CreatedAt, Language: b.Language, Publisher: b.Publisher, Series: b.Series,
		Edition: b.Edition, Price: b.Price, Currency: b.Currency, Stock: b.Stock,
		Availability: string(b.Availability), BuyURL: b.BuyURL, CoverURL: b.CoverURL,
	}}
	if b.ISBN != "" {
		row.Shown.ISBN = &b.ISBN
	}
	if len(b.Subjects) > 0 {
		subjects, err := json.Marshal(b.Subjects)
		if err != nil {
			return nil, fmt.Errorf("write subjects: %w", err)
		}
		row.Shown.Subjects = string(subjects)
	}
	return row, nil
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

// foldVersion is raised when fold makes something else of the same book; the
// sweep then folds every row anew.
const foldVersion = "1"

// sourceHash is compared with changedSQL: it covers the columns that other
// programs write.
func sourceHash(b *model.Book) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{foldVersion, b.Title, b.Author, b.PublishedAt, b.Description}, "\x00")))
}

// changedSQL finds rows whose folded part was made of something else than
// they hold now (MySQL and MariaDB).
const changedSQL = `search_hash <> UNHEX(SHA2(CONCAT_WS(CHAR(0), '` + foldVersion + `',
	COALESCE(CONVERT(title USING utf8mb4), ''), COALESCE(CONVERT(author USING utf8mb4), ''),
	COALESCE(CONVERT(published_at USING utf8mb4), ''), COALESCE(CONVERT(description USING utf8mb4), '')), 256))`
