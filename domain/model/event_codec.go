package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// SearchEventType and SearchEventSchema are the CloudEvents type and
	// dataschema of a search event.
	SearchEventType   = "com.literank.books.searched"
	SearchEventSchema = "https://literank.com/event-books/schemas/books.searched/1.json"

	cloudEventsVersion = "1.0"
	jsonContentType    = "application/json"
)

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// FindHeader returns the value of the first header with that key, or "".
func FindHeader(headers []Header, key string) string {
	for _, h := range headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Headers returns the headers of the event, without ce_source and ce_sequence.
func (e *SearchEvent) Headers() []Header {
	headers := make([]Header, 0, 22)
	text := make([]byte, 0, 512) // all values share one allocation
	add := func(key, value string) {
		begin := len(text)
		text = append(text, value...)
		headers = append(headers, Header{key, text[begin:len(text):len(text)]})
	}
	add("ce_specversion", cloudEventsVersion)
	add("ce_id", e.ID)
	add("ce_type", SearchEventType)
	add("ce_time", e.Time.UTC().Format(time.RFC3339Nano))
	add("ce_dataschema", SearchEventSchema)
	add("content-type", jsonContentType)
	if e.TraceParent != "" {
		add("traceparent", e.TraceParent)
	}
	add("ce_surface", string(e.Surface))
	add("ce_agent", string(e.Agent))
	if e.Tag != "" {
		add("ce_tag", e.Tag)
	}
	if e.ClientID != "" {
		add("ce_clientid", e.ClientID)
	}
	if e.Visitor != "" {
		add("ce_visitor", e.Visitor)
	}
	if e.Language != "" {
		add("ce_language", e.Language)
	}
	add("ce_offset", strconv.Itoa(e.Search.Offset))
	add("ce_limit", strconv.Itoa(e.Search.Limit))
	add("ce_sort", string(e.Search.Sort))
	add("ce_filters", EncodeFilters(e.Search.Filters))
	if e.Search.ByWork {
		add("ce_group", Group(true))
	}
	add("ce_match", string(cmp.Or(e.Match, MatchOf(e.Total))))
	add("ce_servedquery", cmp.Or(e.ServedQuery, e.Search.Keyword.Served()))
	add("ce_totalhits", strconv.Itoa(e.Total))
	add("ce_servedhits", strconv.Itoa(e.Served))
	return headers
}

// MatchOf says how the books relate to a keyword of which a search finds so many as typed.
func MatchOf(total int) Match {
	if total == 0 {
		return NoMatch
	}
	return ExactMatch
}

// DecodeSearchEvent reads a record of the topic of searches. It ignores unknown
// headers. The events of other programs may lack headers, which gives defaults:
//
//   - ID, TraceParent, Source, Sequence, Surface, Tag, ClientID, Visitor, Language, Offset and
//     Limit are zero. So is Time; the record's timestamp may take its place.
//   - Agent is UnknownAgent, Sort ByRelevance, and no filter is set.
//   - Served is the number of books in the value, Total equals Served.
//   - Match and ServedQuery follow from Total and the keyword.
//
// An empty header counts as missing. If a header comes twice, the first one
// counts. The error has the code Malformed and names the header, or "key" or
// "value". DecodeSearchEvent checks that the value is a JSON array and leaves its
// books to DecodeBooks; the event keeps the value without copying it.
func DecodeSearchEvent(key string, headers []Header, value []byte) (*SearchEvent, error) {
	keyword, err := decodeKeyword(key)
	if err != nil {
		return nil, malformed("key", err)
	}
	e := &SearchEvent{
		Search: Search{Keyword: keyword, Sort: ByRelevance},
		Visit:  Visit{Agent: UnknownAgent},
		Value:  value,
	}
	if e.Served, err = countElements(value); err != nil {
		return nil, malformed("value", err)
	}
	seen, err := decodeHeaders(headers, e.decodeHeader)
	if err != nil {
		return nil, err
	}
	if !seen["ce_totalhits"] {
		e.Total = e.Served
	}
	e.Match = cmp.Or(e.Match, MatchOf(e.Total))
	e.ServedQuery = cmp.Or(e.ServedQuery, keyword.Served())
	return e, nil
}

func malformed(field string, cause error) error {
	return Errorf(Malformed, field, "%v", cause)
}

func countElements(value []byte) (n int, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if start, err := decoder.ReadToken(); err != nil || start.Kind() != '[' {
		return 0, errNoArray
	}
	for ; decoder.PeekKind() != ']'; n++ {
		if decoder.SkipValue() != nil {
			return 0, errNoArray
		}
	}
	_, end := decoder.ReadToken()
	if _, after := decoder.ReadToken(); end != nil || after != io.EOF {
		return 0, errNoArray
	}
	return n, nil
}

var errNoArray = errors.New("is not a JSON array")

// envelope has what the headers of all events say (CloudEvents 1.0): the required type and schema
// of the value, and where the rest goes.
type envelope struct {
	kind, schema string
	id, source   *string
	sequence     *uint64
	at           *time.Time
	traceParent  *string
}

// decode reads a header into its field, and reports whether it is one of the envelope.
func (e envelope) decode(name, value string) (known bool, err error) {
	switch name {
	case "ce_specversion":
		err = requireValue(value, cloudEventsVersion)
	case "ce_type":
		err = requireValue(value, e.kind)
	case "ce_dataschema":
		err = requireValue(value, e.schema)
	case "content-type":
		err = requireJSON(value)
	case "traceparent":
		*e.traceParent = decodeTraceParent(value)
	case "ce_id":
		*e.id, err = decodeText(value)
	case "ce_source":
		*e.source, err = decodeText(value)
	case "ce_sequence":
		*e.sequence, err = decodeSequence(value)
	case "ce_time":
		*e.at, err = decodeTime(value)
	default:
		return false, nil
	}
	return true, err
}

// decodeHeader reads a header that isn't empty into its field.
func (e *SearchEvent) decodeHeader(name, value string) (err error) {
	common := envelope{SearchEventType, SearchEventSchema, &e.ID, &e.Source, &e.Sequence, &e.Time, &e.TraceParent}
	if known, err := common.decode(name, value); known {
		return err
	}
	switch name {
	case "ce_surface":
		e.Surface, err = decodeOneOf(value, PageSurface, APISurface, DemoSurface)
	case "ce_agent":
		e.Agent, err = decodeOneOf(value, PersonAgent, BotAgent, UnknownAgent)
	case "ce_tag":
		e.Tag, err = ParseTag(value)
	case "ce_clientid":
		e.ClientID, err = decodeText(value)
	case "ce_visitor":
		e.Visitor, err = decodeVisitor(value)
	case "ce_language":
		e.Language, err = decodeText(value)
	case "ce_offset":
		e.Search.Offset, err = decodeNumber(value, MaxOffset)
	case "ce_limit":
		e.Search.Limit, err = decodeNumber(value, MaxLimit)
	case "ce_sort":
		e.Search.Sort, err = ParseSort(value)
	case "ce_filters":
		e.Search.Filters, err = decodeFilters(value)
	case "ce_group":
		e.Search.ByWork, err = ParseGroup(value)
	case "ce_match":
		e.Match, err = decodeOneOf(value, ExactMatch, CorrectedMatch, RelaxedMatch, NoMatch)
	case "ce_servedquery":
		e.ServedQuery, err = decodeText(value)
	case "ce_totalhits":
		e.Total, err = decodeNumber(value, 1<<31-1)
	case "ce_servedhits":
		e.Served, err = decodeNumber(value, 1<<31-1)
	}
	return err
}

// traceParent is a traceparent of W3C Trace Context, of version 00.
var traceParent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// decodeTraceParent returns "" for a malformed header, which W3C wants to be ignored.
func decodeTraceParent(value string) string {
	if !traceParent.MatchString(value) {
		return ""
	}
	return value
}

func requireValue(value, required string) error {
	if value != required {
		return fmt.Errorf("must be %s", required)
	}
	return nil
}

// requireJSON requires JSON's media type, with any parameters.
func requireJSON(contentType string) error {
	if mediaType, _, err := mime.ParseMediaType(contentType); err == nil {
		contentType = mediaType
	}
	return requireValue(contentType, jsonContentType)
}

func decodeText(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", errors.New("is not valid UTF-8")
	}
	return value, nil
}

