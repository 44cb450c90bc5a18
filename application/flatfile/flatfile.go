// Package flatfile turns events into rows for analysts: searches, impressions, clicks, the events
// of User Behavior Insights, and judgements. It must not know where events come from or where
// files go, and it keeps no event in memory, except for sums that judgements need.
package flatfile

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"literank.com/event-books/application/counting"
	"literank.com/event-books/domain/model"
)

// Kind says what the rows of a file are.
type Kind string

const (
	// Searches: a row for each answered search.
	Searches Kind = "searches"
	// Impressions: a row for each book of an answer.
	Impressions Kind = "impressions"
	// Clicks: a row for each book that was opened.
	Clicks Kind = "clicks"
	// UBI: queries and events of User Behavior Insights 1.3.0.
	UBI Kind = "ubi"
	// Judgements: a row for each book that was shown for a keyword, with a rating.
	Judgements Kind = "judgements"
)

// NeedsSearches and NeedsClicks say which events the rows are made of.
func (k Kind) NeedsSearches() bool { return k != Clicks }
func (k Kind) NeedsClicks() bool   { return k == Clicks || k == UBI || k == Judgements }

// Options choose the events of a file.
type Options struct {
	Kind Kind
	// From and To bound the times of events, To excluded. A click of judgements belongs to the
	// time of its search.
	From, To time.Time
	// Surface is that of all events; empty means any, for judgements page.
	Surface model.Surface
	// MinShown is how often a book must have been shown for a keyword to be judged.
	MinShown int
}

// Exporter makes the rows of a file. It takes erasures first, then searches, then clicks. Its
// methods must not be called concurrently.
//
// Visitors get new names that are valid in this file only, so nobody can connect them with the
// topics or with another file. What visitors did who asked to be forgotten is left out.
type Exporter struct {
	Options
	// Rows, Copies and Erased count what was written, and what was left out because it had come
	// before, or because its visitor asked to be forgotten.
	Rows, Copies, Erased int

	write    func(row any) error
	copies   counting.Copies
	key      []byte // of the names of visitors
	erasures map[string]time.Time
	ratings  *ratings
}

// New returns an exporter that passes each row to write: a struct whose fields are the columns.
func New(options Options, write func(row any) error) *Exporter {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	x := &Exporter{Options: options, write: write, key: key, erasures: map[string]time.Time{}}
	if options.Kind == Judgements {
		x.ratings = newRatings()
		if x.Surface == "" {
			x.Surface = model.PageSurface
		}
	}
	return x
}

// AddErasure notes that a visitor asked to be forgotten. timestamp is that of the record.
func (x *Exporter) AddErasure(timestamp time.Time, e *model.VisitorErasedEvent) {
	if until := model.EventTime(e.Time, timestamp); until.After(x.erasures[e.Visitor]) {
		x.erasures[e.Visitor] = until
	}
}

// AddSearch writes the rows of a search that was read from a partition. The error is that of
// write, or ErrTooMany.
func (x *Exporter) AddSearch(partition int32, timestamp time.Time, e *model.SearchEvent) error {
	at := model.EventTime(e.Time, timestamp)
	if !x.includes(at, e.Surface) || x.isErased(e.ClientID, e.Visitor, at) || x.isCopy(partition, e.Source, e.Sequence) {
		return nil
	}
	switch x.Kind {
	case Searches:
		return x.row(x.searchRow(at, e))
	case Impressions:
		return x.impressions(at, e)
	case UBI:
		return x.ubiQuery(at, e)
	}
	return x.ratings.addSearch(e)
}

// AddClick writes the row of a click that was read from a partition. The error is that of write,
// or ErrTooMany.
func (x *Exporter) AddClick(partition int32, timestamp time.Time, e *model.ClickEvent) error {
	at := model.EventTime(e.Time, timestamp)
	in := at
	if x.Kind == Judgements {
		in = model.EventTime(e.SearchTime, timestamp)
	}
	if !x.includes(in, e.Surface) || x.isErased(e.ClientID, e.Visitor, at) || x.isCopy(partition, e.Source, e.Sequence) {
		return nil
	}
	switch x.Kind {
	case Clicks:
		return x.row(x.clickRow(at, e))
	case UBI:
		return x.row(x.ubiClick(at, e))
	}
	return x.ratings.addClick(e)
}

// Close writes what needs all events.
func (x *Exporter) Close() error {
	if x.ratings == nil {
		return nil
	}
	return x.ratings.each(x.MinShown, func(j judgement) error { return x.row(j) })
}

func (x *Exporter) row(row any) error {
	x.Rows++
	return x.write(row)
}

func (x *Exporter) includes(at time.Time, surface model.Surface) bool {
	return !at.Before(x.From) && at.Before(x.To) && (x.Surface == "" || x.Surface == surface)
}

func (x *Exporter) isCopy(partition int32, source string, sequence uint64) bool {
	if x.copies.First(partition, source, sequence) {
		return false
	}
	x.Copies++
	return true
}

// isErased reports whether a visitor asked later to be forgotten.
func (x *Exporter) isErased(clientID, daily string, at time.Time) bool {
	for _, visitor := range []string{clientID, daily} {
		if until, asked := x.erasures[visitor]; asked && visitor != "" && !at.After(until) {
			x.Erased++
			return true
		}
	}
	return false
}

// visitor returns the name of a visitor in this file, or "" for nobody.
func (x *Exporter) visitor(clientID, daily string) string {
	name := clientID
	if name == "" {
		name = daily
	}
	if name == "" {
		return ""
	}
	mac := hmac.New(sha256.New, x.key)
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
