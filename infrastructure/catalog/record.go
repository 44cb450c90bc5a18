package catalog

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"literank.com/event-books/domain/model"
)

// A record holds the values of one row, before they are checked.
type record struct {
	line int
	// text is the row as it stands in the file, in UTF-8.
	text   []byte
	fields model.Field
	values [slotCount]value
	// exported is set if an export wrote the record. It is read literally.
	exported bool
	delete   bool
	// partial is set if the record changes a book. It needs no title.
	partial bool
	// notes are the notes of the format's reader.
	notes []string
	// before is set in a file of rejected rows.
	before rejection
}

func (r *record) reject(code model.RowCode) error {
	return &model.RowError{Line: r.line, Text: r.text, Code: code}
}

// rejectf is for codes that have no sentence of their own.
func (r *record) rejectf(code model.RowCode, format string, args ...any) error {
	return &model.RowError{Line: r.line, Text: r.text, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// A value is a text or, from JSON, a list.
type value struct {
	text string
	// items is nil unless the file has a list.
	items []string
	// spoken is set if the items are names in spoken order.
	spoken bool
}

// split returns the items of a list, or the parts of a text that semicolons or
// bars separate.
func (v value) split() []string {
	if v.items != nil {
		return v.items
	}
	return strings.FieldsFunc(v.text, func(r rune) bool { return r == ';' || r == '|' || r == '；' })
}

// importRow turns the record into a valid row, or rejects it. If a value that a
// book can do without is wrong, it is dropped with a note. The import then leaves
// that field of an existing book as it is.
func (r *record) importRow(source string, inverted bool) (*model.ImportRow, error) {
	b := &builder{
		record: r,
		row:    &model.ImportRow{Line: r.line, Text: r.text, Fields: r.fields, Delete: r.delete, Notes: r.notes},
	}
	book := &b.row.Book
	book.Title = cmp.Or(b.text(titleSlot), b.text(originalTitleSlot))
	if book.Title == "" && !r.delete && !r.partial && !r.exported {
		return nil, r.reject(model.RowNoTitle)
	}
	book.Author = b.author(inverted)
	book.ISBN = b.isbn()
	book.PublishedAt = b.publishedAt()
	book.Description = b.description()
	book.Language = b.language()
	book.Publisher = b.text(publisherSlot)
	book.Subjects = b.subjects()
	book.Series = b.text(seriesSlot)
	book.Edition = b.text(editionSlot)
	book.Price = b.price()
	book.Currency = b.text(currencySlot)
	book.Stock = b.stock()
	book.Availability = model.Availability(strings.ReplaceAll(model.Fold(b.text(availabilitySlot)), " ", "_"))
	book.BuyURL = b.text(buyURLSlot)
	book.CoverURL = b.text(coverURLSlot)
	if err := b.validate(); err != nil && !r.delete {
		return nil, r.rejectf(model.RowInvalid, "%s", err)
	}
	if id := b.text(idSlot); utf8.RuneCountInString(id) > maxID {
		return nil, r.rejectf(model.RowInvalid, "id: is longer than %d characters", maxID)
	} else if id != "" && source != "" {
		b.row.Source, b.row.ExternalID = source, id
	}
	if r.exported {
		if err := b.identity(); err != nil {
			return nil, err
		}
	}
	if r.before.stillHolds(book.ISBN, b.row.ExternalID) {
		return nil, &model.RowError{Line: r.line, Text: r.text, Code: r.before.code, Value: r.before.value, Detail: r.before.reason}
	}
	if r.delete && b.row.ExternalID == "" && book.ISBN == "" {
		return nil, r.reject(model.RowNoIdentity)
	}
	return b.row, nil
}

// builder cleans the values of a record and notes those that it drops.
type builder struct {
	record *record
	row    *model.ImportRow
}

func (b *builder) note(format string, args ...any) {
	b.row.Notes = append(b.row.Notes, fmt.Sprintf(format, args...))
}

// text returns the text of a slot as one line.
func (b *builder) text(s slot) string {
	return b.clean(s, b.record.values[s].text)
}

// identity reads the columns of an export that identify a book.
func (b *builder) identity() error {
	b.row.Source, b.row.ExternalID = "", ""
	source, id := b.record.values[idSourceSlot].text, b.record.values[idSlot].text
	if (source == "") != (id == "") || utf8.RuneCountInString(source) > maxID {
		return b.record.rejectf(model.RowInvalid, "%s and id: both belong to a book, at most %d characters each, or neither", slots[idSourceSlot].columns[0], maxID)
	}
	b.row.Source, b.row.ExternalID = source, id
	if text := b.record.values[fingerprintSlot].text; text != "" {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != len(b.row.Fingerprint) {
			return b.record.rejectf(model.RowInvalid, "fingerprint: is not one that an export wrote")
		}
		b.row.Fingerprint = model.Fingerprint(sum)
	}
	return nil
}

// clean turns text into one line: it collapses white space and drops control
// characters.
func (b *builder) clean(s slot, text string) string {
	if b.record.exported {
		return text
	}
	return strings.Join(strings.Fields(b.dropControls(s, text, unicode.IsSpace)), " ")
}

// dropControls drops control characters, except those that keep accepts.
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
	if b.record.exported {
		return b.record.values[descriptionSlot].text
	}
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

// author joins the authors.
func (b *builder) author(inverted bool) string {
	v := b.record.values[authorSlot]
	if b.record.exported {
		return v.text
	}
	names := v.items
	if names == nil {
		names = splitAuthors(v.text, inverted)
	}
	var authors []string
	for _, name := range names {
		name = b.clean(authorSlot, name)
		if v.items != nil && !v.spoken {
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
	v := b.record.values[subjectsSlot]
	if b.record.exported && strings.HasPrefix(v.text, "[") {
		if err := json.Unmarshal([]byte(v.text), &v.items); err != nil {
			b.dropped(model.SubjectsField)
			b.note("subjects dropped: %s is no list", show(v.text))
			return nil
		}
	}
	for _, subject := range v.split() {
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

// isbn returns the first valid ISBN. A wrong one beside it doesn't matter.
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
		b.dropped(model.StockField)
		b.note("stock dropped: %s is not a whole number", show(text))
		return nil
	}
	return &n
}

// price also reads the notation of most of Europe: "1.234,50".
func (b *builder) price() string {
	text := b.text(priceSlot)
	if !b.record.exported && europeanPrice.MatchString(text) {
		text = strings.NewReplacer(".", "", " ", "", ",", ".").Replace(text)
	}
	return text
}

// publishedAt keeps the date of a time and turns 28.2.2001 into 2001-02-28.
func (b *builder) publishedAt() string {
	if b.record.exported {
		return b.text(publishedAtSlot)
	}
	text := date(b.text(publishedAtSlot))
	if m := pointDate.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s-%02s-%02s", m[3], m[2], m[1])
	}
	return text
}

// dropped makes the import leave a field of an existing book as it is.
func (b *builder) dropped(field model.Field) { b.row.Fields &^= field }

// validate drops, one by one, the invalid fields that a book can do without. An
// exported book may do without any field: another program may have written the
// value, and the book may already be in the catalogue.
func (b *builder) validate() error {
	book := &b.row.Book
	if b.record.partial && book.Title == "" {
		book.Title = "untitled"
		defer func() { book.Title = "" }()
	}
	texts := map[string]*string{
		"published_at": &book.PublishedAt, "language": &book.Language, "price": &book.Price, "currency": &book.Currency,
		"availability": (*string)(&book.Availability), "buy_url": &book.BuyURL, "cover_url": &book.CoverURL,
	}
	if b.record.exported {
		maps.Copy(texts, map[string]*string{
			"author": &book.Author, "description": &book.Description, "publisher": &book.Publisher,
			"series": &book.Series, "edition": &book.Edition,
		})
	}
	for {
		err := book.Validate()
		var invalid *model.Error
		if !errors.As(err, &invalid) {
			return err
		}
		text, ok := texts[invalid.Field]
		dropped := ""
		switch {
		case ok:
			dropped, *text = *text, ""
		case invalid.Field == "stock":
			dropped, book.Stock = strconv.Itoa(*book.Stock), nil
		case invalid.Field == "subjects" && b.record.exported:
			dropped, book.Subjects = strings.Join(book.Subjects, ";"), nil
		case invalid.Field == "title" && b.record.exported:
			dropped, book.Title = book.Title, "untitled"
			b.record.partial = true
			defer func() { book.Title = "" }()
		default:
			return err
		}
		for _, s := range slots {
			if s.name == invalid.Field {
				b.dropped(s.field)
			}
		}
		b.note("%s dropped: %s %s", invalid.Field, show(dropped), invalid.Message)
	}
}

var (
	zeroFraction = regexp.MustCompile(`^(-?\d+)\.0+$`)
	// 12,90 and 1.234,50 but not 1,234, which may be a thousand.
	europeanPrice = regexp.MustCompile(`^(\d{1,3}([. ]\d{3})*|\d+),\d{1,2}$`)
	pointDate     = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.(\d{4})$`)
	timeOfDay     = regexp.MustCompile(`^(-?\d{1,4}-\d{2}-\d{2})[T ]\d{2}:.*$`)
)

// withoutFraction turns 2008.0 into 2008. Spreadsheets and data frames write
// whole numbers as decimals if some cells of the column are empty.
func withoutFraction(number string) string {
	return zeroFraction.ReplaceAllString(number, "$1")
}

// date returns the date of a time.
func date(text string) string {
	return timeOfDay.ReplaceAllString(withoutFraction(text), "$1")
}

// show quotes text from a file for a message, and shortens a long one.
func show(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return strconv.Quote(string([]rune(text)[:most]) + "…")
	}
	return strconv.Quote(text)
}
