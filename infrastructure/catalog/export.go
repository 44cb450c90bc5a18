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

	"literank.com/event-books/domain/model"
)

// Format is one in which a catalogue is written.
type Format int

const (
	JSONLines Format = iota
	CSV
)

// FormatOf tells the format, and whether it is gzipped, by a file's name:
// .csv, .jsonl or .ndjson, each also with .gz.
func FormatOf(path string) (format Format, packed bool, err error) {
	name, packed := strings.CutSuffix(strings.ToLower(path), ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return CSV, packed, nil
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		return JSONLines, packed, nil
	}
	return 0, false, errors.New("its name must end in .csv or .jsonl, also with .gz")
}

// Writer writes a catalogue so that importing it changes nothing: with what
// each book is recognised by, and texts as they are.
type Writer struct {
	out   *bufio.Writer
	gzip  *gzip.Writer // nil if the file is plain
	csv   *csv.Writer  // nil for JSON Lines
	began bool
}

// NewWriter writes to out, which stays open.
func NewWriter(out io.Writer, format Format, packed bool) *Writer {
	w := &Writer{}
	if packed {
		w.gzip = gzip.NewWriter(out)
		out = w.gzip
	}
	w.out = bufio.NewWriterSize(out, bufferSize)
	if format == CSV {
		w.csv = csv.NewWriter(w.out)
	}
	return w
}

// exported are the columns of an export in their order.
var exported = []struct {
	slot slot
	name string
}{
	{idSourceSlot, "id_source"}, {idSlot, "id"}, {fingerprintSlot, "fingerprint"},
	{titleSlot, "title"}, {authorSlot, "author"}, {publishedAtSlot, "published_at"}, {descriptionSlot, "description"},
	{isbnSlot, "isbn"}, {languageSlot, "language"}, {publisherSlot, "publisher"}, {subjectsSlot, "subjects"},
	{seriesSlot, "series"}, {editionSlot, "edition"}, {priceSlot, "price"}, {currencySlot, "currency"},
	{stockSlot, "stock"}, {availabilitySlot, "availability"}, {buyURLSlot, "buy_url"}, {coverURLSlot, "cover_url"},
}

// Write adds one book.
func (w *Writer) Write(row *model.ImportRow) error {
	if w.csv != nil {
		return w.writeCSV(row)
	}
	return w.writeJSON(row)
}

func (w *Writer) writeCSV(row *model.ImportRow) error {
	if err := w.begin(); err != nil {
		return err
	}
	cells := make([]string, len(exported))
	for i, column := range exported {
		cells[i] = exportedText(row, column.slot)
	}
	return w.csv.Write(cells)
}

// begin writes the header.
func (w *Writer) begin() error {
	if w.began || w.csv == nil {
		return nil
	}
	w.began = true
	if _, err := w.out.WriteString("\uFEFF"); err != nil { // by which spreadsheets know UTF-8
		return err
	}
	header := make([]string, len(exported))
	for i, column := range exported {
		header[i] = column.name
	}
	return w.csv.Write(header)
}

func (w *Writer) writeJSON(row *model.ImportRow) error {
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
		case column.slot == stockSlot && row.Book.Stock != nil:
			value = *row.Book.Stock
		}
		if err := json.MarshalEncode(out, value, jsontext.AllowInvalidUTF8(true)); err != nil {
			return fmt.Errorf("book %d: %s: %w", row.Book.ID, column.name, err)
		}
	}
	return out.WriteToken(jsontext.EndObject) // and a line break
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
		return joinSubjects(b.Subjects)
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
	}
	return ""
}

// joinSubjects writes a JSON array where a subject holds what separates others.
func joinSubjects(subjects []string) string {
	joined := strings.Join(subjects, ";")
	if v := (value{text: joined}); !strings.HasPrefix(joined, "[") && strings.Join(v.split(), "\x00") == strings.Join(subjects, "\x00") {
		return joined
	}
	list, _ := json.Marshal(subjects)
	return string(list)
}

// Close writes what is left.
func (w *Writer) Close() error {
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
