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

// maxProduct is the longest record of one product that is read, in bytes.
const maxProduct = 4 << 20

// onixReader reads messages of ONIX for Books 2.1 and 3, with reference names
// or short tags (EDItEUR). It cuts the message into products by their tags, so
// that a broken one doesn't spoil those after it, and never follows or expands
// what a DTD declares.
type onixReader struct {
	in *markup
	// root is the message's start tag, header its header, as they stand there.
	root, header []byte
	// message holds what the header says.
	message message
	met     [slotCount]bool
	ended   bool // the message's end tag was read
	// before is what a file of rejected rows says about the first product.
	before rejection
	first  []byte // the first product's start tag, which ended the header
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
	r.message = message{defaults: node{}}
	if len(r.header) > 0 {
		header, _, err := parseXML(r.header)
		if err != nil {
			return fmt.Errorf("the header of the message: %w", err)
		}
		r.message = newMessage(header)
	}
	return nil
}

// sender names the source of a message's records: their references are the
// sender's, whatever the file is called. It is empty where the header tells none.
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
		if r.met[element.slot] {
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
			return nil, errors.New("something follows the end of the message; each message has to be a file of its own")
		case slices.Contains(productTags, name):
			tag = next
		case slices.Contains(endTags, name):
			r.ended = true
		}
	}
	r.row = record{line: r.in.tagLine, before: before}
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
	product, mended, err := parseXML(text)
	switch {
	case errors.Is(err, errNotUTF8):
		return nil, r.row.rejectf(model.RowEncoding, "%s", err)
	case err != nil:
		return nil, r.row.rejectf(model.RowMalformed, "%s", err)
	}
	r.row.notes = mended
	if err := r.message.read(product, &r.row); err != nil {
		return nil, err
	}
	for s, v := range r.row.values {
		r.met[s] = r.met[s] || v.text != "" || v.items != nil
	}
	return &r.row, nil
}

// cutOff makes an end inside the message the end of a file that is cut off.
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

// tagName is the name of a start tag, that of an end tag with its slash, and
// empty for anything else.
func tagName(tag []byte) string {
	if len(tag) < 3 || tag[1] == '!' || tag[1] == '?' {
		return ""
	}
	end := bytes.IndexAny(tag[2:], " \t\r\n/>")
	if end < 0 {
		return ""
	}
	return string(tag[1 : 2+end])
}

var (
	errTooLong = errors.New("element is too long")
	errNested  = errors.New("element is not closed")
)

// markup cuts XML into tags, without understanding more of it than where
// comments, CDATA sections, declarations and quoted attributes end.
type markup struct {
	in *bufio.Reader
	// no is the line that was come to, tagLine where the last tag began.
	no, tagLine int
	// unread is a tag that was found too early.
	unread []byte
	// copied gets what is read while an element is copied.
	copied  *bytes.Buffer
	tooLong bool
}

// byte reads one byte.
func (m *markup) byte() (byte, error) {
	b, err := m.in.ReadByte()
	if err != nil {
		return 0, err
	}
	if b == '\n' {
		m.no++
	}
	if m.copied != nil {
		if m.copied.Len() < maxProduct {
			m.copied.WriteByte(b)
		} else {
			m.tooLong = true
		}
	}
	return b, nil
}

// tag passes over text and returns the next tag, comment, CDATA section,
// declaration or processing instruction. Of a long one it returns the
// beginning only. io.EOF is the end of the file wherever that is.
func (m *markup) tag() ([]byte, error) {
	if tag := m.unread; tag != nil {
		m.unread = nil
		if m.copied != nil {
			m.copied.Write(tag)
		}
		return tag, nil
	}
	for {
		b, err := m.byte()
		if err != nil {
			return nil, err
		}
		if b == '<' {
			break
		}
	}
	m.tagLine = m.no
	tag := []byte{'<'}
	var quote byte
	depth, comment := 0, false // brackets and a comment inside a declaration
	for {
		b, err := m.byte()
		if err != nil {
			return nil, err
		}
		if len(tag) < 64<<10 {
			tag = append(tag, b)
		} else { // the end is looked for in the last bytes
			tag = append(tag[:len(tag)-4], tag[len(tag)-3], tag[len(tag)-2], tag[len(tag)-1], b)
		}
		if len(tag) == 2 && !beginsTag(b) { // a < in a text
			return m.tag()
		}
		switch {
		case bytes.HasPrefix(tag, []byte("<!--")):
			if len(tag) >= 7 && bytes.HasSuffix(tag, []byte("-->")) {
				return tag, nil
			}
		case bytes.HasPrefix(tag, []byte("<![CDATA[")):
			if bytes.HasSuffix(tag, []byte("]]>")) {
				return tag, nil
			}
		case bytes.HasPrefix(tag, []byte("<?")):
			if bytes.HasSuffix(tag, []byte("?>")) {
				return tag, nil
			}
		case comment:
			comment = !bytes.HasSuffix(tag, []byte("-->"))
		case quote == 0 && depth > 0 && bytes.HasSuffix(tag, []byte("<!--")):
			comment = true
		case b == '<' && tag[1] != '!' && tag[1] != '?':
			// It has no place in a tag, not even in an attribute: the tag begins here.
			tag, quote, m.tagLine = []byte{'<'}, 0, m.no
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case (b == '"' || b == '\'') && tag[1] != '/':
			quote = b
		case b == '[' && tag[1] == '!':
			depth++
		case b == ']' && depth > 0:
			depth--
		case b == '>' && depth == 0:
			return tag, nil
		}
	}
}

// beginsTag reports whether a < before b begins markup.
func beginsTag(b byte) bool {
	return b == '/' || b == '!' || b == '?' || b == '_' || b == ':' || b >= 0x80 || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// element returns the whole element that tag begins, with all that is in it.
func (m *markup) element(tag []byte, name string) ([]byte, error) {
	m.copied, m.tooLong = bytes.NewBuffer(nil), false
	m.copied.Write(tag)
	defer func() { m.copied = nil }()
	if bytes.HasSuffix(tag, []byte("/>")) {
		return m.copied.Bytes(), nil
	}
	for {
		next, err := m.tag()
		if err != nil {
			return nil, err
		}
		switch found := tagName(next); {
		case found == "/"+name:
			if m.tooLong {
				return nil, errTooLong // cut off, it would spoil the file of rejected rows
			}
			return m.copied.Bytes(), nil
		case found == name, strings.EqualFold(found, "/ONIXMessage"):
			m.unread = next
			text := m.copied.Bytes()
			return text[:max(0, len(text)-len(next))], errNested
		}
	}
}
