package catalog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// maxLine is the length of the longest line that is read, in bytes. Only the
// beginning of a longer one is kept.
const maxLine = 1 << 20

var lineTooLong = fmt.Sprintf("the line is longer than %d bytes", maxLine)

// A line is one physical line, without its line break.
type line struct {
	// no counts from 1.
	no      int
	text    []byte
	tooLong bool
	// open is set if the file ends without the line's break.
	open bool
	// cr is set if the line ends in CR LF.
	cr bool
}

func (l line) blank() bool {
	return !l.tooLong && len(bytes.TrimSpace(l.text)) == 0
}

// isText reports whether b can be a line of text in UTF-8.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})
}

// lines reads a file line by line, with any number of lines ahead.
type lines struct {
	in    *bufio.Reader
	ahead []line
	// read counts the lines taken from in.
	read int
	// err is the error that ends the lines after ahead.
	err error
}

// peek returns the line that is i lines ahead; 0 is the next one. At the end of
// the file the error is io.EOF. If reading fails within a line, peek doesn't return
// that line.
func (l *lines) peek(i int) (line, error) {
	for len(l.ahead) <= i {
		if l.err != nil {
			return line{}, l.err
		}
		l.fetch()
	}
	return l.ahead[i], nil
}

// drop removes the next n lines, which peek has returned.
func (l *lines) drop(n int) {
	clear(l.ahead[:n]) // free their text: the array stays
	l.ahead = l.ahead[n:]
}

// skipBlank drops blank lines until the next one isn't blank.
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
