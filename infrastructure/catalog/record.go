package catalog

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
)

// A record holds the values of one row, before they are checked.
type record struct {
	line int
	// text is the row as it stands in the file, in UTF-8.
	text   []byte
	fields model.Field
	values [slotCount]value
	// former has the values by which version 0.1 identified the row. formerJSON
	// has them if they aren't read yet.
	former     former.Row
	formerJSON [former.Slots]jsontext.Value
	// exported is set if an export wrote the record. It is read literally, but
	// for the escapes of a spreadsheet.
	exported, escaped bool
	// plain is set if the texts have no markup.
	plain  bool
	delete bool
	// surplus counts the cells beyond the header's.
	surplus int
	cut     cut
	// attributeSlots are filled by attributes of this row: see setAttributes.
	attributeSlots []slot
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
	// number is set if the text is a number in the notation of JSON.
	number bool
	// unit is the currency in the column's name.
	unit string
	// aliases has what JSON says about other names: the "aliases" of each object with a
	// name.
	aliases []jsontext.Value
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
func (r *record) importRow(source string, h habits) (*model.ImportRow, error) {
	switch {
	case r.cut.possible && r.surplus > h.surplus:
		return nil, r.rejectf(model.RowMalformed, "the row has more cells than the header: a price with a decimal comma needs quotes")
	case r.cut.certain, r.cut.possible && h.cutPrices:
		return nil, r.rejectf(model.RowMalformed, "the cells behind the price seem to stand in wrong columns: a price with a decimal comma needs quotes; write a whole price with decimals, such as 12.00")
	}
	b := &builder{
		record: r,
		habits: h,
		row:    &model.ImportRow{Line: r.line, Text: r.text, Fields: r.fields, Delete: r.delete, Notes: r.notes},
	}
	book := &b.row.Book
	book.Title = b.title()
	if book.Title == "" && !r.delete && !r.partial && !r.exported {
		return nil, r.reject(model.RowNoTitle)
	}
	book.Author = b.author()
	book.ISBN = b.isbn()
	book.PublishedAt = b.publishedAt()
	book.Description = b.description()
	book.Language = b.language()
	book.Publisher = b.publisher()
	book.Subjects = b.subjects()
	book.Series = b.text(seriesSlot)
	book.Edition = b.text(editionSlot)
	book.Price, book.Currency = b.price()
	book.Stock = b.stock()
	book.Availability = b.availability()
	book.BuyURL = b.text(buyURLSlot)
	book.CoverURL = b.coverURL()
	book.Popularity = b.popularity()
	book.AuthorAliases = b.authorAliases()
	if err := b.validate(); err != nil && !r.delete {
		return nil, r.rejectf(model.RowInvalid, "%s", err)
	}
	if id := b.clean(idSlot, b.literal(idSlot)); utf8.RuneCountInString(id) > maxID {
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
	if !r.exported && !r.delete && b.row.ExternalID == "" || r.idIsNew() {
		b.former(source != "")
	}
	return b.row, nil
}

// dropped makes the import leave a field of an existing book as it is.
func (b *builder) dropped(field model.Field) { b.row.Fields &^= field }

// validate drops, one by one, the invalid fields that a book can do without. An
// exported book may do without any field: another program may have written the
// value, and the book may already be in the catalogue.
func (b *builder) validate() error {
	for {
		err := b.check()
		invalid, ok := errors.AsType[*model.Error](err)
		if !ok {
			return err
		}
		value, ok := b.clear(invalid.Field)
		if !ok {
			return err
		}
		for _, s := range slots {
			if s.name == invalid.Field {
				b.dropped(s.field)
			}
		}
		hint := alsoRead[invalid.Field]
		if b.record.exported {
			hint = "" // it is read literally
		}
		b.note("%s dropped: %s %s%s", invalid.Field, show(value), invalid.Message, hint)
	}
}

// alsoRead adds to model's messages what an import reads beside the canonical form.
var alsoRead = map[string]string{
	"published_at": `, or a common notation with four digits for the year, such as 28.2.2001 or "May 2013"`,
	"availability": `, or a common term, such as "out of print" or "lieferbar"`,
	"language":     `, and no name of a language, such as "English" or "Deutsch"`,
	"price":        `, or a price in a common notation, such as "12,90 €"`,
}

// check is Validate for a book that may lack its title.
func (b *builder) check() error {
	book := &b.row.Book
	if book.Title != "" || !b.record.partial {
		return book.Validate()
	}
	book.Title = "untitled"
	err := book.Validate()
	book.Title = ""
	return err
}

// clear empties a field and returns what it had. It reports false if the book needs the
// field.
func (b *builder) clear(field string) (value string, ok bool) {
	book := &b.row.Book
	optional := map[string]*string{
		"published_at": &book.PublishedAt, "language": &book.Language, "price": &book.Price, "currency": &book.Currency,
		"availability": (*string)(&book.Availability), "buy_url": &book.BuyURL, "cover_url": &book.CoverURL,
	}
	if b.record.exported {
		maps.Copy(optional, map[string]*string{
			"title": &book.Title, "author": &book.Author, "description": &book.Description, "publisher": &book.Publisher,
			"series": &book.Series, "edition": &book.Edition,
		})
		b.record.partial = b.record.partial || field == "title"
	}
	text, ok := optional[field]
	switch {
	case ok:
		value, *text = *text, ""
	case field == "stock":
		value, book.Stock = strconv.Itoa(*book.Stock), nil
	case field == "subjects" && b.record.exported:
		value, book.Subjects = strings.Join(book.Subjects, ";"), nil
	default:
		return "", false
	}
	return value, true
}

// show quotes text from a file for a message, and shortens a long one.
func show(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return strconv.Quote(string([]rune(text)[:most]) + "…")
	}
	return strconv.Quote(text)
}
