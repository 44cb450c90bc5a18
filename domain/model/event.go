package model

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SearchEvent says that a keyword search was answered, and with what. Its record
// has the keyword as its key, the answer as its value, and CloudEvents 1.0
// headers in binary mode.
type SearchEvent struct {
	// ID is a UUIDv7, new for each answer. Copies of a record share it.
	ID string
	// Source names the run of the shop that accepted the event, and Sequence its
	// position in that run, from 1. The message queue adds both when it accepts
	// the event, so an event to be sent has neither.
	Source   string
	Sequence uint64
	Time     time.Time
	// Search is the search, with its page.
	Search Search
	Visit
	// Match and ServedQuery say how the shop answered. If Match is empty, it
	// follows from Total; if ServedQuery is empty, it follows from the keyword.
	Match       Match
	ServedQuery string
	// TraceParent names the trace that the search belongs to (W3C Trace Context), or is empty.
	TraceParent string
	// Value is the JSON array of the answered books, byte for byte as the API
	// answers it. DecodeBooks reads it.
	Value []byte
	// Total counts the books found for the keyword as typed, Served the books in Value.
	Total, Served int
}

// Visit describes the request behind a search. A search with the zero value
// gets no event.
type Visit struct {
	Surface Surface
	Agent   Agent
	// Tag marks where the request comes from, as ParseTag returned it. It may be
	// empty.
	Tag string
	// ClientID is the random number in the visitor's cookie, or empty.
	ClientID string
	// Visitor is the daily visitor, 16 hexadecimal digits, or empty. Only visits without a
	// ClientID have one.
	Visitor string
	// Language is the first language that the browser asks for, as in Accept-Language, or
	// empty.
	Language string
}

// Surface says where a search was answered.
type Surface string

const (
	PageSurface Surface = "page"
	APISurface  Surface = "api"
	// DemoSurface marks the shoppers that the program simulates.
	DemoSurface Surface = "demo"
)

// Agent says whether a person or a program searched.
type Agent string

const (
	PersonAgent  Agent = "person"
	BotAgent     Agent = "bot"
	UnknownAgent Agent = "unknown"
)

// Match says how the books found relate to the keyword.
type Match string

const (
	// ExactMatch: every word occurs in each book.
	ExactMatch Match = "exact"
	// CorrectedMatch: the shop corrected the keyword.
	CorrectedMatch Match = "corrected"
	// RelaxedMatch: the shop left out some words.
	RelaxedMatch Match = "relaxed"
	// NoMatch: the shop found nothing.
	NoMatch Match = "none"
)

// MaxTag is the longest tag, in code points.
const MaxTag = 100

// ParseTag checks and normalizes the tag of a request: valid UTF-8 without
// control characters, in Unicode NFC, without white space around it. Its error
// has the code Malformed.
func ParseTag(tag string) (string, error) {
	if !utf8.ValidString(tag) {
		return "", Errorf(Malformed, "", "is not valid UTF-8")
	}
	tag = strings.TrimFunc(tag, unicode.IsSpace)
	if utf8.RuneCountInString(tag) > maxDecomposition*MaxTag {
		return "", tooLong(MaxTag)
	}
	tag = nfc(tag)
	if strings.ContainsFunc(tag, unicode.IsControl) {
		return "", Errorf(Malformed, "", "contains a control character")
	}
	if utf8.RuneCountInString(tag) > MaxTag {
		return "", tooLong(MaxTag)
	}
	return tag, nil
}
