package catalog

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
)

const (
	comma = ','
	quote = '"'

	// maxQuoted is the longest record, in bytes, that quotes may stretch over
	// several lines. A longer one has more likely lost a quote.
	maxQuoted = 64 << 10
)

// csvReader reads comma-separated values as in RFC 4180. Other than
// encoding/csv it goes on behind a broken record at the next line, so that a
// lost quote doesn't swallow the rows after it.
type csvReader struct {
	lines   *lines
	used    []Column
	ignored []string
	// slots has the slot that each column fills.
	slots []slot
	// hopeless is the last line that a broken record came to inside quotes.
	// Whatever record comes to it inside quotes takes the same way from
	// there: without this memory each line could be read 64 KiB ahead anew.
	hopeless int
	row      record
}

func newCSVReader(lines *lines, names *names) (*csvReader, error) {
	r := &csvReader{lines: lines}
	_, cells, err := r.cells()
	if err != nil {
		return nil, fmt.Errorf("the header can't be read: %w", err)
	}
	header := make([]string, len(cells))
	for i, cell := range cells {
		header[i] = strings.TrimSpace(string(cell))
		if header[i] == "" {
			header[i] = fmt.Sprintf("(column %d)", i+1)
		}
	}
	r.slots = names.assign(header)
	for i, s := range r.slots {
		if s == noSlot {
			r.ignored = append(r.ignored, header[i])
			continue
		}
		r.used = append(r.used, Column{Name: header[i], Field: slots[s].name})
		r.row.fields |= slots[s].field
	}
	if name, ok := names.missing(header); ok {
		return nil, fmt.Errorf("--map names a column %q that is not there; the columns are %s", name, list(header))
	}
	if other := strings.IndexAny(header[0], ";\t|"); len(header) == 1 && other >= 0 {
		return nil, fmt.Errorf("the columns seem to be separated by %q: commas are expected", header[0][other])
	}
	if r.row.fields&model.TitleField == 0 {
		return nil, fmt.Errorf("the first line names no column that is a title: the columns are %s; --map 'COLUMN=title' tells which is", list(header))
	}
	return r, nil
}

func (r *csvReader) columns() (used []Column, ignored []string) { return r.used, r.ignored }

func (r *csvReader) end() error { return nil }

func (r *csvReader) next() (*record, error) {
	no, cells, err := r.cells()
	if err != nil {
		return nil, err
	}
	for len(cells) > len(r.slots) && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	if len(cells) != len(r.slots) {
		return nil, reject(no, "the row has %d cells, the header %d", len(cells), len(r.slots))
	}
	r.row.line = no
	for i, s := range r.slots {
		if !utf8.Valid(cells[i]) {
			return nil, reject(no, "cell %d is not valid UTF-8", i+1)
		}
		if bytes.IndexByte(cells[i], 0) >= 0 {
			return nil, reject(no, "cell %d contains a NUL character", i+1)
		}
		if s != noSlot {
			r.row.values[s].text = string(cells[i])
		}
	}
	return &r.row, nil
}

// cells returns the next record and the number of its first line.
func (r *csvReader) cells() (no int, cells [][]byte, err error) {
	if err := r.lines.skipBlank(); err != nil {
		return 0, nil, err
	}
	first, _ := r.lines.peek(0)
	if first.tooLong {
		r.lines.drop(1)
		return 0, nil, reject(first.no, "%s", lineTooLong)
	}
	s := scanner{lines: r.lines, rest: first.text, size: len(first.text), hopeless: r.hopeless}
	for more := true; more; more = s.separator() {
		cell, ok := s.cell()
		if !ok {
			r.hopeless = max(r.hopeless, first.no+s.ahead)
			r.lines.drop(1)
			return 0, nil, reject(first.no, "the quote that opens cell %d is not closed, or text follows it", len(cells)+1)
		}
		cells = append(cells, cell)
	}
	r.lines.drop(s.ahead + 1)
	return first.no, cells, nil
}

// scanner cuts one record into cells.
type scanner struct {
	lines *lines
	// rest is what is left of the line that is ahead lines further than the
	// record's first.
	rest  []byte
	ahead int
	// size counts the bytes of all lines of the record so far.
	size     int
	hopeless int
}

// cell takes the next cell and reports whether it ends as it should.
func (s *scanner) cell() ([]byte, bool) {
	if len(s.rest) > 0 && s.rest[0] == quote {
		return s.quoted()
	}
	end := bytes.IndexByte(s.rest, comma)
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
		end := bytes.IndexByte(s.rest, quote)
		if end < 0 {
			cell = append(append(cell, s.rest...), '\n')
			if !s.nextLine() {
				return nil, false
			}
			continue
		}
		cell = append(cell, s.rest[:end]...)
		s.rest = s.rest[end+1:]
		if len(s.rest) == 0 || s.rest[0] == comma {
			return cell, true
		}
		if s.rest[0] != quote {
			return nil, false
		}
		cell = append(cell, quote)
		s.rest = s.rest[1:]
	}
}

// nextLine goes on to the line after this one. A line that can't be had,
// for whatever reason, means that the quote isn't closed; reading on from
// the record's second line comes upon that reason again.
func (s *scanner) nextLine() bool {
	next, err := s.lines.peek(s.ahead + 1)
	s.size += 1 + len(next.text)
	if err != nil || next.tooLong || next.no <= s.hopeless || s.size > maxQuoted {
		return false
	}
	s.rest = next.text
	s.ahead++
	return true
}

// separator takes the comma before another cell, if there is one.
func (s *scanner) separator() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}
