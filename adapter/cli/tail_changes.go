package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/mq"
)

func changePrinter(asJSON bool) printer {
	if asJSON {
		return printChangeJSON
	}
	return printChange
}

// printChange writes one line: time, kind, book, version, title and author.
func printChange(w io.Writer, r *mq.Record) error {
	c, err := model.DecodeChange(r.Key, r.Headers, r.Value)
	if err != nil {
		return printUnreadable(w, r, "change", err)
	}
	kind, title := harmless(string(c.Kind)), ""
	if r.Value == nil {
		kind = "tombstone"
	}
	if c.Book != nil {
		title = harmless(strings.TrimSuffix(c.Book.Title+" · "+c.Book.Author, " · "))
	}
	line := fmt.Sprintf("%s  %-9s  book %d  version %d  %s", timeOf(r), kind, c.BookID, c.Version, title)
	_, err = fmt.Fprintln(w, strings.TrimRight(line, " "))
	return err
}

// changeJSON is one line of --json about a change.
type changeJSON struct {
	recordJSON
	// Change is null for a tombstone.
	Change json.RawMessage `json:"change"`
}

func printChangeJSON(w io.Writer, r *mq.Record) error {
	change, err := valueJSON(r.Value)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(changeJSON{newRecordJSON(r), change})
}
