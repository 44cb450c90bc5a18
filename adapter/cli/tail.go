package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"literank.com/event-books/application"
	"literank.com/event-books/application/counting"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/mq"
)

type tailCommand struct {
	Topic string `enum:"searches,clicks,changes" default:"searches" help:"What to read: searches, clicks on their books, or the catalogue's changes."`
	JSON  bool   `name:"json" help:"One JSON object per event. Events of one key come in order: a keyword, a search, or a book."`
	From  string `default:"end" placeholder:"beginning|end|TIME" help:"Where to start, by default at the end: TIME is 2006-01-02, 2006-01-02T15:04:05Z, or 10m for ten minutes ago."`
}

func (cmd tailCommand) Run(sh *shell) error {
	from, err := parseStart(cmd.From, time.Now())
	if err != nil {
		return usageError{err}
	}
	c, err := sh.load()
	if err != nil {
		return err
	}
	kafka, err := application.Kafka(c)
	if err != nil {
		return err
	}
	topic, write := c.MQ.SearchTopic(), searchPrinter(cmd.JSON)
	switch cmd.Topic {
	case "clicks":
		topic, write = c.MQ.ClickTopic(), clickPrinter(cmd.JSON)
	case "changes":
		topic, write = c.MQ.ChangeTopic(), changePrinter(cmd.JSON)
	}
	ready := func() { fmt.Fprintf(sh.Err, "reading %s from %s\n", topic, strings.Join(kafka.Brokers, ", ")) }
	waiting := false
	for {
		err := mq.Tail(sh.ctx, kafka, topic, from, ready, func(r *mq.Record) error { return write(sh.Out, r) })
		if !errors.Is(err, mq.ErrNoTopic) {
			if hint := application.BrokerHint(c); err != nil && hint != "" {
				return fmt.Errorf("%w (%s)", err, hint)
			}
			return err
		}
		if !waiting {
			fmt.Fprintf(sh.Err, "waiting for the topic %s to be created\n", topic)
			waiting = true
			from = mq.Start{Beginning: true} // the new topic holds only new events
		}
		select {
		case <-sh.ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// parseStart reads --from.
func parseStart(text string, now time.Time) (mq.Start, error) {
	switch text {
	case "beginning":
		return mq.Start{Beginning: true}, nil
	case "end":
		return mq.Start{}, nil
	}
	at, err := parsePast("--from", "beginning, end, ", text, now)
	return mq.Start{At: at}, err
}

// parsePast reads a time that isn't ahead of now, or a duration before now, from a flag.
// others are the other values that the flag takes.
func parsePast(flag, others, text string, now time.Time) (time.Time, error) {
	if ago, err := config.ParseDuration(text); err == nil {
		if ago < 0 {
			return time.Time{}, fmt.Errorf("%s: %q is a time ahead: write %s for that long ago", flag, text, strings.TrimLeft(text, "-"))
		}
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		at, err := time.ParseInLocation(layout, text, time.Local)
		if err != nil {
			continue
		}
		if at.After(now) {
			return time.Time{}, fmt.Errorf("%s: %q is a time ahead: it is now %s", flag, text, now.Local().Format(time.DateTime))
		}
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%s: %q must be %sa duration before now such as 30m, 24h or 7d, or a time such as 2006-01-02, "+
		"\"2006-01-02 15:04\" or 2006-01-02T15:04:05Z", flag, text, others)
}

// printer writes a record for the reader of events tail.
type printer func(w io.Writer, r *mq.Record) error

func searchPrinter(asJSON bool) printer {
	write := printEvent
	if asJSON {
		write = printEventJSON
	}
	var copies counting.Copies
	return func(w io.Writer, r *mq.Record) error { return write(w, r, isCopy(&copies, r)) }
}

// isCopy reports whether the record is a copy of an earlier one.
func isCopy(copies *counting.Copies, r *mq.Record) bool {
	e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
	return err == nil && !copies.First(r.Partition, e.Source, e.Sequence)
}

// printUnreadable writes one line about a record that isn't what its topic is for.
func printUnreadable(w io.Writer, r *mq.Record, what string, reason error) error {
	_, err := fmt.Fprintf(w, "%s  %s  (not a %s, %d bytes: %s)\n", timeOf(r), harmless(r.Key), what, len(r.Value), harmless(reason.Error()))
	return err
}

// timeOf returns the record's time as a line shows it.
func timeOf(r *mq.Record) string { return r.Time.Local().Format(time.DateTime) }

// printEvent writes one line: time, who searched, key, number of books found and the
// titles on the answered page.
func printEvent(w io.Writer, r *mq.Record, isCopy bool) error {
	e, books, err := readEvent(r)
	if err != nil {
		return printUnreadable(w, r, "search", err)
	}
	found := fmt.Sprintf("%d found", e.Total)
	if e.Match == model.CorrectedMatch || e.Match == model.RelaxedMatch {
		found = fmt.Sprintf("%s, shown: %s", found, harmless(e.ServedQuery))
	}
	if e.Search.Offset > 0 {
		found = fmt.Sprintf("%s, from %d", found, e.Search.Offset+1)
	}
	if isCopy {
		found += ", a copy"
	}
	titles := make([]string, len(books))
	for i, b := range books {
		titles[i] = harmless(b.Title)
	}
	line := fmt.Sprintf("%s  %-7s  %s  %s  %s", timeOf(r), who(e.Agent, e.Surface), harmless(r.Key), found, strings.Join(titles, " · "))
	_, err = fmt.Fprintln(w, strings.TrimRight(line, " "))
	return err
}

// who returns who caused an event, as a line shows it.
func who(agent model.Agent, surface model.Surface) string {
	if surface == model.DemoSurface {
		return string(surface)
	}
	return string(agent)
}

// readEvent shows the books of a later version's event, too, even if a header has a value
// that this version doesn't know. Then it knows only their number.
func readEvent(r *mq.Record) (*model.SearchEvent, []*model.Book, error) {
	e, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
	books, decoding := model.DecodeBooks(r.Value)
	if err != nil && decoding == nil && len(books) > 0 {
		return &model.SearchEvent{Visit: model.Visit{Agent: model.UnknownAgent}, Total: len(books)}, books, nil
	}
	return e, books, cmp.Or(err, decoding)
}

// recordJSON is one line of --json, apart from the value. It shows the record as it is, so
// that it can show a record that doesn't decode, too.
type recordJSON struct {
	Position struct {
		Partition int32 `json:"partition"`
		Offset    int64 `json:"offset"`
	} `json:"position"`
	Key     string            `json:"key"`
	Time    time.Time         `json:"time"`
	Headers map[string]string `json:"headers"`
}

func newRecordJSON(r *mq.Record) recordJSON {
	j := recordJSON{Key: r.Key, Time: r.Time.UTC(), Headers: map[string]string{}}
	j.Position.Partition, j.Position.Offset = r.Partition, r.Offset
	for _, h := range r.Headers {
		j.Headers[h.Key] = string(h.Value)
	}
	return j
}

// valueJSON returns a value as JSON: as it is, as a string if it isn't JSON, or null for
// a tombstone.
func valueJSON(value []byte) (json.RawMessage, error) {
	switch {
	case value == nil:
		return json.RawMessage("null"), nil
	case json.Valid(value):
		return value, nil
	}
	return json.Marshal(string(value))
}

// eventJSON is one line of --json about a search.
type eventJSON struct {
	recordJSON
	Books json.RawMessage `json:"books"`
	// Copy says that the same event was shown before.
	Copy bool `json:"copy,omitempty"`
}

func printEventJSON(w io.Writer, r *mq.Record, isCopy bool) error {
	books, err := valueJSON(r.Value)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(eventJSON{newRecordJSON(r), books, isCopy})
}
