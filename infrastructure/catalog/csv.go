package catalog

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
)

// maxQuoted is the length, in bytes, of the longest record with line breaks. A
// longer one has more likely lost a quote.
const maxQuoted = 64 << 10

// maxExact is the same for exported files. It is longer than any book.
const maxExact = 4 << 20

// csvReader reads separated values as in RFC 4180, also with other separators
// than commas. Unlike encoding/csv it continues after a broken record at the next
// line, so that a lost quote doesn't swallow the rows after it. Before it rejects
// a record it tries other styles of quotes.
type csvReader struct {
	lines *lines
	// comma separates cells. quote may enclose them.
	comma, quote byte
	used         []gateway.Column
	ignored      []string
	// attributes are pairs of columns: the name of a field, and its value.
	attributes []attribute
	// header is the header as it stands in the file.
	header []byte
	// slots has the slot of each column, former the slot that it had before.
	slots  []slot
	former []former.Slot
	// leading is the number of rejectedColumns that the file begins with: none
	// for an ordinary file, two for a file of rejected rows without codes.
	leading int
	// hopeless is the last line that a broken record reached inside quotes. Any
	// other record that reaches it inside quotes is broken too. Without this
	// each line could be read 64 KiB ahead again.
	hopeless int
	// cuts counts the rows that have too many cells because of a cut price: see cut.
	cuts int
	row  record
}

func newCSVReader(lines *lines, names *names) (*csvReader, error) {
	r := &csvReader{lines: lines}
	first, err := lines.peek(0)
	if err != nil {
		return nil, fmt.Errorf("the header can't be read: %w", err)
	}
	if hint, ok := bytes.CutPrefix(first.text, []byte("sep=")); ok && len(hint) == 1 { // spreadsheets write it for other spreadsheets
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
	r.former = names.former.Assign(header)
	r.attributes = names.attributes(header)
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
		r.row.values[s].unit = names.find(header[i]).unit
	}
	if name, ok := names.missing(header); ok {
		return nil, fmt.Errorf("--map names a column %q that is missing; the columns are %s", name, list(header))
	}
	if r.row.fields&model.TitleField == 0 {
		return nil, fmt.Errorf("line %d names no column that is a title: the columns are %s; name it with --map 'COLUMN=title'", no, list(header))
	}
	r.row.exported = slices.Contains(r.slots, fingerprintSlot) && slices.Contains(r.slots, idSourceSlot)
	r.row.escaped = r.row.exported && slices.Contains(r.slots, spreadsheetSlot)
	return r, nil
}

// style chooses the separator that gives the header the most known columns, and
// among equals the most columns. It also detects single quotes.
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
	r.row.surplus, r.row.cut = len(cells)-len(r.slots), r.findCut(cells)
	cells = r.trimmed(cells)
	if len(cells) != len(r.slots) {
		repaired, ok := r.repair(text)
		if !ok {
			if r.row.cut.possible {
				r.cuts++
			}
			return nil, r.row.rejectf(model.RowMalformed, "the row has %d cells, the header %d", len(cells), len(r.slots))
		}
		cells = repaired
		r.row.surplus, r.row.cut = 0, r.findCut(cells)
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
		if s == noSlot && r.former[i] == former.NoSlot {
			continue
		}
		text := string(cells[i])
		if s != noSlot {
			r.row.values[s].text = text
		}
		if r.former[i] != former.NoSlot {
			r.row.former[r.former[i]].Text = text
		}
	}
	r.row.setAttributes(r.attributes, cells)
	return &r.row, nil
}

// trimmed cuts off empty cells that are beyond the header's.
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
		broken.text = nil // its beginning could look like a row
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
		if cells, ok := r.repair(first.text); ok {
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

// swallowsRows reports whether every line between the first and the last line of
// a record is a row by itself. Then a quote was lost, and another one closed the
// cell by chance.
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

// scan returns a scanner for a whole record.
func (r *csvReader) scan(text []byte) scanner {
	return scanner{comma: r.comma, quote: r.quote, rest: text, alone: true}
}

// repair reads a line in other styles of quotes than RFC 4180. It succeeds only
// if the line then has the right number of cells.
func (r *csvReader) repair(text []byte) (cells [][]byte, ok bool) {
	if len(r.slots) == 0 || bytes.IndexByte(text, r.quote) < 0 || bytes.IndexByte(text, '\n') >= 0 {
		return nil, false
	}
	for _, mode := range []quoteMode{backslashQuotes, looseQuotes} {
		s := r.scan(text)
		s.mode = mode
		if cells, ok := s.all(); ok {
			if cells = r.trimmed(cells); len(cells) == len(r.slots) {
				r.row.notes = []string{"quotes corrected: they were not doubled"}
				return cells, true
			}
		}
	}
	return nil, false
}

// quoteMode is the style of quotes inside a quoted cell.
type quoteMode int

const (
	doubledQuotes   quoteMode = iota // "" as in RFC 4180
	backslashQuotes                  // \"
	looseQuotes                      // " without a separator after it
)

// scanner cuts one record into cells.
type scanner struct {
	lines        *lines
	comma, quote byte
	mode         quoteMode
	// alone: the record is in rest as a whole. exact: CR LF inside quotes is
	// kept.
	alone, exact bool
	// rest is the unread part of the current line, which is ahead lines after
	// the record's first. cr is set if that line ends in CR LF.
	rest  []byte
	ahead int
	cr    bool
	// size counts the bytes of all lines of the record so far.
	size     int
	hopeless int
}

// all returns the record's cells. If ok is false, these are the cells before the
// broken one.
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

// cell reads the next cell. It reports false if the quotes are broken.
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

// nextLine moves to the next line. If there is none, for whatever reason, the
// quote isn't closed. The reader finds the reason again when it continues with
// the record's second line.
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

// separator reads the separator before another cell, if there is one.
func (s *scanner) separator() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}
