package catalog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// maxLine is the longest line that is read, in bytes. Of a longer one only
// the beginning is kept.
const maxLine = 1 << 20

var lineTooLong = fmt.Sprintf("the line is longer than %d bytes", maxLine)

// A line is one physical line, without its line break.
type line struct {
	// no counts from 1.
	no      int
	text    []byte
	tooLong bool
	// open: the file ended before the line did.
	open bool
	// cr: the line ended in CR LF.
	cr bool
}

func (l line) blank() bool {
	return !l.tooLong && len(bytes.TrimSpace(l.text)) == 0
}

// isText reports whether b can be a line of a text file in UTF-8.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})
}

// lines reads a file line by line, and as far ahead as its user asks.
type lines struct {
	in    *bufio.Reader
	ahead []line
	// read counts the lines taken from in.
	read int
	// err is why there are no more lines behind ahead.
	err error
}

// peek returns the line that is i lines ahead, 0 being the next. At the end
// of the file the error is io.EOF. A last line that is incomplete because the
// file can't be read on is not given.
func (l *lines) peek(i int) (line, error) {
	for len(l.ahead) <= i {
		if l.err != nil {
			return line{}, l.err
		}
		l.fetch()
	}
	return l.ahead[i], nil
}

// drop takes the next n lines off, which were peeked at.
func (l *lines) drop(n int) {
	clear(l.ahead[:n]) // or the array behind the slice would keep their text
	l.ahead = l.ahead[n:]
}

// skipBlank drops blank lines, so that the next one is not.
func (l *lines) skipBlank() error {
	for {
		next, err := l.peek(0)
		if err != nil || !next.blank() {
			return err
		}
		l.drop(1)
	}
}

// fetch appends one line to ahead, or sets err.
func (l *lines) fetch() {
	next := line{no: l.read + 1}
	for {
		part, err := l.in.ReadSlice('\n')
		switch {
		case next.tooLong:
		case len(next.text)+len(part) <= maxLine:
			next.text = append(next.text, part...)
		default:
			next.tooLong = true
			next.text = bytes.Clone(next.text[:min(len(next.text), 64)])
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		l.err = err
		if err != nil && (err != io.EOF || len(next.text) == 0) {
			return
		}
		break
	}
	next.open = l.err == io.EOF
	next.text = bytes.TrimSuffix(next.text, []byte("\n"))
	next.text, next.cr = bytes.CutSuffix(next.text, []byte("\r"))
	l.read++
	l.ahead = append(l.ahead, next)
}
