package catalog

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/disk"
)

// output implements gateway.BookOutput.
type output struct {
	path    string // "-" is stdout
	stdout  io.Writer
	csv     bool // else JSON Lines
	gzipped bool
	// spreadsheet: cells that a spreadsheet would run are escaped.
	spreadsheet bool
}

// NewOutput returns the file that an export writes to, or stdout if path is
// "-". format is "csv" or "jsonl". If it is empty, the path's ending decides:
// .csv, .jsonl or .ndjson, each also with .gz. stdout gets JSON Lines then. With
// spreadsheet, the file is CSV that is safe to open in a spreadsheet.
func NewOutput(path, format string, spreadsheet bool, stdout io.Writer) (gateway.BookOutput, error) {
	if spreadsheet && path == "-" && format == "" {
		format = "csv"
	}
	o, err := newOutput(path, format, stdout)
	if err != nil {
		return nil, err
	}
	if o.spreadsheet = spreadsheet; spreadsheet && !o.csv {
		return nil, errors.New("--spreadsheet needs a CSV file: give it a name that ends in .csv")
	}
	return o, nil
}

func newOutput(path, format string, stdout io.Writer) (*output, error) {
	o := &output{path: path, stdout: stdout, csv: format == "csv"}
	if path == "-" {
		return o, nil
	}
	name, gzipped := strings.CutSuffix(strings.ToLower(path), ".gz")
	o.gzipped = gzipped
	switch {
	case strings.HasSuffix(name, ".csv"):
		o.csv = true
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		o.csv = false
	default:
		return nil, fmt.Errorf("%s: the name must end in .csv or .jsonl, also with .gz", path)
	}
	if format != "" && (format == "csv") != o.csv {
		return nil, fmt.Errorf("--format %s doesn't fit the name %s", format, path)
	}
	return o, nil
}

func (o *output) Write(fill func(add func(*model.ImportRow) error) error) error {
	write := func(out io.Writer) error {
		w := newWriter(out, o.csv, o.gzipped)
		w.spreadsheet = o.spreadsheet
		return errors.Join(fill(w.add), w.close())
	}
	if o.path == "-" {
		return write(o.stdout)
	}
	return disk.Replace(o.path, 0o666, write)
}

// writer writes books with everything that an import needs to recognise them,
// so that importing them again changes nothing.
type writer struct {
	out   *bufio.Writer
	gzip  *gzip.Writer // nil if the file is plain
	csv   *csv.Writer  // nil for JSON Lines
	began bool
	// spreadsheet: see output.
	spreadsheet bool
}

// newWriter writes to out, which stays open.
func newWriter(out io.Writer, asCSV, gzipped bool) *writer {
	w := &writer{}
	if gzipped {
		w.gzip = gzip.NewWriter(out)
		out = w.gzip
	}
	w.out = bufio.NewWriterSize(out, bufferSize)
	if asCSV {
		w.csv = csv.NewWriter(w.out)
	}
	return w
}

// exported lists the columns of an export in their order.
var exported = []struct {
	slot slot
	name string
}{
	{idSourceSlot, "id_source"}, {idSlot, "id"}, {fingerprintSlot, "fingerprint"},
	{titleSlot, "title"}, {authorSlot, "author"}, {publishedAtSlot, "published_at"}, {descriptionSlot, "description"},
	{isbnSlot, "isbn"}, {languageSlot, "language"}, {publisherSlot, "publisher"}, {subjectsSlot, "subjects"},
	{seriesSlot, "series"}, {editionSlot, "edition"}, {priceSlot, "price"}, {currencySlot, "currency"},
	{stockSlot, "stock"}, {availabilitySlot, "availability"}, {buyURLSlot, "buy_url"}, {coverURLSlot, "cover_url"},
	{popularitySlot, "popularity"}, {authorAliasesSlot, "author_aliases"},
}

// isFormula reports whether a spreadsheet may run a cell instead of showing it
// (OWASP, CSV injection).
func isFormula(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) }) == 0
}

