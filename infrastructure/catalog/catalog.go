// Package catalog reads the files that a bookstore's catalogue comes in, and
// holds the starter catalogue of an empty shop. It turns a file into rows and
// knows nothing of where they are stored.
package catalog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// maxID is the longest source and the longest external id, in code points.
const maxID = 190

// bufferSize is how much of a file is read at once, in bytes.
const bufferSize = 64 << 10

// Options tell how a file is read.
type Options struct {
	// Source names the catalogue that the external ids belong to. The
	// default is the file's base name as it is (also its .gz). Standard input
	// has no name: without a source its ids are passed over.
	Source string
	// Map adds names of columns to the known ones: column → field.
	Map map[string]string
	// Stdin is read for the path "-".
	Stdin io.Reader
}

// Column is a column of a CSV file, or a key of JSON Lines.
type Column struct {
	// Name is what the file calls it, Field what a book does.
	Name, Field string
}

// File reads one file of books.
type File struct {
	source string
	format string
	in     *counter
	size   int64
	lines  *lines
	rows   rowReader
	closer io.Closer
	// err is what ended the file.
	err error
}

var _ gateway.BookSource = (*File)(nil)

// rowReader is one format.
type rowReader interface {
	// next returns a record that is valid until the next call. Its errors are
	// those of gateway.BookSource.
	next() (*record, error)
	// end returns what can only be said of the whole file, at its end.
	end() error
	columns() (used []Column, ignored []string)
}

// Open opens a CSV or JSON Lines file in UTF-8, plain or gzipped; "-" is
// standard input. What it is, is told by its content, not by its name. An
// error doesn't name the path, nor do those of Next: the caller does.
func Open(path string, opts Options) (*File, error) {
	f, err := open(path, opts)
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return f, nil
}

// open also returns a File that has to be closed when it fails behind
// opening it.
func open(path string, opts Options) (*File, error) {
	f := &File{source: strings.TrimSpace(opts.Source)}
	if path == "-" {
		f.in = &counter{from: opts.Stdin}
	} else {
		file, err := os.Open(path)
		if err != nil {
			var where *fs.PathError
			if errors.As(err, &where) {
				err = where.Err // the caller names the path
			}
			return nil, err
		}
		f.closer = file
		info, err := file.Stat()
		if err != nil {
			return f, err
		}
		if info.IsDir() {
			return f, errors.New("is a folder")
		}
		if info.Mode().IsRegular() {
			f.size = info.Size()
		}
		if f.source == "" {
			f.source = strings.ToValidUTF8(filepath.Base(path), "\uFFFD")
		}
		f.in = &counter{from: file}
	}
	if utf8.RuneCountInString(f.source) > maxID {
		return f, fmt.Errorf("the name of its source is longer than %d characters", maxID)
	}
	names, err := newNames(opts.Map, f.source != "")
	if err != nil {
		return f, err
	}
	return f, f.detect(names)
}

// detect finds out compression and format.
func (f *File) detect(names *names) error {
	text := bufio.NewReaderSize(f.in, bufferSize)
	packed := ""
	if magic, _ := text.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(text)
		if err != nil {
			return fmt.Errorf("damaged gzip: %w", err)
		}
		text = bufio.NewReaderSize(unpacked, bufferSize)
		packed = ", gzip"
	}
	if mark, _ := text.Peek(3); string(mark) == "\uFEFF" {
		text.Discard(3)
	}
	f.lines = &lines{in: text}
	err := f.lines.skipBlank()
	if err == io.EOF {
		return errors.New("is empty")
	}
	if err != nil {
		return f.broken(err)
	}
	first, _ := f.lines.peek(0)
	switch start := bytes.TrimSpace(first.text); {
	case bytes.HasPrefix(start, []byte("{")):
		f.format = "JSON Lines" + packed
		f.rows = newJSONReader(f.lines, names)
	case bytes.HasPrefix(start, []byte("[")):
		return errors.New("unknown format: a JSON array; JSON Lines has one object on each line")
	case bytes.HasPrefix(start, []byte("<")):
		return errors.New("unknown format: XML or HTML; CSV and JSON Lines are read")
	case !isText(first.text):
		return errors.New("unknown format: neither CSV nor JSON Lines, its first line is not UTF-8 text")
	default:
		f.format = "CSV" + packed
		f.rows, err = newCSVReader(f.lines, names)
	}
	return err
}

// Next returns the next row; see gateway.BookSource. Every row passes
// model.Book's Validate, and lines increase from call to call.
func (f *File) Next() (*model.ImportRow, error) {
	if f.err != nil {
		return nil, f.err
	}
	record, err := f.rows.next()
	if err == nil {
		return record.importRow(f.source)
	}
	var rejected *model.RowError
	if errors.As(err, &rejected) {
		return nil, err
	}
	if err == io.EOF {
		f.err = err
		if err := f.rows.end(); err != nil {
			f.err = err
		}
	} else {
		f.err = f.broken(err)
	}
	return nil, f.err
}

func (f *File) broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off after line %d: %w", f.lines.read, err)
	}
	return fmt.Errorf("the file can't be read on after line %d: %w", f.lines.read, err)
}

// Close closes the file; standard input stays open.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Format names the format and the compression: "JSON Lines, gzip".
func (f *File) Format() string { return f.format }

// Columns returns the columns that became part of books and the names of
// those that didn't. Of JSON Lines they are the keys met so far.
func (f *File) Columns() (used []Column, ignored []string) { return f.rows.columns() }

// Progress returns how many bytes of the file, as it is on disk, were read,
// and its size, 0 if that is unknown. It may be called concurrently.
func (f *File) Progress() (read, size int64) { return f.in.read.Load(), f.size }

// counter counts the bytes read.
type counter struct {
	from io.Reader
	read atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read.Add(int64(n))
	return n, err
}
