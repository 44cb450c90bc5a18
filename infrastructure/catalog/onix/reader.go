// Package onix reads messages of ONIX for Books 2.1 and 3 (EDItEUR), with reference
// names or short tags, and turns each product into the fields of a book. It knows
// neither files nor encodings: the text must be UTF-8.
package onix

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
)

// maxProduct is the length of the longest product that is read, in bytes.
const maxProduct = 4 << 20

// ErrNoMessage is the error for text that is no ONIX message.
var ErrNoMessage = errors.New("unknown format: XML or HTML, but no ONIX message")

// A Product has the fields of a book. A text is empty, and a list nil, if the product
// has nothing for the field.
type Product struct {
	// Line is the number of the product's first line. Text is the product as it stands
	// in the message.
	Line int
	Text []byte
	// Delete is set if the message withdraws the product. Partial is set if the
	// product has only the fields that change.
	Delete, Partial bool

	ID, ISBN, Title string
	// Authors has names in spoken order, AuthorAliases other names of the same people.
	Authors, AuthorAliases []string
	// PublishedAt is a year, a month or a day: 2001, 2001-02, 2001-02-28.
	PublishedAt, Description, Language, Publisher string
	Subjects                                      []string
	Series, Edition                               string
	// Price is the amount as the message writes it.
	Price, Currency string
	// Stock is a whole number.
	Stock        string
	Availability model.Availability
	CoverURL     string

	// Former has the values by which version 0.1 identified the product.
	Former former.Row
	// Notes say what the reader corrected.
	Notes []string
}

// Reader reads the products of a message. It cuts the message by its tags, so that a
// broken product doesn't spoil those after it. It never fetches a DTD and never expands
// the entities that a DTD declares.
type Reader struct {
	// Today is the day for which prices are chosen: 2006-01-02. NewReader sets it to the
	// current day in UTC.
	Today string

	in *markup
	// comment, if not nil, gets each comment before, between and behind the products.
	comment func([]byte)
	// root is the start tag of the message, header its header.
	root, header []byte
	message      message
	ended        bool   // the end tag of the message was read
	first        []byte // the start tag of the first product
}

// NewReader reads the message up to its first product. It returns the reader with
// every error, so that Line tells where it occurred.
func NewReader(text *bufio.Reader, comment func([]byte)) (*Reader, error) {
	r := &Reader{Today: time.Now().UTC().Format(time.DateOnly), in: &markup{in: text, no: 1}, comment: comment}
	for {
		tag, err := r.in.tag()
		if err == io.EOF && r.root == nil {
			return r, ErrNoMessage
		}
		if err != nil {
			return r, cutOff(err)
		}
		r.sawComment(tag)
		switch name := tagName(tag); {
		case strings.EqualFold(name, "ONIXMessage"):
			r.root = tag
		case name == "":
			// declarations and comments
		case r.root == nil:
			return r, ErrNoMessage
		case slices.Contains(productTags, name):
			r.first = tag
			return r, r.readHeader()
		case slices.Contains(headerTags, name):
			header, err := r.in.element(tag, name)
			if err != nil {
				return r, cutOff(err)
			}
			r.header = header
		case slices.Contains(endTags, name):
			r.ended = true
			return r, r.readHeader()
		}
	}
}

func (r *Reader) sawComment(tag []byte) {
	if r.comment != nil && bytes.HasPrefix(tag, []byte("<!--")) {
		r.comment(tag)
	}
}

func (r *Reader) readHeader() error {
	r.message = newMessage(node{})
	if len(r.header) > 0 {
		header, _, err := parseXML(r.header)
		if err != nil {
			return fmt.Errorf("the header of the message: %w", err)
		}
		r.message = newMessage(header)
	}
	return nil
}

// Sender is the name of the message's sender, or his number. It is empty if the header
// has neither.
func (r *Reader) Sender() string { return strings.Join(strings.Fields(r.message.sender), " ") }

// Line is the number of the last line that was read.
func (r *Reader) Line() int { return r.in.no }

// Envelope returns what stands before and behind the products: the start tag with the
// header, and the end tag.
func (r *Reader) Envelope() (head, tail string) {
	return string(r.root) + "\n" + string(r.header) + "\n", "</" + fullName(r.root) + ">\n"
}

// Next returns the next product. Its error is a *model.RowError if the product can't be
// read but the next one can, io.EOF at the end of the message, and io.ErrUnexpectedEOF if
// the message is cut off.
func (r *Reader) Next() (*Product, error) {
	tag := r.first
	r.first = nil
	for tag == nil {
		next, err := r.in.tag()
		if err == io.EOF && r.ended {
			return nil, io.EOF
		}
		if err != nil {
			return nil, cutOff(err)
		}
		r.sawComment(next)
		switch name := tagName(next); {
		case r.ended && name != "":
			return nil, errors.New("something follows the end of the message; each message must be a file of its own")
		case slices.Contains(productTags, name):
			tag = next
		case slices.Contains(endTags, name):
			r.ended = true
		}
	}
	p := &Product{Line: r.in.tagLine}
	text, err := r.in.element(tag, tagName(tag))
	p.Text = text
	switch {
	case errors.Is(err, errTooLong):
		return nil, p.reject(model.RowTooLong, fmt.Sprintf("the product is longer than %d bytes", maxProduct))
	case errors.Is(err, errNested):
		return nil, p.reject(model.RowMalformed, "the product is not closed before the next one begins")
	case err != nil:
		return nil, cutOff(err)
	}
	product, notes, err := parseXML(text)
	switch {
	case errors.Is(err, errNotUTF8):
		return nil, p.reject(model.RowEncoding, err.Error())
	case err != nil:
		return nil, p.reject(model.RowMalformed, err.Error())
	}
	p.Notes = notes
	r.message.today = r.Today
	if err := r.message.read(&product, p); err != nil {
		return nil, err
	}
	return p, nil
}

// reject returns the error for a product that can't be read. An empty detail means that
// the code has a sentence of its own.
func (p *Product) reject(code model.RowCode, detail string) error {
	return &model.RowError{Line: p.Line, Text: p.Text, Code: code, Detail: detail}
}

// cutOff returns the error for a file that ends inside the message.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

var (
	productTags = []string{"Product", "product"}
	headerTags  = []string{"Header", "header"}
	endTags     = []string{"/ONIXMessage", "/ONIXmessage"}
)

// tagName is the name of a start tag, or the name of an end tag with its slash,
// without the prefix of a namespace. It is empty for anything else.
func tagName(tag []byte) string {
	name := fullName(tag)
	slash := ""
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		slash, name = "/", rest
	}
	return slash + name[strings.IndexByte(name, ':')+1:]
}

// fullName is the same with the prefix.
func fullName(tag []byte) string {
	if len(tag) < 3 || tag[1] == '!' || tag[1] == '?' {
		return ""
	}
	end := bytes.IndexAny(tag[2:], " \t\r\n/>")
	if end < 0 {
		return ""
	}
	return string(tag[1 : 2+end])
}
