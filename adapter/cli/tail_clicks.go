package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"literank.com/event-books/application/counting"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

func clickPrinter(asJSON bool) printer {
	var copies counting.Copies
	return func(w io.Writer, r *mq.Record) error {
		line, source, sequence, err := readClick(r)
		isCopy := err == nil && !copies.First(r.Partition, source, sequence)
		switch {
		case asJSON:
			return printClickJSON(w, r, isCopy)
		case err != nil:
			return printUnreadable(w, r, "click", err)
		case isCopy:
			line += ", a copy"
		}
		_, err = fmt.Fprintf(w, "%s  %s\n", timeOf(r), line)
		return err
	}
}

// readClick returns what a line says of a click or an erasure, and its place in its source.
func readClick(r *mq.Record) (line, source string, sequence uint64, err error) {
	if r.Header("ce_type") == model.VisitorErasedEventType {
		e, err := model.DecodeVisitorErasedEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			return "", "", 0, err
		}
		return fmt.Sprintf("%-7s  visitor %s", "forget", harmless(e.Visitor)), e.Source, e.Sequence, nil
	}
	e, err := model.DecodeClickEvent(r.Key, r.Headers, r.Value)
	if err != nil {
		return "", "", 0, err
	}
	line = fmt.Sprintf("%-7s  %s  book %d, place %d", who(e.Agent, e.Surface), harmless(string(e.Keyword)), e.Book, e.Ordinal)
	return line, e.Source, e.Sequence, nil
}

// clickJSON is one line of --json about a click or an erasure.
type clickJSON struct {
	recordJSON
	Event json.RawMessage `json:"event"`
	// Copy says that the same event was shown before.
	Copy bool `json:"copy,omitempty"`
}

func printClickJSON(w io.Writer, r *mq.Record, isCopy bool) error {
	event, err := valueJSON(r.Value)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(clickJSON{newRecordJSON(r), event, isCopy})
}
