package onix

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
)

// maxTag bounds the bytes that are kept of one tag.
const maxTag = 64 << 10

var (
	errTooLong = errors.New("element is too long")
	errNested  = errors.New("element is not closed")
)

// markup cuts XML into tags. It understands only where comments, CDATA
// sections, declarations and quoted attributes end.
type markup struct {
	in *bufio.Reader
	// no is the current line, tagLine the line that the last tag begins at.
	no, tagLine int
	// unread is a tag that the next call of tag returns.
	unread []byte
	// copied collects the bytes of an element.
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

// tag skips text and returns the next tag, comment, CDATA section, declaration
// or processing instruction. From a long one it returns only the beginning. The
// error is io.EOF wherever the file ends.
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
		if b != '<' {
			continue
		}
		if tag, err := m.restOfTag(); tag != nil || err != nil {
			return tag, err
		}
	}
}

// restOfTag reads a tag whose < was read. It returns nil if the < is part of a
// text.
func (m *markup) restOfTag() ([]byte, error) {
	m.tagLine = m.no
	tag := []byte{'<'}
	var end tagEnd
	for {
		b, err := m.byte()
		if err != nil {
			return nil, err
		}
		if len(tag) < maxTag {
			tag = append(tag, b)
		} else { // tagEnd needs the last bytes
			tag = append(tag[:len(tag)-4], tag[len(tag)-3], tag[len(tag)-2], tag[len(tag)-1], b)
		}
		switch {
		case len(tag) == 2 && !beginsTag(b):
			return nil, nil
		case b == '<' && tag[1] != '!' && tag[1] != '?':
			// A tag can't contain <, not even in an attribute: a new one begins.
			tag, end, m.tagLine = []byte{'<'}, tagEnd{}, m.no
		case end.isAt(tag):
			return tag, nil
		}
	}
}

// tagEnd finds the end of a tag.
type tagEnd struct {
	quote   byte // the open quote of an attribute, or 0
	depth   int  // the number of open brackets in a declaration
	comment bool // a comment in a declaration is open
}

// isAt is called after each byte of a tag and reports whether it was the last.
func (e *tagEnd) isAt(tag []byte) bool {
	b := tag[len(tag)-1]
	switch {
	case bytes.HasPrefix(tag, []byte("<!--")):
		return len(tag) >= len("<!---->") && bytes.HasSuffix(tag, []byte("-->"))
	case bytes.HasPrefix(tag, []byte("<![CDATA[")):
		return bytes.HasSuffix(tag, []byte("]]>"))
	case bytes.HasPrefix(tag, []byte("<?")):
		return bytes.HasSuffix(tag, []byte("?>"))
	case e.comment:
		e.comment = !bytes.HasSuffix(tag, []byte("-->"))
	case e.quote == 0 && e.depth > 0 && bytes.HasSuffix(tag, []byte("<!--")):
		e.comment = true
	case e.quote != 0:
		if b == e.quote {
			e.quote = 0
		}
	case (b == '"' || b == '\'') && tag[1] != '/':
		e.quote = b
	case b == '[' && tag[1] == '!':
		e.depth++
	case b == ']' && e.depth > 0:
		e.depth--
	default:
		return b == '>' && e.depth == 0
	}
	return false
}

// beginsTag reports whether a < followed by b begins markup.
func beginsTag(b byte) bool {
	return b == '/' || b == '!' || b == '?' || b == '_' || b == ':' || b >= 0x80 || 'a' <= b|0x20 && b|0x20 <= 'z'
}

// element returns the whole element that begins with tag.
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
				return nil, errTooLong // a part would break the file of rejected rows
			}
			return m.copied.Bytes(), nil
		case found == name, strings.EqualFold(found, "/ONIXMessage"):
			m.unread = next
			text := m.copied.Bytes()
			return text[:max(0, len(text)-len(next))], errNested
		}
	}
}
