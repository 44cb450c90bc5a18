package onix

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/charmap"

	"literank.com/event-books/infrastructure/catalog/notation"
)

const (
	// maxDepth and maxNodes bound the memory that one product takes.
	maxDepth = 64
	maxNodes = 50_000
)

// A node is an element with its children, or a text if it has no name. Names are
// reference names.
type node struct {
	name     string
	text     string
	format   string // the attribute textformat or dateformat
	children []*node
}

var errNotUTF8 = errors.New("is not valid UTF-8; if the file has another encoding, name it with --encoding")

// parseXML reads one element. It knows the named entities of HTML, which ONIX's
// DTD declares too; other entities are an error. The notes say what it corrected.
func parseXML(text []byte) (root node, notes []string, err error) {
	if !utf8.Valid(text) {
		return root, nil, errNotUTF8
	}
	if cleaned := bytes.Map(withoutControls, text); !bytes.Equal(cleaned, text) {
		text = cleaned
		notes = append(notes, noControls)
	}
	text, corrected := repairReferences(text)
	notes = append(notes, corrected...)
	in := xml.NewDecoder(bytes.NewReader(text))
	in.Entity = xml.HTMLEntity
	open := []*node{&root}
	for nodes := 0; ; nodes++ {
		token, err := in.Token()
		if err == io.EOF && len(open) == 1 && len(root.children) == 1 {
			return *root.children[0], notes, nil
		}
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			return root, nil, fmt.Errorf("not well-formed XML: %s", syntax.Msg)
		}
		if err != nil {
			return root, nil, fmt.Errorf("not well-formed XML: %w", err)
		}
		if len(open) > maxDepth || nodes > maxNodes {
			return root, nil, fmt.Errorf("has more than %d elements, or more than %d one inside the other", maxNodes, maxDepth)
		}
		parent := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			child := &node{name: referenceName(token.Name.Local)}
			for _, attr := range token.Attr {
				if attr.Name.Local == "textformat" || attr.Name.Local == "dateformat" {
					child.format = attr.Value
				}
			}
			parent.children = append(parent.children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 1 {
				parent.children = append(parent.children, &node{text: string(token)})
			}
		}
	}
}

var (
	// literalXML matches the sections in which & means itself.
	literalXML = regexp.MustCompile(`(?s)<!\[CDATA\[.*?\]\]>|<!--.*?-->`)
	anyAmp     = regexp.MustCompile(`&(?:#(\d+);|#[xX]([0-9a-fA-F]+);|[A-Za-z_][\w.-]*;)?`)
)

// repairReferences escapes each & that begins no reference, and replaces references
// to characters that XML forbids.
func repairReferences(text []byte) (repaired []byte, notes []string) {
	if bytes.IndexByte(text, '&') < 0 {
		return text, nil
	}
	controls := false
	repair := func(part []byte) []byte {
		return anyAmp.ReplaceAllFunc(part, func(found []byte) []byte {
			m := anyAmp.FindSubmatch(found)
			if len(found) == 1 {
				return []byte("&amp;")
			}
			if len(m[1])+len(m[2]) == 0 {
				return found
			}
			code, err := strconv.ParseInt(string(m[1]), 10, 32)
			if len(m[2]) > 0 {
				code, err = strconv.ParseInt(string(m[2]), 16, 32)
			}
			switch r := rune(code); {
			case err != nil || !utf8.ValidRune(r) || withoutControls(r) != r:
				controls = true
				return []byte(" ")
			case found[2] == 'X':
				return bytes.Replace(found, []byte("X"), []byte("x"), 1)
			case r >= 0x80 && r < 0xA0: // programs mean Windows-1252
				return []byte(string(charmap.Windows1252.DecodeByte(byte(r))))
			}
			return found
		})
	}
	at := 0
	for _, section := range literalXML.FindAllIndex(text, -1) {
		repaired = append(append(repaired, repair(text[at:section[0]])...), text[section[0]:section[1]]...)
		at = section[1]
	}
	repaired = append(repaired, repair(text[at:])...)
	if controls {
		notes = []string{noControls}
	}
	return repaired, notes
}

const noControls = "control characters replaced by spaces: XML does not allow them"

// withoutControls replaces the characters that XML 1.0 forbids (section 2.2) by
// spaces.
func withoutControls(r rune) rune {
	if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
		return ' '
	}
	return r
}

// all returns the elements at the end of a path of names.
func (n *node) all(path ...string) (found []*node) {
	if len(path) == 0 {
		return []*node{n}
	}
	for _, child := range n.children {
		if child.name == path[0] {
			found = append(found, child.all(path[1:]...)...)
		}
	}
	return found
}

// get returns the first text at the end of a path that isn't blank.
func (n *node) get(path ...string) string {
	for _, found := range n.all(path...) {
		if text := found.line(); text != "" {
			return text
		}
	}
	return ""
}

// line is the text of a simple element, on one line.
func (n *node) line() string {
	return strings.Join(strings.Fields(n.plain(false)), " ")
}

// plain is the text without markup. Each paragraph is a line. asHTML is set if the
// text is HTML that is escaped or in a CDATA section.
func (n *node) plain(asHTML bool) string {
	var source strings.Builder
	n.writeHTML(&source, asHTML)
	return notation.FromHTML(source.String())
}

func (n *node) writeHTML(out *strings.Builder, asHTML bool) {
	for _, child := range n.children {
		switch {
		case child.name != "" && atom.Lookup([]byte(child.name)) != 0:
			out.WriteString("<" + child.name + ">")
			child.writeHTML(out, asHTML)
			out.WriteString("</" + child.name + ">")
		case child.name != "":
			child.writeHTML(out, asHTML)
		case asHTML:
			out.WriteString(child.text)
		default:
			out.WriteString(html.EscapeString(child.text))
		}
	}
}
