package model

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// SearchEventType and SearchEventSchema are the CloudEvents type and
	// dataschema of a search event.
	SearchEventType   = "com.literank.books.searched"
	SearchEventSchema = "https://literank.com/event-books/schemas/books.searched/1.json"
)

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Surface says where a search was answered.
type Surface string

const (
	PageSurface Surface = "page"
	APISurface  Surface = "api"
)

// Agent says what asks: a person, or a program.
type Agent string

const (
	PersonAgent  Agent = "person"
	BotAgent     Agent = "bot"
	UnknownAgent Agent = "unknown"
)

// Match says how what was found goes with what was asked.
type Match string

const (
	// ExactMatch: every word occurs in each book.
	ExactMatch Match = "exact"
	// NoMatch: nothing was found.
	NoMatch Match = "none"
)

// Visit is what an event tells of the request that was answered. The zero
// value is a request that no event is told of.
type Visit struct {
	Surface Surface
	Agent   Agent
	// Tag marks where the request comes from, as ParseTag returned it; may be empty.
	Tag string
	// ClientID is the number that the visitor's browser agreed to carry, or empty.
	ClientID string
}

// MaxTag is the longest tag, in code points.
const MaxTag = 100

// ParseTag checks and normalizes the tag of a request: valid UTF-8 without
// control characters, in Unicode NFC, without white space around it. Its error
// has the code Malformed.
func ParseTag(tag string) (string, error) {
	if !utf8.ValidString(tag) {
		return "", Errorf(Malformed, "", "is not valid UTF-8")
	}
	tag = strings.TrimFunc(norm.NFC.String(tag), unicode.IsSpace)
	if strings.ContainsFunc(tag, unicode.IsControl) {
		return "", Errorf(Malformed, "", "contains a control character")
	}
	if utf8.RuneCountInString(tag) > MaxTag {
		return "", tooLong(MaxTag)
	}
	return tag, nil
}

// SearchEvent tells that a keyword search was answered, and with what. It
// becomes a record whose key is the keyword and whose value is the answer,
// described by CloudEvents 1.0 headers in binary mode.
type SearchEvent struct {
	// ID is a UUIDv7, fresh for each answer.
	ID   string
	Time time.Time
	// Search is what was asked, with its page.
	Search Search
	Visit
	// Value is the JSON array of the books answered: the same bytes.
	Value []byte
	// Total counts the books found, Served those answered.
	Total, Served int
}

// Headers returns all headers but ce_source and ce_sequence, which are added
// where the event is accepted.
func (e *SearchEvent) Headers() []Header {
	match := ExactMatch
	if e.Total == 0 {
		match = NoMatch
	}
	headers := make([]Header, 0, 20)
	text := make([]byte, 0, 512) // of all values
	add := func(key, value string) {
		begin := len(text)
		text = append(text, value...)
		headers = append(headers, Header{key, text[begin:len(text):len(text)]})
	}
	add("ce_specversion", "1.0")
	add("ce_id", e.ID)
	add("ce_type", SearchEventType)
	add("ce_time", e.Time.UTC().Format(time.RFC3339Nano))
	add("ce_dataschema", SearchEventSchema)
	add("content-type", "application/json")
	add("ce_surface", string(e.Surface))
	add("ce_agent", string(e.Agent))
	if e.Tag != "" {
		add("ce_tag", e.Tag)
	}
	if e.ClientID != "" {
		add("ce_clientid", e.ClientID)
	}
	add("ce_offset", strconv.Itoa(e.Search.Offset))
	add("ce_limit", strconv.Itoa(e.Search.Limit))
	add("ce_sort", string(e.Search.Sort))
	add("ce_filters", encodeFilters(e.Search.Filters))
	add("ce_match", string(match))
	add("ce_servedquery", e.Search.Keyword.Served())
	add("ce_totalhits", strconv.Itoa(e.Total))
	add("ce_servedhits", strconv.Itoa(e.Served))
	return headers
}

// encodeFilters returns the filters that are set as a query string, ordered by
// name.
func encodeFilters(f Filters) string {
	if f == (Filters{}) {
		return ""
	}
	v := url.Values{}
	for name, text := range map[string]string{"author": f.Author, "language": f.Language, "subject": f.Subject} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if f.Decade != nil {
		v.Set("decade", strconv.Itoa(*f.Decade))
	}
	if f.Available != nil {
		v.Set("available", strconv.FormatBool(*f.Available))
	}
	return v.Encode()
}

// EncodeBooks returns the JSON array that answers a search and is the value
// of its event. No books give "[]".
func EncodeBooks(books []*Book) ([]byte, error) {
	if books == nil {
		books = []*Book{}
	}
	value, err := json.Marshal(books)
	if err != nil {
		return nil, fmt.Errorf("encode books: %w", err)
	}
	return value, nil
}

// DecodeBooks reads the value of a search event. Fields that this version
// doesn't know are passed over.
func DecodeBooks(value []byte) ([]*Book, error) {
	var books []*Book
	if err := json.Unmarshal(value, &books); err != nil {
		return nil, fmt.Errorf("decode books: %w", err)
	}
	return books, nil
}
