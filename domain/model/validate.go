package model

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/currency"
)

// MaxDescription is the length of the longest description, in code points.
const MaxDescription = 100_000

const (
	// maxLine limits every text except the description, in code points.
	maxLine     = 1000
	maxSubjects = 200
	maxStock    = 1<<31 - 1
)

var (
	publishedAt = regexp.MustCompile(`^-?\d{1,4}(-\d{2})?(-\d{2})?$`)
	price       = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)
)

// Validate brings the fields to their canonical form: ISBN with 13 digits,
// language as BCP 47, white space trimmed. It returns an Error of code Invalid
// that names the first invalid field.
func (b *Book) Validate() error {
	for _, field := range []func(*Book) error{
		(*Book).validateTexts, (*Book).validatePublishedAt, (*Book).validateISBN, (*Book).validateLanguage,
		(*Book).validateSubjects, (*Book).validatePrice, (*Book).validateStock, (*Book).validateLinks,
	} {
		if err := field(b); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) validateTexts() error {
	for _, line := range []struct {
		name  string
		value *string
	}{
		{"title", &b.Title}, {"author", &b.Author}, {"publisher", &b.Publisher},
		{"series", &b.Series}, {"edition", &b.Edition},
	} {
		if err := validateText(line.name, line.value, maxLine, false); err != nil {
			return err
		}
	}
	if b.Title == "" {
		return Errorf(Invalid, "title", "is required")
	}
	return validateText("description", &b.Description, MaxDescription, true)
}

func (b *Book) validatePublishedAt() error {
	b.PublishedAt = strings.TrimSpace(b.PublishedAt)
	if b.PublishedAt != "" && !validDate(b.PublishedAt) {
		return Errorf(Invalid, "published_at", "must be a year, a month (2001-02) or a date (2001-02-28)")
	}
	return nil
}

func (b *Book) validateISBN() error {
	if b.ISBN == "" {
		return nil
	}
	isbn, ok := ParseISBN(b.ISBN)
	if !ok {
		return Errorf(Invalid, "isbn", "is not a valid ISBN-10 or ISBN-13")
	}
	b.ISBN = isbn
	return nil
}

func (b *Book) validateLanguage() error {
	if b.Language == "" {
		return nil
	}
	tag, err := ParseLanguage(b.Language)
	if err != nil {
		return Errorf(Invalid, "language", "is not a BCP 47 language tag")
	}
	b.Language = tag
	return nil
}

func (b *Book) validateSubjects() error {
	if len(b.Subjects) > maxSubjects {
		return Errorf(Invalid, "subjects", "are more than %d", maxSubjects)
	}
	for i := range b.Subjects {
		if err := validateText("subjects", &b.Subjects[i], maxLine, false); err != nil {
			return err
		}
		if b.Subjects[i] == "" {
			return Errorf(Invalid, "subjects", "contain an empty one")
		}
	}
	return nil
}

func (b *Book) validatePrice() error {
	if b.Price != "" && !price.MatchString(b.Price) {
		return Errorf(Invalid, "price", `must be a decimal number such as "12.90"`)
	}
	if b.Currency == "" {
		return nil
	}
	unit, err := currency.ParseISO(b.Currency)
	if err != nil {
		return Errorf(Invalid, "currency", "is not an ISO 4217 code")
	}
	b.Currency = unit.String()
	return nil
}

func (b *Book) validateStock() error {
	if b.Stock != nil && (*b.Stock < 0 || *b.Stock > maxStock) {
		return Errorf(Invalid, "stock", "must be a whole number from 0 to %d", maxStock)
	}
	switch b.Availability {
	case "", InStock, ToOrder, Unavailable:
		return nil
	}
	return Errorf(Invalid, "availability", "must be one of in_stock, to_order, unavailable")
}

func (b *Book) validateLinks() error {
	for _, link := range []struct{ name, address string }{{"buy_url", b.BuyURL}, {"cover_url", b.CoverURL}} {
		if link.address != "" && !validURL(link.address) {
			return Errorf(Invalid, link.name, "must be an absolute http or https address")
		}
	}
	return nil
}

// validDate accepts 29 February in every year: an old date doesn't tell its
// calendar, so nobody knows whether its year was a leap year.
func validDate(s string) bool {
	parts := publishedAt.FindStringSubmatch(s)
	if parts == nil {
		return false
	}
	month, day := parts[1], parts[2]
	if month == "" {
		month = "-01"
	}
	if day == "" {
		day = "-01"
	}
	_, err := time.Parse("-01-02", month+day)
	return err == nil
}

// validateText trims *s and checks that it is text of at most most code points.
// Only a long text may have line breaks and tabs.
func validateText(field string, s *string, most int, long bool) error {
	*s = strings.TrimSpace(*s)
	if !utf8.ValidString(*s) {
		return Errorf(Invalid, field, "is not valid UTF-8")
	}
	if utf8.RuneCountInString(*s) > most {
		return Errorf(Invalid, field, "is longer than %d characters", most)
	}
	for _, r := range *s {
		if unicode.IsControl(r) && !(long && (r == '\n' || r == '\r' || r == '\t')) {
			return Errorf(Invalid, field, "contains a control character")
		}
	}
	return nil
}

func validURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && !strings.ContainsFunc(address, unicode.IsControl) && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(address) <= 2000
}
