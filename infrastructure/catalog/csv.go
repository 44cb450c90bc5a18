package catalog

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// maxQuoted is the longest record, in bytes, that quotes may stretch over
// several lines. A longer one has more likely lost a quote.
const maxQuoted = 64 << 10

// maxExact is the same for what an export wrote: longer than any book.
const maxExact = 4 << 20

// csvReader reads separated values as in RFC 4180, also with other separators
// than commas. Other than encoding/csv it goes on behind a broken record at the
// next line, so that a lost quote doesn't swallow the rows after it, and it
// tries other styles of quotes before it gives a record up.
type csvReader struct {
	lines *lines
	// comma separates cells, quote may enclose them.
	comma, quote byte
	used         []gateway.Column
	ignored      []string
	// header is the header as it stands in the file.
	header []byte
	// slots has the slot that each column fills.
	slots []slot
	// leading is the number of rejectedColumns that the file begins with: none
	// for an ordinary file, two for a file of rejected rows without codes.
	leading int
	// hopeless is the last line that a broken record came to inside quotes.
	// Whatever record comes to it inside quotes takes the same way from
	// there: without this memory each line could be read 64 KiB ahead anew.
	hopeless int
	row      record
}

func newCSVReader(lines *lines, names *names) (*csvReader, error) {
	r := &csvReader{lines: lines}
	first, err := lines.peek(0)
	if err != nil {
		return nil, fmt.Errorf("the header can't be read: %w", err)
	}
	if hint, ok := bytes.CutPrefix(first.text, []byte("sep=")); ok && len(hint) == 1 { // of a spreadsheet, for its like
		lines.drop(1)
		if first, err = lines.peek(0); err != nil {
			return nil, fmt.Errorf("the header can't be read: %w", err)
		}
	}
	r.comma, r.quote = r.style(first.text, names)
	no, text, cells, err := r.cells()
	if err != nil {
		return nil, fmt.Errorf("the header can't be read: %w", err)
	}
	r.header = text
	header := names.header(cells)
	r.slots = names.assign(header)
	r.leading = leadingColumns(header)
	for i, s := range r.slots {
		if s == noSlot {
			if i >= r.leading {
				r.ignored = append(r.ignored, header[i])
			}
			continue
		}
		r.used = append(r.used, gateway.Column{Name: header[i], Field: slots[s].name})
		r.row.fields |= slots[s].field
	}
	if name, ok := names.missing(header); ok {
		return nil, fmt.Errorf("--map names a column %q that is not there; the columns are %s", name, list(header))
	}
	if r.row.fields&model.TitleField == 0 {
		return nil, fmt.Errorf("line %d names no column that is a title: the columns are %s; --map 'COLUMN=title' tells which is", no, list(header))
	}
	r.row.exported = slices.Contains(r.slots, fingerprintSlot) && slices.Contains(r.slots, idSourceSlot)
	return r, nil
}

// style finds out how the header is written: with the separator that makes
// the most known columns of it, else the most columns.
func (r *csvReader) style(header []byte, names *names) (comma, quote byte) {
	quote = '"'
	if trimmed := bytes.TrimSpace(header); len(trimmed) > 2 && trimmed[0] == '\'' && trimmed[len(trimmed)-1] == '\'' {
		quote = '\''
	}
	best := -1
	for _, candidate := range []byte(",;\t|") {
		s := scanner{comma: candidate, quote: quote, rest: header, alone: true}
		cells, ok := s.all()
		if !ok {
			continue
		}
		known := 0
		for _, slot := range names.assign(names.header(cells)) {
			if slot != noSlot {
				known++
			}
		}
		if score := known<<16 + len(cells); score > best {
			best, comma = score, candidate
		}
	}
	return cmp.Or(comma, ','), quote
}

func (r *csvReader) columns() (used []gateway.Column, ignored []string) { return r.used, r.ignored }

func (r *csvReader) end() error { return nil }

