package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// The CloudEvents types and dataschemas of the topic of clicks.
const (
	ClickEventType           = "com.literank.books.clicked"
	ClickEventSchema         = "https://literank.com/event-books/schemas/books.clicked/1.json"
	VisitorErasedEventType   = "com.literank.books.visitor_erased"
	VisitorErasedEventSchema = "https://literank.com/event-books/schemas/books.visitor_erased/1.json"
)

const (
	// clickAction is the action_name of a click.
	clickAction = "click"
	// maxID is the longest id of a search or of a visitor, in code points.
	maxID = 100
	// maxOrdinal is the last place in a result.
	maxOrdinal = math.MaxInt32
)

// clickValue is the value of a click's record: an event of OpenSearch User Behavior
// Insights 1.3.0.
type clickValue struct {
	Action     string          `json:"action_name"`
	QueryID    string          `json:"query_id"`
	ClientID   string          `json:"client_id,omitempty"`
	Timestamp  string          `json:"timestamp"`
	Attributes clickAttributes `json:"event_attributes"`
}

type clickAttributes struct {
	Object struct {
		ID    string `json:"object_id"`
		Field string `json:"object_id_field"`
	} `json:"object"`
	Position struct {
		Ordinal int `json:"ordinal"`
	} `json:"position"`
}

// Encode returns value and headers of the click's record, without ce_source and
// ce_sequence.
func (e *ClickEvent) Encode() (value []byte, headers []Header, err error) {
	at := formatTime(e.Time)
	v := clickValue{Action: clickAction, QueryID: e.SearchID, ClientID: e.ClientID, Timestamp: at}
	if v.ClientID == "" {
		v.ClientID = e.Visitor
	}
	v.Attributes.Object.ID, v.Attributes.Object.Field = strconv.FormatUint(uint64(e.Book), 10), "id"
	v.Attributes.Position.Ordinal = e.Ordinal
	if value, err = json.Marshal(v); err != nil {
		return nil, nil, fmt.Errorf("encode a click: %w", err)
	}
	add := func(key, text string) {
		if text != "" {
			headers = append(headers, Header{key, []byte(text)})
		}
	}
	add("ce_specversion", cloudEventsVersion)
	add("ce_id", e.ID)
	add("ce_type", ClickEventType)
	add("ce_time", at)
	add("ce_dataschema", ClickEventSchema)
	add("content-type", jsonContentType)
	add("traceparent", e.TraceParent)
	add("ce_searchid", e.SearchID)
	add("ce_searchtime", formatTime(e.SearchTime))
	add("ce_keyword", string(e.Keyword))
	add("ce_surface", string(e.Surface))
	add("ce_agent", string(e.Agent))
	add("ce_tag", e.Tag)
	add("ce_clientid", e.ClientID)
	add("ce_visitor", e.Visitor)
	add("ce_language", e.Language)
	add("ce_offset", strconv.Itoa(e.Offset))
	add("ce_bookid", v.Attributes.Object.ID)
	add("ce_ordinal", strconv.Itoa(e.Ordinal))
	return value, headers, nil
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// DecodeClickEvent reads the record of a click. It ignores unknown headers and fields. A
// click needs ce_searchtime, ce_keyword, ce_bookid and ce_ordinal; other headers may be
// missing:
//
//   - ID, TraceParent, Source, Sequence, Surface, Tag, ClientID, Visitor, Language and
//     Offset are zero.
//     So is Time; the record's timestamp may take its place.
//   - Agent is UnknownAgent.
//
// An empty header counts as missing. If a header comes twice, the first one counts. The
// error has the code Malformed and names the header, or "key" or "value".
func DecodeClickEvent(key string, headers []Header, value []byte) (*ClickEvent, error) {
	e := &ClickEvent{Agent: UnknownAgent}
	var err error
	if e.SearchID, err = decodeID(key); err != nil {
		return nil, malformed("key", err)
	}
	seen, err := decodeHeaders(headers, e.decodeHeader)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"ce_searchtime", "ce_keyword", "ce_bookid", "ce_ordinal"} {
		if !seen[name] {
			return nil, malformed(name, errors.New("is missing"))
		}
	}
	if err := e.checkValue(value); err != nil {
		return nil, malformed("value", err)
	}
	return e, nil
}

// decodeHeaders passes the first of each header that isn't empty to decode. It returns
// which there are.
func decodeHeaders(headers []Header, decode func(name, value string) error) (seen map[string]bool, err error) {
	seen = make(map[string]bool, len(headers))
	for _, h := range headers {
		if len(h.Value) == 0 || seen[h.Key] {
			continue
		}
		seen[h.Key] = true
		if err := decode(h.Key, string(h.Value)); err != nil {
			return nil, malformed(h.Key, err)
		}
	}
	return seen, nil
}

