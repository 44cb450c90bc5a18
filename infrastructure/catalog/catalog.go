// Package catalog reads the files that a bookstore's catalogue comes in, and
// holds the starter catalogue of an empty shop. It turns a file into rows and
// knows nothing of where they are stored.
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

// maxAhead bounds what is read ahead to learn how names are written, in bytes.
const maxAhead = 4 << 20

// maxID is the longest source and the longest external id, in code points.
const maxID = 190

// bufferSize is how much of a file is read at once, in bytes.
const bufferSize = 64 << 10

// Options tell how a file is read.
type Options struct {
	// Source names the catalogue that the external ids belong to. The
	// default is the file's base name as it is (also its .gz, but without
	// .rejected), of ONIX the sender. What is no regular file has no name:
	// without a source its ids are passed over.
	Source string
	// Map adds names of columns to the known ones: column → field.
	Map map[string]string
	// Encoding is a label of the Encoding Standard (WHATWG); empty to find out.
	Encoding string
	// Stdin is read for the path "-".
	Stdin io.Reader
}

// Column is a column of a CSV file, a key of JSON Lines or an element of ONIX.
type Column struct {
	// Name is what the file calls it, Field what a book does.
	Name, Field string
}

// File reads one file of books.
type File struct {
	path   string
	source string
	format string
	in     *counter
	size   int64
	// decoded is the encoding's name if the text was converted.
	decoded string
	rows    rowReader
	// ahead are records that were read to learn how names are written, and
	// inverted is what was learnt.
	ahead    []aheadRecord
	inverted bool
	closer   io.Closer
	// err is what ended the file.
	err error
}

type aheadRecord struct {
	record *record
	err    error
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
	// line is the number of the last line that was read.
	line() int
	// rejected tells how rejected rows are written.
	rejected() rejectedFormat
}

// Open opens a CSV, JSON Lines or ONIX file, plain or gzipped; "-" is standard
// input. What it is, is told by its content, not by its name. An error doesn't
// name the path, nor do those of Next: the caller does.
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
	f := &File{path: path, source: strings.TrimSpace(opts.Source)}
	regular := false
	if path == "-" {
		f.in = &counter{from: opts.Stdin}
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, withoutPath(err) // the caller names it
		}
		f.closer = file
		info, err := file.Stat()
		if err != nil {
			return f, err
		}
		if info.IsDir() {
			return f, errors.New("is a folder")
		}
		if regular = IsRegular(path); regular {
			f.size = info.Size()
		}
		if f.source == "" && regular {
			f.source = strings.TrimSuffix(strings.ToValidUTF8(filepath.Base(path), "\uFFFD"), rejectedSuffix)
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
	if regular {
		again = func() (io.ReadCloser, error) { return os.Open(path) }
	}
	found, err := findCharset(text, opts.Encoding, again)
	if err != nil {
		return f, err
	}
	if found.decoder != nil {
		f.decoded = found.name
	}
	if err := f.detect(found.reader(text), opts); err != nil {
		return f, err
	}
	f.format += " in " + found.name + packed
	f.lookAhead()
	return f, nil
}

// withoutPath leaves of an error with a path what went wrong.
func withoutPath(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

// IsRegular reports whether path is a file that can be read again under that
// name, rather than a pipe, a device or what another process has opened.
func IsRegular(path string) bool {
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

// unpack sees through gzip.
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

// findCharset looks at the beginning of the text, and, where that is all ASCII
// and the file can be opened again, further.
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
		if err == nil && isUTF8(sample) { // such as rejected rows, in whatever encoding the file was
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
		return nil, nil // a damaged file tells where when it is read
	}
	return sample, nil
}

// detect finds out the format.
func (f *File) detect(text *bufio.Reader, opts Options) error {
	sample, _ := text.Peek(sampleSize)
	if bytes.HasPrefix(bytes.TrimSpace(sample), []byte("<")) {
		return f.detectONIX(text, strings.TrimSpace(opts.Source))
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
	names, err := newNames(opts.Map, f.source != "")
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

// carriageReturns ends lines as a very old Macintosh does.
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

func (f *File) detectONIX(text *bufio.Reader, source string) error {
	onix, err := newONIXReader(text)
	if err != nil {
		return err
	}
	f.format, f.rows = "ONIX", onix
	f.source = cmp.Or(source, onix.sender(), f.source)
	return nil
}

// lookAhead learns from the first records how names are written.
func (f *File) lookAhead() {
	if _, ok := f.rows.(*onixReader); ok {
		return // its names are lists
	}
	var authors []string
	for text := 0; len(f.ahead) < authorSample && text < maxAhead; {
		read, err := f.rows.next()
		var rejected *model.RowError
		if err != nil && !errors.As(err, &rejected) {
			f.ahead = append(f.ahead, aheadRecord{err: err})
			break
		}
		if err != nil {
			f.ahead = append(f.ahead, aheadRecord{err: err})
			continue
		}
		kept := *read
		text += len(kept.text)
		f.ahead = append(f.ahead, aheadRecord{record: &kept})
		if author := kept.values[authorSlot]; author.items == nil && !kept.exported {
			authors = append(authors, author.text)
		}
	}
	f.inverted = areInverted(authors)
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

// Next returns the next row; see gateway.BookSource. Every row passes
// model.Book's Validate, and lines never decrease from call to call.
func (f *File) Next() (*model.ImportRow, error) {
	if f.err != nil {
		return nil, f.err
	}
	record, err := f.nextRecord()
	if err == nil {
		if f.decoded != "" && bytes.ContainsRune(record.text, utf8.RuneError) {
			return nil, record.reject("has bytes that are not %s", f.decoded)
		}
		return record.importRow(f.source, f.inverted)
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

// broken tells how far a file could be read.
func broken(err error, line int) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off after line %d: %w", line, err)
	}
	return fmt.Errorf("the file can't be read on after line %d: %w", line, err)
}

// Close closes the file; standard input stays open.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// SameSource reports whether two files name the same source, as files of one
// base name do unless they say better who they come from.
func SameSource(a, b string) bool {
	var sources []string
	for _, path := range []string{a, b} {
		f, err := Open(path, Options{})
		if err != nil {
			return true // which is told when the file is imported
		}
		sources = append(sources, f.Source())
		f.Close()
	}
	return sources[0] == sources[1]
}

// Source names the catalogue that the file's ids belong to, "" if none does.
func (f *File) Source() string { return f.source }

// Format names the format, the encoding and the compression: "JSON Lines in
// UTF-8, gzip".
func (f *File) Format() string { return f.format }

// Columns returns the columns that became part of books and the names of
// those that didn't. Of JSON Lines they are the keys met so far.
func (f *File) Columns() (used []Column, ignored []string) {
	used, ignored = f.rows.columns()
	named := f.source != "" || slices.ContainsFunc(used, func(c Column) bool { return c.Field == slots[idSourceSlot].name })
	if named {
		return used, ignored
	}
	return slices.DeleteFunc(used, func(c Column) bool {
		if c.Field == slots[idSlot].name {
			ignored = append(ignored, c.Name)
			return true
		}
		return false
	}), ignored
}

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
