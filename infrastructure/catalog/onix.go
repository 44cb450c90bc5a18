package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// maxProduct is the length of the longest product that is read, in bytes.
const maxProduct = 4 << 20

// onixReader reads messages of ONIX for Books 2.1 and 3, with reference names
// or short tags (EDItEUR). It cuts the message into products by their tags, so
// that a broken product doesn't spoil those after it. It never fetches a DTD and
// never expands the entities that a DTD declares.
type onixReader struct {
	in *markup
	// root is the start tag of the message, header its header.
	root, header []byte
	message      message
	// filled are the slots that some product has filled.
	filled [slotCount]bool
	ended  bool // the end tag of the message was read
	// before is what a file of rejected rows says about the first product.
	before rejection
	first  []byte // the start tag of the first product
	row    record
}

func newONIXReader(text *bufio.Reader) (*onixReader, error) {
	r := &onixReader{in: &markup{in: text, no: 1}}
	for {
		tag, err := r.in.tag()
		if err == io.EOF && r.root == nil {
			return r, errors.New("unknown format: XML or HTML, but no ONIX message")
		}
		if err != nil {
			return r, broken(cutOff(err), r.line())
		}
		if before, ok := rejectedComment(tag); ok {
			r.before = before
		}
		switch name := tagName(tag); {
		case strings.EqualFold(name, "ONIXMessage"):
			r.root = tag
		case name == "":
			// declarations and comments
		case r.root == nil:
			return r, errors.New("unknown format: XML or HTML, but no ONIX message")
		case slices.Contains(productTags, name):
			r.first = tag
			return r, r.readHeader()
		case slices.Contains(headerTags, name):
			header, err := r.in.element(tag, name)
			if err != nil {
				return r, broken(cutOff(err), r.line())
			}
			r.header = header
		case slices.Contains(endTags, name):
			r.ended = true
			return r, r.readHeader()
		}
	}
}

func (r *onixReader) readHeader() error {
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

// sender is the source of the message's records, whatever the file's name is. It
// is empty if the header names no sender.
func (r *onixReader) sender() string {
	name := strings.Join(strings.Fields(r.message.sender), " ")
	if runes := []rune(name); len(runes) > maxID-len("onix:") {
		name = string(runes[:maxID-len("onix:")])
	}
	if name == "" {
		return ""
	}
	return "onix:" + name
}

func (r *onixReader) line() int { return r.in.no }

func (r *onixReader) end() error { return nil }

func (r *onixReader) columns() (used []gateway.Column, ignored []string) {
	for _, element := range productElements {
		if r.filled[element.slot] {
			used = append(used, gateway.Column{Name: element.name, Field: slots[element.slot].name})
		}
	}
	return used, nil
}

func (r *onixReader) next() (*record, error) {
	tag, before := r.first, r.before
	r.first, r.before = nil, rejection{}
	for tag == nil {
		next, err := r.in.tag()
		if err == io.EOF && r.ended {
			return nil, io.EOF
		}
		if err != nil {
			return nil, cutOff(err)
		}
		if said, ok := rejectedComment(next); ok {
			before = said
		}
		switch name := tagName(next); {
		case r.ended && name != "":
			return nil, errors.New("something follows the end of the message; each message must be a file of its own")
		case slices.Contains(productTags, name):
			tag = next
		case slices.Contains(endTags, name):
			r.ended = true
		}
	}
	r.row = record{line: r.in.tagLine, before: before, plain: true}
	text, err := r.in.element(tag, tagName(tag))
	r.row.text = text
	switch {
	case errors.Is(err, errTooLong):
		return nil, r.row.rejectf(model.RowTooLong, "the product is longer than %d bytes", maxProduct)
	case errors.Is(err, errNested):
		return nil, r.row.rejectf(model.RowMalformed, "the product is not closed before the next one begins")
	case err != nil:
		return nil, cutOff(err)
	}
	product, notes, err := parseXML(text)
	switch {
	case errors.Is(err, errNotUTF8):
		return nil, r.row.rejectf(model.RowEncoding, "%s", err)
	case err != nil:
		return nil, r.row.rejectf(model.RowMalformed, "%s", err)
	}
	r.row.notes = notes
	if err := r.message.read(product, &r.row); err != nil {
		return nil, err
	}
	for s, v := range r.row.values {
		r.filled[s] = r.filled[s] || v.text != "" || v.items != nil
	}
	return &r.row, nil
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
