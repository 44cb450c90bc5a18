// Package catalog reads and writes files of books, and holds the starter
// catalogue of an empty shop. It turns files into rows and rows into files; it
// must not know the database.
package catalog

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// maxID is the length of the longest source and external id, in code points.
const maxID = 190

// bufferSize is the size of a read or write, in bytes.
const bufferSize = 64 << 10

// Files implements gateway.BookFiles.
type Files struct{}

var _ gateway.BookFiles = Files{}

func (Files) Open(path string, options gateway.FileOptions) (gateway.BookFile, error) {
	f, err := Open(path, options)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (Files) CheckOptions(path string, options gateway.FileOptions) error {
	named := path != "-" || strings.TrimSpace(options.Source) != ""
	if _, err := newNames(options.Map, named); err != nil {
		return err
	}
	if options.Currency != "" {
		if err := (&model.Book{Title: "x", Currency: options.Currency}).Validate(); err != nil {
			return fmt.Errorf("--currency %s: there is no such code in ISO 4217; some are EUR, USD, GBP, CHF, JPY", options.Currency)
		}
	}
	if options.Encoding != "" {
		_, err := namedCharset(options.Encoding)
		return err
	}
	return nil
}

// File reads one file of books. It implements gateway.BookFile.
type File struct {
	path    string
	options gateway.FileOptions
	source  string
	format  string
	// regular is set if path can be opened again: see isRegular.
	regular bool
	in      *counter
	size    int64
	// decoded is the name of the encoding that the text was converted from.
	decoded string
	rows    rowReader
	// ahead holds the records that lookAhead has read. habits is its result.
	ahead  []aheadRecord
	habits habits
	closer io.Closer
	// err is the error that ended the file.
	err error
}

type aheadRecord struct {
	record *record
	err    error
}

var _ gateway.BookFile = (*File)(nil)

// rowReader is one format.
type rowReader interface {
	// next returns a record that is valid until the next call. Its errors are
	// those of gateway.BookFile.Next.
	next() (*record, error)
	// end is called at the end of the file. It returns errors that concern the
	// file as a whole.
	end() error
	columns() (used []gateway.Column, ignored []string)
	// line is the number of the last line that was read.
	line() int
	// rejected returns the format of rejected rows.
	rejected() rejectedFormat
}

// Open opens a CSV, JSON Lines or ONIX file, plain or gzipped: see
// gateway.BookFiles.
func Open(path string, options gateway.FileOptions) (*File, error) {
	f, err := open(path, options)
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return f, nil
}

// open returns a File with its error if the file has to be closed.
func open(path string, options gateway.FileOptions) (*File, error) {
	f := &File{path: path, options: options, source: strings.TrimSpace(options.Source)}
	if path == "-" {
		f.in = &counter{from: options.Stdin}
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, withoutPath(err)
		}
		f.closer = file
		info, err := file.Stat()
		if err != nil {
			return f, err
		}
		if info.IsDir() {
			return f, errors.New("is a folder")
		}
		if f.regular = isRegular(path); f.regular {
			f.size = info.Size()
			f.source = cmp.Or(f.source, fileSource(path))
		}
		f.in = &counter{from: file}
	}
	if utf8.RuneCountInString(f.source) > maxID {
		return f, fmt.Errorf("the name of its source is longer than %d characters", maxID)
	}
	text, packed, err := unpack(f.in)
	if err != nil {
		return f, err
	}
	again := func() (io.ReadCloser, error) { return nil, nil }
	if f.regular {
		again = func() (io.ReadCloser, error) { return os.Open(path) }
	}
	found, err := findCharset(text, options.Encoding, again)
	if err != nil {
		return f, err
	}
	if found.decoder != nil {
		f.decoded = found.name
	}
	if err := f.detect(found.reader(text)); err != nil {
		return f, err
	}
	f.format += " in " + found.name + packed
	f.lookAhead()
	return f, nil
}

// fileSource is the source of a file that names no other: its base name, which
// a file of rejected rows shares with the file that the rows come from.
func fileSource(path string) string {
	return strings.TrimSuffix(strings.ToValidUTF8(filepath.Base(path), "\uFFFD"), rejectedSuffix)
}

