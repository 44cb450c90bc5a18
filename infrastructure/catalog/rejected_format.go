package catalog

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"literank.com/event-books/domain/model"
)

// byteOrderMark tells spreadsheets, and Files, that a file is in UTF-8.
const byteOrderMark = "\uFEFF"

// leadingColumns returns how many of rejectedColumns a header begins with.
func leadingColumns(header []string) int {
	switch {
	case len(header) < 3 || header[0] != lineColumn || header[1] != reasonColumn:
		return 0
	case header[2] != codeColumn:
		return 2
	}
	return 3
}

// rejected writes the row as it stands in the file behind the cells of
// rejectedColumns. A row that was rejected before keeps its line.
func (r *csvReader) rejected() rejectedFormat {
	comma := string(r.comma)
	quoted := func(text string) string {
		quote := string(r.quote)
		return quote + strings.ReplaceAll(text, quote, quote+quote) + quote
	}
	_, header := r.withoutLeading(r.header)
	head := strings.Join(rejectedColumns, comma) + comma + string(header) + "\n"
	write := func(row *model.RowError, cells ...string) []byte {
		line, text := r.withoutLeading(row.Text)
		if line == "" {
			line = strconv.Itoa(row.Line)
		}
		return []byte(line + comma + strings.Join(cells, comma) + comma + string(text) + "\n")
	}
	return rejectedFormat{
		head:      []byte(byteOrderMark + head),
		row:       func(row *model.RowError) []byte { return write(row, quoted(row.Reason()), codeText(row)) },
		frozenRow: func(row *model.RowError) []byte { return write(row, quoted(frozenReason(row))) },
	}
}

// withoutLeading cuts the cells of rejectedColumns off a row. line is empty if
// the row has none.
func (r *csvReader) withoutLeading(text []byte) (line string, rest []byte) {
	s := r.scan(text)
	for i := range r.leading {
		cell, ok := s.cell()
		if !ok || !s.separator() {
			return "", text
		}
		if i == 0 {
			line = string(cell)
		}
	}
	return line, s.rest
}

// rejected puts the keys of rejectedColumns in front of the others. A line that
// is no object becomes the text of a key.
func (r *jsonReader) rejected() rejectedFormat {
	write := func(row *model.RowError) []byte {
		line := strconv.Itoa(row.Line)
		text := bytes.TrimSpace(row.Text)
		if before := rejectedKeys.FindSubmatch(text); before != nil {
			line, text = string(before[1]), append([]byte("{"), text[len(before[0]):]...)
		}
		reason, _ := json.Marshal(row.Reason())
		head := fmt.Sprintf(`{"%s":%s,"%s":%s,"%s":"%s"`, lineColumn, line, reasonColumn, reason, codeColumn, codeText(row))
		rest, isObject := bytes.CutPrefix(text, []byte("{"))
		switch {
		case isObject && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("}")):
			return []byte(head + string(rest) + "\n")
		case isObject:
			return []byte(head + "," + string(rest) + "\n")
		}
		whole, _ := json.Marshal(strings.ToValidUTF8(string(text), "\uFFFD"))
		return []byte(head + `,"rejected_text":` + string(whole) + "}\n")
	}
	// The mark also holds if a row isn't valid UTF-8.
	return rejectedFormat{head: []byte(byteOrderMark), row: write}
}

// rejected writes a message with the header of the file and a comment before
// each product.
func (r *onixReader) rejected() rejectedFormat {
	head, tail := r.in.Envelope()
	return rejectedFormat{
		head: []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + head),
		tail: []byte(tail),
		row: func(row *model.RowError) []byte {
			reason := hyphens.ReplaceAllString(inComment.Replace(row.Reason()), "–")
			code := strings.ReplaceAll(codeText(row), "--", "-%2D")
			return fmt.Appendf(nil, "<!-- rejected: line %d (%s): %s -->\n%s\n", row.Line, code, reason, row.Text)
		},
	}
}

// Two hyphens would end the comment. Angle brackets would confuse programs that
// read XML less carefully.
var (
	inComment = strings.NewReplacer("<", "‹", ">", "›", "\n", " ")
	hyphens   = regexp.MustCompile(`-{2,}`)
)

// commentOfRejected matches the comments that rejected writes. Files without
// codes lack the parentheses.
var commentOfRejected = regexp.MustCompile(`^<!-- rejected: line \d+(?: \(([^()]*)\))?: (.*) -->$`)

func rejectedComment(tag []byte) (before rejection, ok bool) {
	m := commentOfRejected.FindSubmatch(tag)
	switch {
	case m == nil:
		return rejection{}, false
	case m[1] == nil:
		return frozenRejection(string(m[2])), true
	}
	return newRejection(string(m[1]), string(m[2])), true
}