func (r *csvReader) line() int { return r.lines.read }

func (r *csvReader) next() (*record, error) {
	r.row.notes = nil
	no, text, cells, err := r.cells()
	if err != nil {
		return nil, err
	}
	r.row.line, r.row.text = no, text
	cells = r.trimmed(cells)
	if len(cells) != len(r.slots) {
		mended, ok := r.mend(text)
		if !ok {
			return nil, r.row.rejectf(model.RowMalformed, "the row has %d cells, the header %d", len(cells), len(r.slots))
		}
		cells = mended
	}
	switch r.leading {
	case 2:
		r.row.before = frozenRejection(string(cells[1]))
	case 3:
		r.row.before = newRejection(string(cells[2]), string(cells[1]))
	}
	for i, s := range r.slots {
		if !utf8.Valid(cells[i]) {
			return nil, r.row.rejectf(model.RowEncoding, "cell %d is not valid UTF-8; if the file has another encoding, name it with --encoding", i+1)
		}
		if bytes.IndexByte(cells[i], 0) >= 0 {
			return nil, r.row.rejectf(model.RowEncoding, "cell %d contains a NUL character", i+1)
		}
		if s != noSlot {
			r.row.values[s].text = string(cells[i])
		}
	}
	return &r.row, nil
}

// trimmed takes empty cells beyond the header's off.
func (r *csvReader) trimmed(cells [][]byte) [][]byte {
	for len(cells) > len(r.slots) && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// cells returns the next record, its text and the number of its first line.
func (r *csvReader) cells() (no int, text []byte, cells [][]byte, err error) {
	if err := r.lines.skipBlank(); err != nil {
		return 0, nil, nil, err
	}
	first, _ := r.lines.peek(0)
	broken := record{line: first.no, text: first.text}
	if first.tooLong {
		r.lines.drop(1)
		broken.text = nil // its beginning might pass for a row
		return 0, nil, nil, broken.rejectf(model.RowTooLong, "%s", lineTooLong)
	}
	s := scanner{
		lines: r.lines, comma: r.comma, quote: r.quote, exact: r.row.exported,
		rest: first.text, size: len(first.text), hopeless: r.hopeless, cr: first.cr,
	}
	cells, ok := s.all()
	if !ok {
		r.hopeless = max(r.hopeless, first.no+s.ahead)
		r.lines.drop(1)
		if cells, ok := r.mend(first.text); ok {
			return first.no, first.text, cells, nil
		}
		return 0, nil, nil, broken.rejectf(model.RowMalformed, "the quote that opens cell %d is not closed, or text follows it", len(cells)+1)
	}
	if r.swallowsRows(s.ahead) {
		r.lines.drop(1)
		return 0, nil, nil, broken.rejectf(model.RowMalformed, "a quote is closed only %d lines below, and the lines between are rows", s.ahead)
	}
	text = first.text
	if s.ahead > 0 {
		whole := make([]byte, 0, s.size)
		whole = append(whole, first.text...)
		for i := 1; i <= s.ahead; i++ {
			next, _ := r.lines.peek(i)
			whole = append(append(whole, '\n'), next.text...)
		}
		text = whole
	}
	r.lines.drop(s.ahead + 1)
	return first.no, text, cells, nil
}

// swallowsRows reports whether every line between the first and the last of a
// record would be a row by itself: then a quote was lost, and another one by
// chance closed the cell.
func (r *csvReader) swallowsRows(ahead int) bool {
	if ahead < 2 || len(r.slots) < 3 || r.row.exported {
		return false
	}
	for i := 1; i < ahead; i++ {
		line, _ := r.lines.peek(i)
		s := r.scan(line.text)
		if cells, ok := s.all(); !ok || len(cells) != len(r.slots) {
			return false
		}
	}
	return true
}

// scan is for a text that is a whole record.
func (r *csvReader) scan(text []byte) scanner {
	return scanner{comma: r.comma, quote: r.quote, rest: text, alone: true}
}

// mend reads a line with quotes that RFC 4180 doesn't know: escaped by a
// backslash, or standing inside a quoted cell as they are. It counts only if
// the line then has the cells that it should have.
func (r *csvReader) mend(text []byte) (cells [][]byte, ok bool) {
	if len(r.slots) == 0 || bytes.IndexByte(text, r.quote) < 0 || bytes.IndexByte(text, '\n') >= 0 {
		return nil, false
	}
	for _, mode := range []quoteMode{backslashQuotes, looseQuotes} {
		s := r.scan(text)
		s.mode = mode
		if cells, ok := s.all(); ok {
			if cells = r.trimmed(cells); len(cells) == len(r.slots) {
				r.row.notes = []string{"quotes mended: they were not doubled"}
				return cells, true
			}
		}
	}
	return nil, false
}

// quoteMode is how a quote stands inside a quoted cell.
type quoteMode int

const (
	doubledQuotes   quoteMode = iota // "" as in RFC 4180
	backslashQuotes                  // \"
	looseQuotes                      // " that no separator follows
)

// scanner cuts one record into cells.
type scanner struct {
	lines        *lines
	comma, quote byte
	mode         quoteMode
	// alone: the record has only this line. exact: line breaks inside quotes
	// are kept as they are.
	alone, exact bool
	// rest is what is left of the line that is ahead lines further than the
	// record's first; that ended in CR LF if cr is set.
	rest  []byte
	ahead int
	cr    bool
	// size counts the bytes of all lines of the record so far.
	size     int
	hopeless int
}

// all returns the record's cells, or, without ok, those before the broken one.
func (s *scanner) all() (cells [][]byte, ok bool) {
	for more := true; more; more = s.separator() {
		cell, ok := s.cell()
		if !ok {
			return cells, false
		}
		cells = append(cells, cell)
	}
	return cells, true
}

// cell takes the next cell and reports whether it ends as it should.
func (s *scanner) cell() ([]byte, bool) {
	if len(s.rest) > 0 && s.rest[0] == s.quote {
		return s.quoted()
	}
	end := bytes.IndexByte(s.rest, s.comma)
	if end < 0 {
		end = len(s.rest)
	}
	cell := s.rest[:end]
	s.rest = s.rest[end:]
	return cell, true
}

func (s *scanner) quoted() (cell []byte, ok bool) {
	s.rest = s.rest[1:]
	for {
		end := bytes.IndexByte(s.rest, s.quote)
		if end < 0 {
			cell = append(cell, s.rest...)
			if s.exact && s.cr {
				cell = append(cell, '\r')
			}
			cell = append(cell, '\n')
			if !s.nextLine() {
				return nil, false
			}
			continue
		}
		cell = append(cell, s.rest[:end]...)
		s.rest = s.rest[end+1:]
		if s.mode == backslashQuotes && bytes.HasSuffix(cell, []byte(`\`)) {
			cell[len(cell)-1] = s.quote
			continue
		}
		if len(s.rest) == 0 || s.rest[0] == s.comma {
			return cell, true
		}
		if s.rest[0] == s.quote {
			s.rest = s.rest[1:]
		} else if s.mode != looseQuotes {
			return nil, false
		}
		cell = append(cell, s.quote)
	}
}

// nextLine goes on to the line after this one. A line that can't be had,
// for whatever reason, means that the quote isn't closed; reading on from
// the record's second line comes upon that reason again.
func (s *scanner) nextLine() bool {
	if s.alone {
		return false
	}
	next, err := s.lines.peek(s.ahead + 1)
	s.size += 1 + len(next.text)
	if err != nil || next.tooLong || next.no <= s.hopeless || s.size > maxQuoted && (!s.exact || s.size > maxExact) {
		return false
	}
	s.rest, s.cr = next.text, next.cr
	s.ahead++
	return true
}

// separator takes the separator before another cell, if there is one.
func (s *scanner) separator() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}