// escapeCell puts an apostrophe before a formula, and before a text that already
// looks like an escaped one.
func escapeCell(text string) string {
	if isFormula(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

// unescapeCell takes back what escapeCell did.
func unescapeCell(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok && isFormula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return text
}

// add writes one book.
func (w *writer) add(row *model.ImportRow) error {
	if w.csv != nil {
		return w.writeCSV(row)
	}
	return w.writeJSON(row)
}

func (w *writer) writeCSV(row *model.ImportRow) error {
	if err := w.begin(); err != nil {
		return err
	}
	cells := make([]string, len(exported))
	for i, column := range exported {
		cells[i] = exportedText(row, column.slot)
	}
	if w.spreadsheet {
		for i := range cells {
			cells[i] = escapeCell(cells[i])
		}
		cells = append(cells, "")
	}
	return w.csv.Write(cells)
}

// begin writes the header of a CSV file once.
func (w *writer) begin() error {
	if w.began || w.csv == nil {
		return nil
	}
	w.began = true
	if _, err := w.out.WriteString(byteOrderMark); err != nil { // spreadsheets recognise UTF-8 by it
		return err
	}
	header := make([]string, len(exported))
	for i, column := range exported {
		header[i] = column.name
	}
	if w.spreadsheet {
		header = append(header, slots[spreadsheetSlot].name)
	}
	return w.csv.Write(header)
}

func (w *writer) writeJSON(row *model.ImportRow) error {
	out := jsontext.NewEncoder(w.out)
	if err := out.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, column := range exported {
		if err := out.WriteToken(jsontext.String(column.name)); err != nil {
			return err
		}
		var value any
		if text := exportedText(row, column.slot); text != "" {
			value = text
		}
		switch {
		case column.slot == subjectsSlot && len(row.Book.Subjects) > 0:
			value = row.Book.Subjects
		case column.slot == authorAliasesSlot && len(row.Book.AuthorAliases) > 0:
			value = row.Book.AuthorAliases
		case column.slot == popularitySlot && row.Book.Popularity != 0:
			value = row.Book.Popularity
		case column.slot == stockSlot && row.Book.Stock != nil:
			value = *row.Book.Stock
		}
		if err := json.MarshalEncode(out, value, jsontext.AllowInvalidUTF8(true)); err != nil {
			return fmt.Errorf("book %d: %s: %w", row.Book.ID, column.name, err)
		}
	}
	return out.WriteToken(jsontext.EndObject) // which adds a line break
}

func exportedText(row *model.ImportRow, s slot) string {
	b := &row.Book
	switch s {
	case idSourceSlot:
		return row.Source
	case idSlot:
		return row.ExternalID
	case fingerprintSlot:
		if row.Fingerprint == (model.Fingerprint{}) {
			return ""
		}
		return hex.EncodeToString(row.Fingerprint[:])
	case titleSlot:
		return b.Title
	case authorSlot:
		return b.Author
	case publishedAtSlot:
		return b.PublishedAt
	case descriptionSlot:
		return b.Description
	case isbnSlot:
		return b.ISBN
	case languageSlot:
		return b.Language
	case publisherSlot:
		return b.Publisher
	case subjectsSlot:
		return joinList(b.Subjects)
	case seriesSlot:
		return b.Series
	case editionSlot:
		return b.Edition
	case priceSlot:
		return b.Price
	case currencySlot:
		return b.Currency
	case stockSlot:
		if b.Stock != nil {
			return strconv.Itoa(*b.Stock)
		}
	case availabilitySlot:
		return string(b.Availability)
	case buyURLSlot:
		return b.BuyURL
	case coverURLSlot:
		return b.CoverURL
	case popularitySlot:
		if b.Popularity != 0 {
			return strconv.FormatInt(b.Popularity, 10)
		}
	case authorAliasesSlot:
		return joinList(b.AuthorAliases)
	}
	return ""
}

// joinList writes a JSON array if an item contains a separator.
func joinList(items []string) string {
	joined := strings.Join(items, ";")
	if v := (value{text: joined}); !strings.HasPrefix(joined, "[") && strings.Join(v.split(), "\x00") == strings.Join(items, "\x00") {
		return joined
	}
	list, _ := json.Marshal(items)
	return string(list)
}

// close writes the buffered rest.
func (w *writer) close() error {
	err := w.begin()
	if w.csv != nil {
		w.csv.Flush()
		err = errors.Join(err, w.csv.Error())
	}
	err = errors.Join(err, w.out.Flush())
	if w.gzip != nil {
		err = errors.Join(err, w.gzip.Close())
	}
	return err
}
