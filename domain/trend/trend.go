// Package trend defines what the numbers about searches mean: days, buckets, facts of a
// search, and the counts that follow from them. Every number depends on the events alone,
// whatever the order in which they arrive. It must not know where events come from or how
// numbers are stored.
package trend

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"literank.com/event-books/domain/model"
)

const (
	// BucketLength is the time in which a visitor who repeats a search counts once.
	BucketLength = 30 * time.Minute
	// Buckets is the number of buckets of a day.
	Buckets = int(24 * time.Hour / BucketLength)
	// KeepDays is how many days are kept by default.
	KeepDays = 35
	// TooLate is how much older than the newest event before it an event may be.
	TooLate = KeepDays * 24 * time.Hour
)

// Day is a UTC day, counted from 1970-01-01.
type Day int32

// DayOf returns the day of a time.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	const day = 24 * 60 * 60
	if seconds < 0 {
		seconds -= day - 1
	}
	return Day(seconds / day)
}

// Start returns the first moment of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// BucketOf returns the bucket of a time within its day, from 0.
func BucketOf(t time.Time) int { return int(t.Sub(DayOf(t).Start()) / BucketLength) }

// Search is a search event, as it counts.
type Search struct {
	// ID is the event's id.
	ID string
	// At is the time at which it counts.
	At time.Time
	// Keyword is what was typed, Folded its identity. Public is the query that the shop
	// answered, if it was the keyword as typed or corrected, or else empty.
	Keyword, Folded, Public string
	Visitor                 Visitor
	Surface                 model.Surface
	Tag, Language           string
	Bot                     bool
	// First says that it is the first page of the result.
	First bool
	Facts Fact
	// Books are the first books that were found, at most MaxBooks.
	Books []uint
}

// maxLanguage is the length of the longest language tag that is kept.
const maxLanguage = 35

// languageOf returns a canonical language tag, or "" if the text is no language tag.
func languageOf(text string) string {
	tag, err := model.ParseLanguage(text)
	if err != nil || len(tag) > maxLanguage {
		return ""
	}
	return tag
}

// maxID is the length of the longest id that is kept as it is.
const maxID = 64

// MaxBooks is how many books are kept for a keyword.
const MaxBooks = 5

// NewSearch returns an event as it counts. record is the time of its record.
func NewSearch(e *model.SearchEvent, record time.Time) *Search {
	s := &Search{
		ID: e.ID, At: model.EventTime(e.Time, record),
		Keyword: string(e.Search.Keyword), Folded: model.Fold(string(e.Search.Keyword)),
		Visitor: VisitorOf(e.ClientID, e.Visitor), Surface: e.Surface, Tag: e.Tag, Language: languageOf(e.Language), Bot: e.Agent == model.BotAgent,
		First: e.Search.Offset == 0, Facts: Searched,
	}
	if s.Surface == "" { // another program's
		s.Surface = model.APISurface
	}
	if served, err := model.ParseKeyword(e.ServedQuery); err == nil && (e.Match == model.ExactMatch || e.Match == model.CorrectedMatch) {
		s.Public = string(served)
	}
	if len(s.ID) > maxID { // another program's
		sum := sha256.Sum256([]byte(s.ID))
		s.ID = hex.EncodeToString(sum[:])
	}
	filtered := e.Search.Filters != (model.Filters{})
	note := func(fact Fact, holds bool) {
		if holds {
			s.Facts |= fact
		}
	}
	note(Shown, e.Served > 0)
	note(Hit, e.Total > 0)
	note(Empty, s.First && !filtered && e.Total == 0)
	note(FilteredOut, filtered && e.Total == 0)
	note(PastEnd, !s.First && e.Total > 0 && e.Served == 0)
	return s
}

// PublicFolded is the identity of Public, which is mostly the keyword as typed.
func (s *Search) PublicFolded() string {
	if s.Public == s.Keyword {
		return s.Folded
	}
	return model.Fold(s.Public)
}

// Click is a click event, as it counts.
type Click struct {
	// SearchID and Book are its identity: a book of a result counts once.
	SearchID string
	Book     uint
	// At is the time of the click, SearchedAt that of its search.
	At, SearchedAt time.Time
	Keyword        string // as typed
	Folded         string
	Visitor        Visitor
	Surface        model.Surface
	Tag, Language  string
	// First says that the search had offset 0.
	First bool
	// Ordinal is the place of the book in the result, from 1.
	Ordinal int
}

// NewClick returns an event as it counts. record is the time of its record.
func NewClick(e *model.ClickEvent, record time.Time) *Click {
	c := &Click{
		SearchID: e.SearchID, Book: e.Book,
		At: model.EventTime(e.Time, record), SearchedAt: model.EventTime(e.SearchTime, record),
		Keyword: string(e.Keyword), Folded: model.Fold(string(e.Keyword)),
		Visitor: VisitorOf(e.ClientID, e.Visitor), Surface: e.Surface, Tag: e.Tag, Language: languageOf(e.Language),
		First: e.Offset == 0, Ordinal: e.Ordinal,
	}
	if c.Surface == "" { // another program's
		c.Surface = model.PageSurface
	}
	// Links are valid for a day. Other times are those of another program.
	if latest := c.SearchedAt.Add(24 * time.Hour); c.At.Before(c.SearchedAt) {
		c.At = c.SearchedAt
	} else if c.At.After(latest) {
		c.At = latest
	}
	return c
}

// Erasure asks not to count the searches and clicks of a visitor up to a time.
type Erasure struct {
	Visitor Visitor
	Until   time.Time
}

// NewErasure returns an event as it counts. record is the time of its record.
func NewErasure(e *model.VisitorErasedEvent, record time.Time) *Erasure {
	return &Erasure{Visitor: ErasedVisitor(e.Visitor), Until: model.EventTime(e.Time, record)}
}