func (e *ClickEvent) decodeHeader(name, value string) (err error) {
	common := envelope{ClickEventType, ClickEventSchema, &e.ID, &e.Source, &e.Sequence, &e.Time, &e.TraceParent}
	if known, err := common.decode(name, value); known {
		return err
	}
	switch name {
	case "ce_searchid":
		return requireSame(value, e.SearchID)
	case "ce_searchtime":
		e.SearchTime, err = decodeTime(value)
	case "ce_keyword":
		e.Keyword, err = decodeKeyword(value)
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
		e.Offset, err = decodeNumber(value, MaxOffset)
	case "ce_bookid":
		e.Book, err = decodeBookID(value)
	case "ce_ordinal":
		if e.Ordinal, err = decodeNumber(value, maxOrdinal); err == nil && e.Ordinal == 0 {
			err = errors.New("counts from 1")
		}
	}
	return err
}

// checkValue refuses a value that isn't the click that the headers describe.
func (e *ClickEvent) checkValue(value []byte) error {
	var v clickValue
	if err := json.Unmarshal(value, &v); err != nil {
		return errors.New("is not the JSON object of a click")
	}
	switch {
	case v.Action != clickAction:
		return fmt.Errorf("has the action %.100q, not %s", v.Action, clickAction)
	case v.QueryID != e.SearchID:
		return errors.New("is not about the search that the key names")
	case v.Attributes.Object.ID != strconv.FormatUint(uint64(e.Book), 10):
		return errors.New("is not about the book of ce_bookid")
	case v.Attributes.Position.Ordinal != e.Ordinal:
		return errors.New("has another place than ce_ordinal")
	}
	return nil
}

// Encode returns value and headers of the erasure's record, without ce_source and
// ce_sequence.
func (e *VisitorErasedEvent) Encode() (value []byte, headers []Header, err error) {
	if value, err = json.Marshal(erasedValue{e.Visitor}); err != nil {
		return nil, nil, fmt.Errorf("encode an erasure: %w", err)
	}
	headers = []Header{
		{"ce_specversion", []byte(cloudEventsVersion)},
		{"ce_id", []byte(e.ID)},
		{"ce_type", []byte(VisitorErasedEventType)},
		{"ce_time", []byte(formatTime(e.Time))},
		{"ce_dataschema", []byte(VisitorErasedEventSchema)},
		{"content-type", []byte(jsonContentType)},
	}
	if e.TraceParent != "" {
		headers = append(headers, Header{"traceparent", []byte(e.TraceParent)})
	}
	return value, headers, nil
}

// erasedValue is the value of an erasure's record.
type erasedValue struct {
	Visitor string `json:"visitor"`
}

// DecodeVisitorErasedEvent reads the record of an erasure, by the rules of
// DecodeClickEvent. All headers may be missing. The key may be, too; otherwise it must be the
// visitor.
func DecodeVisitorErasedEvent(key string, headers []Header, value []byte) (*VisitorErasedEvent, error) {
	e := &VisitorErasedEvent{}
	if _, err := decodeHeaders(headers, e.decodeHeader); err != nil {
		return nil, err
	}
	var v erasedValue
	if err := json.Unmarshal(value, &v); err != nil {
		return nil, malformed("value", errors.New("is not the JSON object of an erasure"))
	}
	var err error
	if e.Visitor, err = decodeID(v.Visitor); err != nil {
		return nil, malformed("value", fmt.Errorf("has a visitor that %w", err))
	}
	if key != "" && key != e.Visitor {
		return nil, malformed("key", errors.New("is not the visitor of the value"))
	}
	return e, nil
}

func (e *VisitorErasedEvent) decodeHeader(name, value string) error {
	_, err := envelope{VisitorErasedEventType, VisitorErasedEventSchema, &e.ID, &e.Source, &e.Sequence, &e.Time, &e.TraceParent}.decode(name, value)
	return err
}

// decodeID reads the id of a search or a visitor.
func decodeID(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("is empty")
	case !utf8.ValidString(text):
		return "", errors.New("is not valid UTF-8")
	case utf8.RuneCountInString(text) > maxID:
		return "", fmt.Errorf("is longer than %d characters", maxID)
	}
	return text, nil
}

func requireSame(value, key string) error {
	if value != key {
		return errors.New("is not the key")
	}
	return nil
}

func decodeKeyword(value string) (Keyword, error) {
	keyword, err := ParseKeyword(value)
	if err == nil && keyword == "" {
		err = errors.New("is empty")
	}
	return keyword, err
}

func decodeBookID(value string) (uint, error) {
	id, err := strconv.ParseUint(value, 10, 63)
	if err != nil || id == 0 || value[0] == '0' {
		return 0, errors.New("must be the id of a book")
	}
	return uint(id), nil
}