// visitorDigits is the length of a daily visitor.
const visitorDigits = 16

func decodeVisitor(value string) (string, error) {
	if len(value) != visitorDigits || strings.Trim(value, "0123456789abcdef") != "" {
		return "", fmt.Errorf("must be %d hexadecimal digits", visitorDigits)
	}
	return value, nil
}

func decodeNumber(value string, most int) (int, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > uint64(most) {
		return 0, fmt.Errorf("must be a whole number from 0 to %d", most)
	}
	return int(n), nil
}

func decodeSequence(value string) (uint64, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n == 0 {
		return 0, errors.New("must be a whole number from 1")
	}
	return n, nil
}

func decodeTime(value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return t, errors.New("must be a time such as 2026-07-01T10:30:00.12Z")
	}
	if _, offset := t.Zone(); offset != 0 {
		return t, errors.New("must be in UTC")
	}
	return t.UTC(), nil
}

func decodeOneOf[T ~string](value string, known ...T) (T, error) {
	if !slices.Contains(known, T(value)) {
		return "", fmt.Errorf("must be one of %v", known)
	}
	return T(value), nil
}

// EncodeFilters returns the filters that are set as a query string, ordered by
// name.
func EncodeFilters(f Filters) string {
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

// decodeFilters reads what EncodeFilters wrote. It refuses an unknown filter:
// without it, the search would look wider than it was.
func decodeFilters(encoded string) (f Filters, err error) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return f, errors.New("is not a query string")
	}
	for name, list := range values {
		if len(list) != 1 {
			return f, fmt.Errorf("%s is given %d times", name, len(list))
		}
		if err := f.decode(name, list[0]); err != nil {
			return f, fmt.Errorf("%s %w", name, err)
		}
	}
	return f, nil
}

func (f *Filters) decode(name, value string) (err error) {
	switch name {
	case "author":
		f.Author, err = ParseFilterText(value)
	case "subject":
		f.Subject, err = ParseFilterText(value)
	case "language":
		f.Language, err = ParseLanguage(value)
	case "decade":
		f.Decade = new(int)
		*f.Decade, err = ParseDecade(value)
	case "available":
		f.Available = new(bool)
		*f.Available, err = ParseBool(value)
	default:
		err = errors.New("is not a filter")
	}
	return err
}

// ListedBook is a book in a result.
type ListedBook struct {
	*Book
	// Editions counts the further editions of its work that match, if works are listed.
	Editions int `json:"editions,omitempty"`
}

// EncodeBooks returns the JSON array that answers a search and is the value
// of its event. No books give "[]".
func EncodeBooks(books []ListedBook) ([]byte, error) {
	if books == nil {
		books = []ListedBook{}
	}
	value, err := json.Marshal(books)
	if err != nil {
		return nil, fmt.Errorf("encode books: %w", err)
	}
	return value, nil
}

// DecodeBooks reads the value of a search event. It ignores unknown fields.
func DecodeBooks(value []byte) ([]*Book, error) {
	var books []*Book
	if err := json.Unmarshal(value, &books); err != nil {
		return nil, fmt.Errorf("decode books: %w", err)
	}
	return books, nil
}
