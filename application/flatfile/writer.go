package flatfile

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"literank.com/event-books/domain/model"
)

// Format is how rows are written.
type Format string

const (
	// JSONLines: one JSON object per line.
	JSONLines Format = "jsonl"
	// CSV: RFC 4180, but lines end with LF; the first line has the names of the columns. Cells
	// that a spreadsheet would run as formulas begin with an apostrophe.
	CSV Format = "csv"
)

// Writer writes rows. All of them must be of one kind.
type Writer struct {
	out     *bufio.Writer
	json    *json.Encoder // nil for CSV
	csv     *csv.Writer   // nil for JSON Lines
	columns []string      // nil before the first row
}

// NewWriter returns a writer to out. It writes the names of the columns of that kind at once, so
// a file without rows has them, too.
func NewWriter(out io.Writer, kind Kind, format Format) (*Writer, error) {
	w := &Writer{out: bufio.NewWriter(out)}
	if format != CSV {
		w.json = json.NewEncoder(w.out)
		w.json.SetEscapeHTML(false)
		return w, nil
	}
	row, ok := map[Kind]any{Searches: searchRow{}, Impressions: impressionRow{}, Clicks: clickRow{}, Judgements: judgement{}}[kind]
	if !ok {
		return nil, errors.New("queries and events of User Behavior Insights have different fields, so they can't be CSV")
	}
	w.csv = csv.NewWriter(w.out)
	w.columns = columnsOf(reflect.TypeOf(row))
	if chosen, ok := row.(interface{ columns() []string }); ok {
		w.columns = chosen.columns()
	}
	return w, w.csv.Write(w.columns)
}

// Write writes a row of the Exporter.
func (w *Writer) Write(row any) error {
	if w.json != nil {
		return w.json.Encode(row)
	}
	cells := make([]string, len(w.columns))
	eachColumn(reflect.ValueOf(row), func(name string, value any) {
		if i := slices.Index(w.columns, name); i >= 0 {
			cells[i] = model.SpreadsheetText(cell(value))
		}
	})
	return w.csv.Write(cells)
}

// Close writes what is buffered. It doesn't close the file.
func (w *Writer) Close() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.out.Flush()
}

// columnsOf returns the names of a row's columns in order.
func columnsOf(row reflect.Type) (columns []string) {
	for field := range row.Fields() {
		if field.Anonymous {
			columns = append(columns, columnsOf(field.Type)...)
		} else {
			columns = append(columns, nameOf(field))
		}
	}
	return columns
}

func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// eachColumn calls do for the columns of a row in order.
func eachColumn(row reflect.Value, do func(name string, value any)) {
	for field, value := range row.Fields() {
		if field.Anonymous {
			eachColumn(value, do)
		} else {
			do(nameOf(field), value.Interface())
		}
	}
}

func cell(value any) string {
	switch v := value.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *string:
		if v == nil {
			return ""
		}
		return *v
	}
	return fmt.Sprint(value)
}