// withoutPath returns the cause of an error that names a path.
func withoutPath(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

// isRegular reports whether path leads to a regular file, and will do so again:
// it is no pipe, no device and no file that another process has opened.
func isRegular(path string) bool {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	for _, borrowed := range []string{"/dev/fd/", "/dev/std", "/proc/"} {
		if strings.HasPrefix(absolute, borrowed) {
			return false
		}
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// unpack decompresses a gzipped file.
func unpack(in io.Reader) (text *bufio.Reader, packed string, err error) {
	text = bufio.NewReaderSize(in, sampleSize)
	if magic, _ := text.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return text, "", nil
	}
	unpacked, err := gzip.NewReader(text)
	if err != nil {
		return nil, "", fmt.Errorf("damaged gzip: %w", err)
	}
	return bufio.NewReaderSize(unpacked, sampleSize), ", gzip", nil
}

// findCharset detects the encoding from the beginning of the text. If that is
// ASCII and the file can be opened again, it searches the rest of the file.
func findCharset(text *bufio.Reader, label string, again func() (io.ReadCloser, error)) (charset, error) {
	sample, err := text.Peek(sampleSize)
	if len(sample) == 0 && err == io.EOF {
		return charset{}, errors.New("is empty")
	}
	if len(sample) == 0 {
		return charset{}, fmt.Errorf("the file can't be read: %w", err)
	}
	if bytes.HasPrefix(sample, []byte("PK\x03\x04")) {
		return charset{}, errors.New("unknown format: a ZIP archive or a workbook of a spreadsheet; save its table as CSV")
	}
	if label != "" {
		named, err := namedCharset(label)
		if err == nil && isUTF8(sample) { // rejected rows, which are always in UTF-8
			return utf8Charset, nil
		}
		return named, err
	}
	if isASCII(sample) && len(sample) == sampleSize {
		further, err := sampleAgain(again)
		if err != nil {
			return charset{}, fmt.Errorf("the file can't be read: %w", err)
		}
		if further != nil {
			return detectCharset(further, declaredCharset(sample))
		}
	}
	found, err := detectCharset(sample, declaredCharset(sample))
	if err != nil && !isText(firstLine(sample)) && bytes.ContainsFunc(sample, isBinary) {
		return found, errNoText
	}
	return found, err
}

var errNoText = errors.New("unknown format: neither CSV nor JSON Lines nor ONIX, it is no text")

func isBinary(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' }

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

func sampleAgain(again func() (io.ReadCloser, error)) ([]byte, error) {
	in, err := again()
	if in == nil || err != nil {
		return nil, err
	}
	defer in.Close()
	text, _, err := unpack(in)
	if err != nil {
		return nil, err
	}
	sample, err := sampleBeyondASCII(text)
	if err != nil {
		return nil, nil // reading the file will report the damage with its line
	}
	return sample, nil
}

// detect detects the format.
func (f *File) detect(text *bufio.Reader) error {
	sample, _ := text.Peek(sampleSize)
	if bytes.HasPrefix(bytes.TrimSpace(sample), []byte("<")) {
		return f.detectONIX(text)
	}
	if !bytes.Contains(sample, []byte("\n")) && bytes.Contains(sample, []byte("\r")) {
		text = bufio.NewReaderSize(carriageReturns{text}, bufferSize)
	}
	lines := &lines{in: text}
	err := lines.skipBlank()
	if err == io.EOF {
		return errors.New("is empty")
	}
	if err != nil {
		return broken(err, lines.read)
	}
	first, _ := lines.peek(0)
	start := bytes.TrimSpace(first.text)
	names, err := newNames(f.options.Map, f.source != "")
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(start, []byte("{")):
		f.format = "JSON Lines"
		f.rows = newJSONReader(lines, names)
	case bytes.HasPrefix(start, []byte("[")):
		return errors.New("unknown format: a JSON array; JSON Lines has one object on each line")
	case !isText(first.text):
		return errNoText
	default:
		var csv *csvReader
		if csv, err = newCSVReader(lines, names); err != nil {
			return err
		}
		f.format, f.rows = "CSV", csv
		if csv.comma != ',' {
			f.format = fmt.Sprintf("CSV, separated by %q,", csv.comma)
		}
	}
	return nil
}

// carriageReturns reads text whose lines end in CR alone, as on the classic
// Macintosh.
type carriageReturns struct{ in io.Reader }

func (c carriageReturns) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

func (f *File) detectONIX(text *bufio.Reader) error {
	reader, err := newONIXReader(text)
	if err != nil {
		return err
	}
	f.format, f.rows = "ONIX", reader
	f.source = cmp.Or(strings.TrimSpace(f.options.Source), reader.source(), f.source)
	return nil
}

func (f *File) nextRecord() (*record, error) {
	if len(f.ahead) == 0 {
		return f.rows.next()
	}
	next := f.ahead[0]
	f.ahead[0] = aheadRecord{}
	f.ahead = f.ahead[1:]
	return next.record, next.err
}

// Next returns the next row: see gateway.BookFile. Every row passes
// model.Book's Validate, and lines never decrease from call to call.
func (f *File) Next() (*model.ImportRow, error) {
	if f.err != nil {
		return nil, f.err
	}
	record, err := f.nextRecord()
	if err == nil {
		if f.decoded != "" && bytes.ContainsRune(record.text, utf8.RuneError) {
			return nil, record.rejectf(model.RowEncoding, "has bytes that are not %s", f.decoded)
		}
		return record.importRow(f.source, f.habits)
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
		f.err = broken(err, f.rows.line())
	}
	return nil, f.err
}

// broken adds to an error the last line that could be read.
func broken(err error, line int) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off after line %d: %w", line, err)
	}
	return fmt.Errorf("the file can't be read after line %d: %w", line, err)
}

// Close closes the file. Standard input stays open.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

func (f *File) CanRewind() bool { return f.regular }

func (f *File) Rewind() error {
	again, err := Open(f.path, f.options)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return errors.Join(err, again.Close())
	}
	*f = *again
	return nil
}

func (f *File) Source() string { return f.source }

func (f *File) Format() string { return f.format }

func (f *File) Columns() (used []gateway.Column, ignored []string) {
	used, ignored = f.rows.columns()
	named := f.source != "" || slices.ContainsFunc(used, func(c gateway.Column) bool { return c.Field == slots[idSourceSlot].name })
	if named {
		return used, ignored
	}
	return slices.DeleteFunc(used, func(c gateway.Column) bool {
		if c.Field == slots[idSlot].name {
			ignored = append(ignored, c.Name)
			return true
		}
		return false
	}), ignored
}

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
