package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

// A record is what a file has of one book, before anything is checked.
type record struct {
	line   int
	fields model.Field
	values [slotCount]value
}

// A value is a text or, from JSON, a list.
type value struct {
	text string
	// items is nil unless the file has a list.
	items []string
}

// split returns the items of a list, or the parts of a text that holds
// several, separated by semicolons or bars.
func (v value) split() []string {
	if v.items != nil {
		return v.items
	}
	return strings.FieldsFunc(v.text, func(r rune) bool { return r == ';' || r == '|' })
}

// reject returns the *model.RowError of a line.
func reject(line int, format string, args ...any) error {
	return &model.RowError{Line: line, Reason: fmt.Sprintf(format, args...)}
}

// importRow makes a valid row of the record, or rejects it. What a book can
// do without is dropped with a note if it is wrong.
func (r *record) importRow(source string) (*model.ImportRow, error) {
	b := &builder{
		record: r,
		row:    &model.ImportRow{Line: r.line, Fields: r.fields},
	}
	book := &b.row.Book
	book.Title = cmp.Or(b.text(titleSlot), b.text(originalTitleSlot))
	if book.Title == "" {
		return nil, reject(r.line, "the book has no title")
	}
	book.Author = b.author()
	book.ISBN = b.isbn()
	book.PublishedAt = date(b.text(publishedAtSlot))
	book.Description = b.description()
	book.Language = b.language()
	book.Publisher = b.text(publisherSlot)
	book.Subjects = b.subjects()
	book.Series = b.text(seriesSlot)
	book.Edition = b.text(editionSlot)
	book.Price = b.text(priceSlot)
	book.Currency = b.text(currencySlot)
	book.Stock = b.stock()
	book.Availability = model.Availability(strings.ReplaceAll(model.Fold(b.text(availabilitySlot)), " ", "_"))
	book.BuyURL = b.text(buyURLSlot)
	book.CoverURL = b.text(coverURLSlot)
	if err := b.validate(); err != nil {
		return nil, reject(r.line, "%s", err)
	}
	if id := b.text(idSlot); utf8.RuneCountInString(id) > maxID {
		return nil, reject(r.line, "id: is longer than %d characters", maxID)
	} else if id != "" {
		b.row.Source, b.row.ExternalID = source, id
	}
	return b.row, nil
}

// builder cleans the values of one record and notes what it drops.
type builder struct {
	record *record
	row    *model.ImportRow
}

func (b *builder) note(format string, args ...any) {
	b.row.Notes = append(b.row.Notes, fmt.Sprintf(format, args...))
}

// text returns the text of a slot on one line.
func (b *builder) text(s slot) string {
	return b.clean(s, b.record.values[s].text)
}

// clean makes one line of s: white space collapsed, control characters dropped.
func (b *builder) clean(s slot, text string) string {
	return strings.Join(strings.Fields(b.dropControls(s, text, unicode.IsSpace)), " ")
}

// dropControls drops control characters other than those kept.
func (b *builder) dropControls(s slot, text string, keep func(rune) bool) string {
	drop := func(r rune) bool { return unicode.IsControl(r) && !keep(r) }
	if strings.IndexFunc(text, drop) < 0 {
		return text
	}
	b.note("%s cleaned: it had control characters", slots[s].name)
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, text)
}

func (b *builder) description() string {
	text := b.dropControls(descriptionSlot, b.record.values[descriptionSlot].text, func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\t'
	})
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) <= model.MaxDescription {
		return text
	}
	b.note("description cut: it was longer than %d characters", model.MaxDescription)
	return string([]rune(text)[:model.MaxDescription])
}

// author joins the authors. Only those of a list have their names turned: a
// comma in a text may as well stand between two authors.
func (b *builder) author() string {
	v := b.record.values[authorSlot]
	var authors []string
	for _, name := range v.split() {
		name = b.clean(authorSlot, name)
		if v.items != nil {
			name = turnName(name)
		}
		if name != "" {
			authors = append(authors, name)
		}
	}
	return strings.Join(authors, model.AuthorSeparator)
}

func (b *builder) subjects() []string {
	var subjects []string
	seen := map[string]bool{"": true}
	for _, subject := range b.record.values[subjectsSlot].split() {
		subject = b.clean(subjectsSlot, subject)
		if !seen[subject] {
			seen[subject] = true
			subjects = append(subjects, subject)
		}
	}
	return subjects
}

func (b *builder) language() string {
	if languages := b.record.values[languageSlot].split(); len(languages) > 0 {
		return b.clean(languageSlot, languages[0])
	}
	return ""
}

// isbn returns the first valid one. A wrong one beside it doesn't matter.
func (b *builder) isbn() string {
	wrong := ""
	for _, s := range []slot{isbnSlot, isbn13Slot, isbn10Slot} {
		text := b.text(s)
		if isbn, ok := model.ParseISBN(text); ok {
			return isbn
		}
		wrong = cmp.Or(wrong, text)
	}
	if wrong != "" {
		b.note("isbn dropped: %s is not a valid ISBN-10 or ISBN-13", show(wrong))
	}
	return ""
}

func (b *builder) stock() *int {
	text := b.text(stockSlot)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(withoutFraction(text))
	if err != nil {
		b.note("stock dropped: %s is not a whole number", show(text))
		return nil
	}
	return &n
}

// validate drops, one after the other, the fields that a book can do without
// and that are not valid.
func (b *builder) validate() error {
	for {
		err := b.row.Book.Validate()
		var invalid *model.Error
		if !errors.As(err, &invalid) {
			return err
		}
		book := &b.row.Book
		var text *string
		switch invalid.Field {
		case "published_at":
			text = &book.PublishedAt
		case "language":
			text = &book.Language
		case "price":
			text = &book.Price
		case "currency":
			text = &book.Currency
		case "availability":
			text = (*string)(&book.Availability)
		case "buy_url":
			text = &book.BuyURL
		case "cover_url":
			text = &book.CoverURL
		case "stock":
			stock := strconv.Itoa(*book.Stock)
			book.Stock, text = nil, &stock
		default:
			return err
		}
		b.note("%s dropped: %s %s", invalid.Field, show(*text), invalid.Message)
		*text = ""
	}
}

var (
	zeroFraction = regexp.MustCompile(`^(-?\d+)\.0+$`)
	timeOfDay    = regexp.MustCompile(`^(-?\d{1,4}-\d{2}-\d{2})[T ]\d{2}:.*$`)
)

// withoutFraction makes 2008 of 2008.0: spreadsheets and data frames turn
// whole numbers with gaps between them into decimal ones.
func withoutFraction(number string) string {
	return zeroFraction.ReplaceAllString(number, "$1")
}

// date leaves of a time its date.
func date(text string) string {
	return timeOfDay.ReplaceAllString(withoutFraction(text), "$1")
}

// show quotes text from a file for a message, if it is long its beginning.
func show(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return strconv.Quote(string([]rune(text)[:most]) + "…")
	}
	return strconv.Quote(text)
}
