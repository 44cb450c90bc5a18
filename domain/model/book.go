// Package model holds the shop's terms: books, searches and their events. It must
// not know databases, brokers or HTTP, and imports no other package of this
// module.
package model

import (
	"strconv"
	"strings"
	"time"
)

// Book is one title on sale. Consumers of the event's value rely on the names and
// the order of the first six fields. JSON omits the others when they are empty.
type Book struct {
	ID    uint   `json:"id"`
	Title string `json:"title"`
	// Author names the authors, separated by AuthorSeparator, as shoppers see them.
	Author string `json:"author"`
	// PublishedAt is a year, a year and month, or a date, as the source gave it.
	PublishedAt string    `json:"published_at"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`

	// ISBN is an ISBN-13 of 13 digits, without hyphens.
	ISBN string `json:"isbn,omitempty"`
	// Language is a BCP 47 tag.
	Language  string   `json:"language,omitempty"`
	Publisher string   `json:"publisher,omitempty"`
	Subjects  []string `json:"subjects,omitempty"`
	Series    string   `json:"series,omitempty"`
	Edition   string   `json:"edition,omitempty"`
	// Price is a decimal number such as "12.90", in Currency (ISO 4217).
	Price    string `json:"price,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Stock is the number of copies in the shop, nil if unknown.
	Stock        *int         `json:"stock,omitempty"`
	Availability Availability `json:"availability,omitempty"`
	// BuyURL and CoverURL are absolute http or https addresses.
	BuyURL   string `json:"buy_url,omitempty"`
	CoverURL string `json:"cover_url,omitempty"`

	// Version is that of the book's last Change, or 0 if there was none.
	Version int64 `json:"-"`
	// Popularity counts ratings or downloads, as the source gave them, or is 0. It ranks
	// results.
	Popularity int64 `json:"-"`
	// AuthorAliases are other names of the authors.
	AuthorAliases []string `json:"-"`
}

// Availability says whether a shopper can have the book.
type Availability string

const (
	InStock     Availability = "in_stock"
	ToOrder     Availability = "to_order"
	Unavailable Availability = "unavailable"
)

// AuthorSeparator separates two authors in Book.Author.
const AuthorSeparator = ", "

// Authors returns the names in Author.
func (b *Book) Authors() []string {
	if b.Author == "" {
		return nil
	}
	return strings.Split(b.Author, AuthorSeparator)
}

// InStock reports whether the shop has the book.
func (b *Book) InStock() bool {
	if b.Availability != "" {
		return b.Availability == InStock
	}
	return b.Stock != nil && *b.Stock > 0
}

// Year returns the year at the beginning of PublishedAt, and whether there is one.
// A negative year is before the common era.
func (b *Book) Year() (int, bool) {
	s := strings.TrimSpace(b.PublishedAt)
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[0] == '-') {
		end++
	}
	year, err := strconv.Atoi(s[:end])
	if err != nil || year < -9999 || year > 9999 {
		return 0, false
	}
	return year, true
}
